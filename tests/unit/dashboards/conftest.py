"""One drawn home for all dashboard tests; pages run in-process with AppTest."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from support.dashboard_home import Home, build_home

from dashboards import access
from dashboards.reader import Edition, current_edition

APP = Path(access.__file__).with_name("app.py")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return build_home(tmp_path_factory.mktemp("dashboards") / "home")


@pytest.fixture
def edition(home: Home) -> Edition:
    found = current_edition(home.path / "marts", "acme")
    assert found is not None
    return found


@pytest.fixture
def open_page(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a view as the local reader; AppTest has no request that would say who reads."""

    def opened(view: str = "overview", *, at: Path | None = None, **parameters: str) -> AppTest:
        monkeypatch.setenv("ROLECALL_HOME", str(at or home.path))
        monkeypatch.setattr(access, "reader_of", lambda *_: access.LOCAL)
        app = AppTest.from_file(str(APP), default_timeout=300)
        for name, value in parameters.items():
            app.query_params[name] = value
        app.run()
        return app if view == "overview" else app.switch_page(f"views/{view}.py").run()

    return opened
