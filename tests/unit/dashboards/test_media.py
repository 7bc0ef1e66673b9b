"""Recordings: from the index, below allowed folders, with a ticket that stays the same for a while."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from support.dashboard_home import Home

from dashboards import media, session_queries
from dashboards.access import LOCAL, acting_as, bearer
from dashboards.reader import Edition
from governance.access import Scope
from governance.evidence import NoEvidenceError, transcript
from governance.settings import Settings

ALL_ROWS = Scope(everything=True)


@pytest.fixture
def settings(home: Home, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ROLECALL_HOME", str(home.path))
    return Settings()


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=media.ROUTES), base_url="http://localhost", client=("127.0.0.1", 1))


def address(settings: Settings, edition: Edition, session_id: str, kind: str = "recordings") -> str:
    uri = session_queries.media(edition, session_id)["uri"][0]
    return media.link(kind, settings, LOCAL, edition, session_id, uri)


def test_a_link_is_stable_and_plays_in_ranges(
    settings: Settings, edition: Edition, home: Home, client: TestClient
) -> None:
    link = address(settings, edition, home.recorded)
    assert link == address(settings, edition, home.recorded)
    assert "recorded.mp4" not in link
    assert client.get(link).status_code == 200
    part = client.get(link, headers={"range": "bytes=0-9"})
    assert (part.status_code, len(part.content)) == (206, 10)
    captions = client.get(address(settings, edition, home.recorded, "captions"))
    assert captions.text.startswith("WEBVTT")
    assert captions.headers["content-type"].startswith("text/vtt")


def test_whoever_looks_in_a_role_of_this_machine_plays_what_the_role_may_play(
    settings: Settings, edition: Edition, home: Home, client: TestClient
) -> None:
    """The route sees the local reader and not the role picked on the page; a made-up name is still somebody else."""
    uri = session_queries.media(edition, home.recorded)["uri"][0]
    auditor = acting_as("auditor", "", settings, "acme")
    assert client.get(media.link("recordings", settings, auditor, edition, home.recorded, uri)).status_code == 200
    stranger = replace(auditor, name="local as somebody")
    assert client.get(media.link("recordings", settings, stranger, edition, home.recorded, uri)).status_code == 403
    assert bearer(replace(LOCAL, name="oidc:officer"), auditor.name) is None


def test_a_link_opens_nothing_else(settings: Settings, edition: Edition, home: Home, client: TestClient) -> None:
    link = address(settings, edition, home.recorded)
    assert client.get(link.split("?")[0]).status_code == 403 or client.get(link.split("?")[0]).status_code == 400
    assert client.get(link.replace("/recordings/", "/captions/")).status_code == 403
    assert client.get(link.replace("mark=", "mark=0")).status_code == 403
    elsewhere = address(settings, edition, _with_remote_media(edition))
    assert client.get(elsewhere).status_code == 404


def _with_remote_media(edition: Edition) -> str:
    listed = session_queries.found(edition, session_queries.Wanted(ALL_ROWS, recorded=True))["session_id"].to_list()
    return next(s for s in listed if session_queries.media(edition, s)["uri"][0].startswith("s3://"))


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/a.mp4",
        "http://169.254.169.254/latest/meta-data",
        "file://other-host/{root}/inside.mp4",
        "file:///etc/passwd",
        "/etc/passwd",
        "{root}/../outside.mp4",
        "file://{root}/%2e%2e/outside.mp4",
        "{root}/link.mp4",
        "{root}/gone.mp4",
        "{root}",
    ],
)
def test_only_files_below_the_roots_are_played(tmp_path: Path, uri: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "inside.mp4").write_bytes(b"x")
    (tmp_path / "outside.mp4").write_bytes(b"x")
    (root / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    assert media.recording_file((root / "inside.mp4").as_uri(), [root]) == root / "inside.mp4"
    with pytest.raises(media.NotPlayableError):
        media.recording_file(uri.replace("{root}", str(root)), [root])


@pytest.mark.parametrize("path", [None, "", "../state.db", "/etc/passwd", "captions/gone.vtt"])
def test_captions_stay_below_the_exports(settings: Settings, path: str | None) -> None:
    with pytest.raises(media.NotPlayableError):
        media.captions_file(path, settings)


def test_transcript_is_one_sessions_words(home: Home, edition: Edition) -> None:
    found = session_queries.session(edition, home.recorded)
    assert found is not None
    turns = transcript(home.path / "lake", "acme", home.recorded, found["day"])  # type: ignore[arg-type]
    assert turns["ordinal"].to_list() == list(range(turns.height))
    assert turns.height == 8
    assert turns.schema["start_s"] == pl.Float64
    assert transcript(home.path / "lake", "globex", home.recorded, found["day"]).is_empty()  # type: ignore[arg-type]
    with pytest.raises(NoEvidenceError, match="2020-01-01"):
        transcript(home.path / "lake", "acme", home.recorded, found["day"].replace(2020, 1, 1))  # type: ignore[attr-defined]
