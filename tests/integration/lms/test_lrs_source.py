"""Results of other systems out of real LRSs: each learner's outcomes once, ours left out, what was voided gone."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from support.crm import PEOPLE, CrmHome
from support.foreign import COURSE, foreign
from support.lrs import HEADERS, KEY, SECRET, Peer, ralph, xapi_statements

from assets.raw import connecting
from assets.raw.records import EntityLanding
from governance.settings import PROJECT
from integrations.lms.config import load
from integrations.sources import SourceError

MAKES = {"xapi-statements": xapi_statements, "ralph": ralph}
OWN = {"context": {"platform": "Rolecall"}}
ISSUER = "https://lms.example.com"  # as the example says


@pytest.fixture(scope="module", params=MAKES)
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with MAKES[request.param](tmp_path_factory.mktemp("lrs")) as found:
        yield found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrmHome:
    monkeypatch.setenv("ROLECALL_LRS_KEY", KEY)
    monkeypatch.setenv("ROLECALL_LRS_SECRET", SECRET)
    made = CrmHome(tmp_path / "home")
    made.know([{**person, "accounts": {"lrs": f"u{number}"}} for number, person in enumerate(PEOPLE, 1)])
    return made


def connect(home: CrmHome, url: str, **options: str) -> None:
    """The example as a customer mends it, with small pages."""
    given = yaml.safe_load((PROJECT / "config/connectors/lrs-example.yaml").read_text("utf-8"))
    given |= {"enabled": True, "url": url, "options": {**given["options"], "page": 7, **options}}
    (home.config / "connectors/lrs.yaml").write_text(yaml.safe_dump(given), "utf-8")


def read(home: CrmHome, **options: Any) -> dict[str, EntityLanding]:
    landed = connecting.read(
        load(home.config, "lrs"), lake=home.lake, state=home.state, identities=home.identities, **options
    )
    home.derive()
    return {each.entity: each for each in landed}


def post(peer: Peer, statements: list[dict[str, Any]]) -> None:
    httpx.post(
        f"{peer.url}/statements", json=statements, auth=(KEY, SECRET), headers=HEADERS, timeout=60
    ).raise_for_status()


def graded(number: int, share: float, **more: Any) -> dict[str, Any]:
    return foreign(number, "passed", result={"score": {"scaled": share}, "success": True}, **more)


def test_results_become_outcomes_once(home: CrmHome, peer: Peer) -> None:
    connect(home, peer.url)
    hashed = hashlib.sha1(b"mailto:rep5@example.com").hexdigest()
    post(peer, [foreign(number) for number in (1, 2, 3)])
    post(peer, [foreign(number) for number in range(100, 120)])  # of nobody known, all in one moment
    post(peer, [graded(1, 0.9), graded(2, 0)])
    post(peer, [graded(4, 0.4, actor={"account": {"homePage": ISSUER, "name": "u4"}})])
    post(peer, [graded(5, 0.5, actor={"mbox_sha1sum": hashed})])
    post(peer, [graded(23, 1, **OWN), foreign(90, **OWN)])
    post(peer, [graded(8, 1, actor={"objectType": "Group", "member": [{"mbox": "mailto:rep1@example.com"}]})])
    first = read(home)
    grades, completions = first["grades"], first["completions"]
    assert (grades.read, grades.accepted, grades.refused) == (5, 4, 1)
    assert [each.rule for each in grades.reasons] == ["actor_is_one_person"]
    assert completions.accepted == 23
    keys = {number: home.identities.key("acme", f"e{number}") for number in range(1, 6)}
    shares = {
        key: float(value) for kind, key, value in home.outcomes("kind, learner_key, value") if kind == "lms_grade"
    }
    assert shares == {keys[1]: 0.9, keys[2]: 0.0, keys[4]: 0.4, keys[5]: 0.5}
    assert {row[0] for row in home.outcomes("learner_key") if row[0]} == set(keys.values())
    assert COURSE in str(home.outcomes("attributes"))
    assert "rep1@example.com" not in str(home.rows("raw/crm_records"))
    again = read(home)
    assert (again["grades"].accepted, again["completions"].accepted) == (0, 0)
    post(peer, [graded(3, 0.7, timestamp="2026-10-02T10:00:00.000Z")])
    assert read(home)["grades"].accepted == 1
    _voiding(home, peer)


def _voiding(home: CrmHome, peer: Peer) -> None:
    voided = {"objectType": "StatementRef", "id": graded(1, 0.9)["id"]}
    post(peer, [foreign(1, "voided", object=voided)])
    assert read(home)["grades"].gone == 1
    assert home.identities.key("acme", "e1") not in {
        key for kind, key in home.outcomes("kind, learner_key") if kind == "lms_grade"
    }


def test_one_activity_and_what_lies_below_it(home: CrmHome, peer: Peer) -> None:
    course = f"https://lms.example/course/of-{peer.name}"
    at = {"objectType": "Activity", "id": course}
    lesson = {"objectType": "Activity", "id": f"{course}/lesson"}
    someone = {"mbox": "mailto:rep1@example.com"}
    post(peer, [
        foreign(201, actor=someone, object=at),
        foreign(202, actor=someone, object=lesson, context={"contextActivities": {"parent": [at]}}),
        foreign(203, actor=someone, object=lesson),
    ])  # fmt: skip
    connect(home, peer.url, activity=course)
    assert read(home)["completions"].accepted == 2
    told = str(home.outcomes("attributes"))
    assert (told.count(f'{course}"'), told.count(f'{lesson["id"]}"')) == (1, 1)
    assert read(home)["completions"].accepted == 0


def test_an_lrs_that_refuses_or_is_none_says_what_to_check(
    home: CrmHome, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(home, peer.url + "/nothing")
    with pytest.raises(SourceError, match="nothing/ answered 404"):
        read(home)
    if peer.name == "ralph":
        connect(home, peer.url)
        monkeypatch.setenv("ROLECALL_LRS_SECRET", "wrong-secret")
        with pytest.raises(SourceError, match=r"does not let us read \(401\)"):
            read(home)
