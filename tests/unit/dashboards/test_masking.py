"""Who reads a session's words with personal data in them: by role, by reason, on pages and in captions."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from support import dashboard_home
from support.dashboard_home import TENANT, Home, build_home

from dashboards import access, masking, media, session_queries
from dashboards.reader import current_edition
from governance.access import Role, User
from governance.access.log import AccessLog
from governance.identities import DirectoryEntry, Identities
from governance.privacy.restrictions import Restrictions
from governance.secrets import secret_key
from governance.settings import Settings

Opener = Callable[..., AppTest]
SECRET = "Ask Sarah Müller, +49 30 1234567, or charge 4111 1111 1111 1111."
SHOWN = "Ask [name], [phone], or charge [card]."
OFFICER = User("oidc:officer", frozenset({Role.compliance}), frozenset({TENANT}), None)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with one known person, who is named in the recorded session's words, captions, comments and reasons."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dashboard_home, "SAID", (("learner", SECRET), *dashboard_home.SAID[1:]))
        home = build_home(tmp_path_factory.mktemp("said") / "home", sessions=60, learners=8)
        vtt = home.path / "exports" / "captions" / "recorded.vtt"
        vtt.write_text(f"WEBVTT\n\n00:00:01.500 --> 00:00:05.000\n<v Learner>{SECRET}</v>\n", "utf-8")
        patched.setenv("ROLECALL_HOME", str(home.path))
        settings = Settings()
        state = access.state_of(settings.database_url)
        entry = DirectoryEntry(tenant=TENANT, learner_id="e1042", name="Sarah Müller")
        Identities(state, secret_key(settings)).record([entry])
        yield home


def spoken(page: AppTest) -> str:
    """What stands in the tables of turns and criteria once they are opened."""
    for name in ("turns", "criteria-1", "signals"):
        page.session_state[f"table-{name}"] = True
    page.run()
    assert not page.exception
    return "\n".join(frame.value.to_csv() for frame in page.dataframe)


def looks(home: Home, who: str) -> list[tuple[str, str | None]]:
    log = AccessLog(access.state_of(Settings(home=home.path, _env_file=None).database_url))  # type: ignore[call-arg]
    frame = log.frame(TENANT, limit=None).filter(who=who, action="see_names", allowed=True)
    return list(frame.select("object", "reason").iter_rows())


def test_words_are_masked_until_a_reason_is_given(
    said: Home, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "LOCAL", OFFICER)
    page = open_page("session_replay", at=said.path, session=said.recorded)
    words = spoken(page)
    assert SHOWN in words
    assert "Sarah" not in words
    assert "1 name, 1 card number and 1 phone number" in told(page)
    assert looks(said, OFFICER.name) == []

    page.text_input[0].set_value("complaint 12")
    next(each for each in page.button if each.label == "Show names").click()
    page.run()
    assert SECRET in spoken(page)
    assert "Personal data is masked" not in told(page)
    assert "The directory does not hold this learner" in told(page)
    assert looks(said, OFFICER.name) == [(said.recorded, "complaint 12")]


def told(page: AppTest) -> str:
    return "\n".join(each.value for each in page.markdown).replace("\xa0", " ")


@pytest.mark.parametrize("role", [Role.auditor, Role.learner, Role.manager, Role.analyst])
def test_who_reads_what(said: Home, open_page: Opener, monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    """A learner reads their own words; of the others, those who may read transcripts read them masked."""
    row = session_row(said)
    key = str(row["learner_key"])
    own = frozenset({key}) if role is Role.learner else frozenset()
    team = frozenset({key}) if role is Role.manager else frozenset()
    box = dashboard_home.NOW.replace(year=2100) if role is Role.auditor else None
    user = User(f"oidc:{role}", frozenset({role}), frozenset({TENANT}), None, own=own, reports=team, box=box)
    monkeypatch.setattr(access, "LOCAL", user)
    words = spoken(open_page("session_replay", at=said.path, session=said.recorded))
    assert (SECRET in words) is (role is Role.learner)
    assert (SHOWN in words) is (role is Role.auditor)


def session_row(home: Home) -> dict[str, object]:
    edition = current_edition(home.path / "marts", TENANT)
    assert edition is not None
    row = session_queries.session(edition, home.recorded)
    assert row is not None
    return row


def test_a_frozen_learner_is_told_of(said: Home, open_page: Opener) -> None:
    state = access.state_of(Settings(home=said.path, _env_file=None).database_url)  # type: ignore[call-arg]
    restrictions, key = Restrictions(state), str(session_row(said)["learner_key"])
    assert not open_page("session_replay", at=said.path, session=said.recorded).warning
    restrictions.place(TENANT, [key], basis="GDPR 18(1)(a)", by="dpo", at=dashboard_home.NOW)
    page = open_page("session_replay", at=said.path, session=said.recorded)
    restrictions.lift(TENANT, [key], basis="verified", by="dpo", at=dashboard_home.NOW)
    assert "data is frozen" in page.warning[0].value


def test_captions_are_masked_by_the_same_rule(said: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_HOME", str(said.path))
    monkeypatch.setattr(access, "LOCAL", OFFICER)
    settings, edition = Settings(), current_edition(said.path / "marts", TENANT)
    assert edition is not None
    uri = session_queries.media(edition, said.recorded)["uri"][0]
    client = TestClient(Starlette(routes=media.ROUTES), base_url="http://localhost", client=("127.0.0.1", 1))

    def captions(reader: User, *, in_full: bool) -> str:
        monkeypatch.setattr(access, "LOCAL", reader)
        return media.link("captions", settings, reader, edition, said.recorded, uri, in_full=in_full)

    masked = captions(OFFICER, in_full=False)
    answer = client.get(masked)
    assert answer.headers["content-type"].startswith("text/vtt")
    assert f"<v Learner>{SHOWN}</v>" in answer.text
    assert client.get(masked + "&words=full").status_code == 403  # the ticket is not for that
    assert SECRET in client.get(captions(OFFICER, in_full=True)).text
    learner = replace(
        OFFICER,
        name="oidc:own",
        roles=frozenset({Role.learner}),
        own=frozenset({str(session_row(said)["learner_key"])}),
    )
    assert SECRET in client.get(captions(learner, in_full=False)).text


def test_a_scanner_is_built_anew_once_somebody_becomes_known(said: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_HOME", str(said.path))
    settings = Settings()
    first = masking.scanner(settings, TENANT)
    later = time.time() + 2 * masking.FRESH_S
    monkeypatch.setattr(masking.time, "time", lambda: later)
    assert masking.scanner(settings, TENANT) is first
    entry = DirectoryEntry(tenant=TENANT, learner_id="e1043", name="Zebulon Quist")
    Identities(access.state_of(settings.database_url), secret_key(settings)).record([entry])
    assert masking.scanner(settings, TENANT) is first
    later += 2 * masking.FRESH_S
    assert masking.scanner(settings, TENANT).masked("ask Zebulon") == "ask [name]"


def test_a_sentence_says_what_was_masked() -> None:
    assert masking.told(Counter(), asked=True) == ""
    assert masking.told(Counter(email=2, name=1), asked=False).replace("\xa0", " ") == (
        "Personal data is masked in the words below: 1 name and 2 e-mail addresses."
    )
