"""Each page in-process: what it answers, and what it says where there is nothing or too little."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from support.dashboard_home import NOW, Home
from support.published import publish_frames
from support.synthetic import Draw, core_frames

from dashboards import access, shell
from dashboards.registry import PAGES
from governance.access import Role
from governance.access.claims import local_user

VIEWS = {entry.view: entry.title for entry in PAGES}
Opener = Callable[..., AppTest]


def text(page: AppTest) -> str:
    return "\n".join([*(item.value for item in page.markdown), *(item.value for item in page.info)])


@pytest.mark.parametrize("view", VIEWS)
def test_page_opens_with_a_question_and_an_answer(open_page: Opener, view: str) -> None:
    page = open_page(view)
    assert not page.exception
    assert page.title[0].value == VIEWS[view]
    assert page.markdown[0].value.endswith("?**")
    assert any(character.isdigit() for character in page.markdown[1].value)


@pytest.mark.parametrize("view", VIEWS)
def test_page_without_published_marts_says_how_to_get_them(open_page: Opener, view: str, tmp_path: Path) -> None:
    page = open_page(view, at=tmp_path)
    assert not page.exception
    assert "rolecall run" in text(page)


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose publication holds no row."""
    path = tmp_path_factory.mktemp("nobody")
    frames = core_frames(Draw(sessions=20, learners=5))
    publish_frames(path / "marts" / "acme", {name: frame.clear() for name, frame in frames.items()}, now=NOW)
    return path


def tables(page: AppTest) -> list[Any]:
    """The tables to open, drawn or not."""
    return [each for each in page.expander if each.label != "Read as"]


@pytest.mark.parametrize(
    "view", sorted(VIEWS.keys() - {"access_log"})
)  # looks are logged whether or not anybody practised
def test_page_of_an_empty_publication_says_what_is_missing(open_page: Opener, view: str, nobody: Path) -> None:
    page = open_page(view, at=nobody)
    assert not page.exception
    assert "rolecall ingest" in text(page)


@pytest.mark.parametrize("view", ["overview", "competency_trends"])
def test_too_few_people_are_withheld_with_a_remedy(open_page: Opener, view: str, tmp_path: Path) -> None:
    publish_frames(tmp_path / "marts" / "acme", core_frames(Draw(sessions=80, learners=6)), now=NOW)
    page = open_page(view, at=tmp_path)
    assert not page.exception
    assert "10" in text(page)
    assert "Choose all regions" in text(page)
    assert len(page.dataframe) == len(tables(page)) == 0


def test_a_table_is_drawn_once_it_is_opened(open_page: Opener) -> None:
    page = open_page()
    assert {each.label for each in tables(page)} == {"Table and CSV"}
    closed = len(page.dataframe)
    page.session_state["table-practice-by-week"] = True
    page.run()
    assert len(page.dataframe) == closed + 1
    assert "practice_hours" in page.dataframe[0].value.columns


def test_scenario_quality_draws_the_criteria_of_one_scenario_at_a_time(open_page: Opener) -> None:
    page = open_page("scenario_quality")
    titles = page.selectbox(key="criteria").options
    assert len(titles) > 1
    for title in titles:
        page.selectbox(key="criteria").set_value(title).run()
        assert not page.exception
        assert [each.value for each in page.subheader] == [title]


@pytest.mark.parametrize(("role", "linked"), [(Role.manager, False), (Role.analyst, True)])
def test_overview_links_to_the_health_of_the_data_where_the_role_may_open_it(
    open_page: Opener, monkeypatch: pytest.MonkeyPatch, role: Role, linked: bool
) -> None:
    """A manager's overview ended in an error at this link."""
    monkeypatch.setattr(access, "LOCAL", local_user("x", [role]))
    page = open_page()
    assert not page.exception
    assert ("data-health" in [each.proto.page for each in page.get("page_link")]) is linked


def test_pages_link_by_the_shell_alone() -> None:
    """Streamlit fails at a link to a page that the reader may not open; the shell leaves such a link out."""
    views = Path(shell.__file__).with_name("views")
    assert [each.name for each in views.glob("*.py") if "st.page_link" in each.read_text("utf-8")] == []


def test_overview_narrows_by_the_address(open_page: Opener) -> None:
    page = open_page(region="EMEA", period="8 weeks")
    assert page.selectbox(key="region").value == "EMEA"
    assert page.segmented_control(key="period").value == "8"
    assert "95 % interval" in page.markdown[1].value


def test_an_unknown_filter_in_the_address_falls_back(open_page: Opener) -> None:
    page = open_page(region="Atlantis", period="forever")
    assert not page.exception
    assert page.selectbox(key="region").value == "*"


def test_replay_shows_the_linked_session_with_words_scores_and_signals(open_page: Opener, home: Home) -> None:
    page = open_page("session_replay", session=home.recorded)
    assert not page.exception
    assert page.selectbox(key="_session").value == home.recorded
    assert "Result: **" in page.markdown[1].value
    assert any(button.label == "Go to 0:10" for button in page.button)


def test_a_link_wins_over_filters_until_the_filters_move(open_page: Opener, home: Home) -> None:
    page = open_page("session_replay", session=home.open)
    assert page.selectbox(key="_session").value == home.open
    assert "no scores" in text(page)
    page.selectbox(key="result").set_value("passed").run()
    assert not page.exception
    assert page.selectbox(key="_session").value != home.open
    assert page.query_params["session"] == page.selectbox(key="_session").value


def test_replay_of_a_session_that_is_not_there(open_page: Opener) -> None:
    page = open_page("session_replay", session="cvi:nobody")
    assert not page.exception
    assert "There is no session cvi:nobody." in text(page)


def test_an_evidence_button_wishes_a_seek_each_time(open_page: Opener, home: Home) -> None:
    page = open_page("session_replay", session=home.recorded)
    for wanted in (1, 2):
        next(button for button in page.button if button.label == "Go to 0:40").click()
        page.run()
        assert page.session_state["_seek"] == (home.recorded, 40.0, wanted)


def test_strangers_see_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboards import access

    monkeypatch.setenv("ROLECALL_HOME", str(home.path))
    page = AppTest.from_file(str(Path(access.__file__).with_name("app.py")), default_timeout=300).run()
    assert page.error[0].value == access.REFUSAL
    assert len(page.dataframe) == len(page.expander) == 0  # nor whom to read as
