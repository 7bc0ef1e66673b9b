"""A learner sees who looked, contests a score, and the queue of reviews has it; nobody else does either."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from support.dashboard_home import NOW
from support.published import publish_frames
from support.synthetic import Draw, core_frames

from dashboards import access
from governance.access import Role, User
from governance.access.log import AccessLog, Entry
from governance.reviews import Reviews
from governance.settings import Settings

Opener = Callable[..., AppTest]


@pytest.fixture(scope="module")
def practised(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str, str]:
    """A home, the key of a learner with scores, the key of another, and a scored session of the first."""
    path = tmp_path_factory.mktemp("mine")
    frames = core_frames(Draw(sessions=60, learners=8))
    publish_frames(path / "marts" / "acme", frames, now=NOW)
    real = frames["sessions"].filter(~frames["sessions"]["is_test"])
    scored = frames["session_scores"].join(real, on="session_id", how="semi")
    session, key = scored.drop_nulls("learner_key").select("session_id", "learner_key").row(0)
    other = next(each for each in scored["learner_key"].drop_nulls() if each != key)
    return path, key, other, session


def learner(key: str) -> User:
    return User("oidc:anke", frozenset({Role.learner}), frozenset({"acme"}), None, own=frozenset({key}))


def words(page: AppTest) -> str:
    told = [*(each.value for each in page.markdown), *(each.value.to_csv() for each in page.dataframe)]
    return "\n".join(told).replace("\xa0", " ")


def test_who_looked_and_a_contest_that_reaches_the_queue(
    practised: tuple[Path, str, str, str], open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key, other, session = practised
    state = access.state_of(Settings(home=path, _env_file=None).database_url)  # type: ignore[call-arg]
    read = Entry("oidc:officer", "read_transcript", "acme", True, "ok", session, key, reason="complaint 12")
    AccessLog(state).record_many([read, replace(read, who="oidc:curious", allowed=False, why="role", reason=None)])

    monkeypatch.setattr(access, "LOCAL", learner(other))
    assert "oidc:officer" not in words(open_page("my_sessions", at=path))

    monkeypatch.setattr(access, "LOCAL", learner(key))
    page = open_page("my_sessions", at=path)
    assert not page.exception
    assert "**1 person** looked at your sessions" in words(page)
    shown = words(page)
    assert "read what was said" in shown
    assert "complaint 12" in shown
    assert "oidc:curious" in shown
    assert "oidc:anke" not in shown, "one's own looks are left out"

    page.selectbox(key="contest-session").set_value(session).run()
    page.text_area(key=f"contest-reason-{session}").set_value("  ")
    page.button[-1].click().run()
    assert "give a reason" in page.error[0].value
    page.text_area(key=f"contest-reason-{session}").set_value("I did name the costs")
    page.button[-1].click().run()
    assert Reviews(state).contested("acme") == {session: "I did name the costs"}
    assert "it waits in the review queue" in words(page)

    monkeypatch.undo()
    queue = open_page("review_queue", at=path)
    assert "1 of them contested" in words(queue)
    assert "I did name the costs" in [each.value for each in queue.text]


def test_a_reader_who_is_no_learner_is_told_so(open_page: Opener) -> None:
    page = open_page("my_sessions")
    assert "**0 sessions** here are yours" in words(page)
    assert not page.dataframe
    assert [each.label for each in page.expander] == ["Read as"]
