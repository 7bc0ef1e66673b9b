"""What the doctor says of destinations and of bytecode."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from governance.settings import PROJECT, Settings
from pipelines import doctor

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LOGIN: dict[str, Any] = {
    "oidc_metadata_url": "https://login.example/.well-known/openid-configuration",
    "oidc_client_id": "rolecall",
    "oidc_client_secret": "s3cret",
}


def test_a_destination_whose_learners_log_in_needs_a_login_provider(tmp_path: Path) -> None:
    given = yaml.safe_load((PROJECT / "config" / "destinations" / "demo.yaml").read_text("utf-8"))
    (tmp_path / "destinations").mkdir()
    (tmp_path / "destinations" / "lms.yaml").write_text(yaml.safe_dump(given | {"identity": "sso"}), "utf-8")
    ready = Settings(home=tmp_path, config=tmp_path, **LOGIN)
    assert doctor.destinations(ready, NOW) == doctor.Finding("destinations", "ok", "1 LMSs: lms")
    for missing in LOGIN:
        found = doctor.destinations(ready.model_copy(update={missing: None}), NOW)
        assert found.level == "fail"
        assert "learners of lms log in" in found.detail
        assert f"ROLECALL_{missing.upper()}" in (found.remedy or "")


def test_libraries_that_every_command_compiles_anew_are_a_warning(tmp_path: Path) -> None:
    script = (
        "from datetime import datetime; from governance.settings import Settings; from pipelines import doctor\n"
        "found = doctor.bytecode(Settings(_env_file=None), datetime.now()); print(found.level, found.remedy)"
    )

    def said(kept: str, cache: Path) -> str:
        words = {"PYTHONDONTWRITEBYTECODE": kept, "PYTHONPYCACHEPREFIX": str(cache), "PYTHONPATH": str(PROJECT)}
        return subprocess.check_output([sys.executable, "-c", script], env=words, text=True)

    assert said("1", tmp_path).startswith("warn Unset it, or compile them once: ")
    assert said("", tmp_path) == "ok None\n"
    compiled = tmp_path / "compiled"
    dagster = "import compileall, importlib.util as u; compileall.compile_file(u.find_spec('dagster').origin, quiet=1)"
    subprocess.run([sys.executable, "-c", dagster], env={"PYTHONPYCACHEPREFIX": str(compiled)}, check=True)
    assert said("1", compiled) == "ok None\n"
