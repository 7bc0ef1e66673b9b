"""Delivery to two real LRSs of different make: everything once, faults on the way, kills, conflicts, losses."""

import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import orjson
import pytest
from pydantic import SecretStr
from support import casino
from support.deliver import agrees, connect, home_with, issue, killed, scored, send, statements
from support.deliveries import Held, deliver_twice, held, home_of_commands
from support.lrs import Peer, ralph, xapi_statements
from support.pipeline import NOW, Home
from support.pipeline import SECRET as PEPPER
from support.practised import Practised
from support.proxy import Fault, faulty
from support.sync import record

from assets.exports.erasure import take_back
from assets.exports.lrs_delivery import ledger_adds_up, lrs_delivery
from assets.exports.statements import PATH
from assets.resources import Workspace
from governance.settings import PROJECT, Settings
from integrations.sync.base import Outgoing, SyncError
from integrations.sync.erasures import Erasures
from integrations.sync.health import broken_runs, rejects, targets
from integrations.sync.ledger import Ledger
from integrations.sync.sender import deliver
from integrations.xapi.destinations import Destination, load
from integrations.xapi.equality import same
from integrations.xapi.lrs import Lrs, transport_of
from integrations.xapi.signing import SigningError, verify
from pipelines.delivery import Options, preview

CASINO = PROJECT.parent / "shared" / "data" / "casino_train.json"
PEERS = ("xapi-statements", "ralph")


@pytest.fixture(scope="module")
def lrss(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Peer]]:
    folder = tmp_path_factory.mktemp("lrs")
    with xapi_statements(folder / "strict") as strict, ralph(folder / "ralph") as lenient:
        yield {"xapi-statements": strict, "ralph": lenient}


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Peer]:
    """A strict LRS that this test alone uses; it starts in a second."""
    with xapi_statements(tmp_path / "lrs") as peer:
        yield peer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return home_with(tmp_path_factory.mktemp("delivery"), 12)


@pytest.mark.parametrize("make", PEERS)
def test_everything_arrives_once_and_a_second_sync_sends_none(home: Home, lrss: dict[str, Peer], make: str) -> None:
    peer = lrss[make]
    connect(home, make, peer.url, batch_count=25)
    before = len(peer.statements())
    done = send(home, make)
    assert done.report is not None
    assert done.report.counts.acknowledged == statements(home) == len(peer.statements()) - before
    assert send(home, make).report is None
    assert broken_runs(home.state) == []
    (row,) = targets(home.state).filter(target=make).to_dicts()
    assert (row["acknowledged"], row["refused"], row["waiting"]) == (statements(home), 0, 0)


def test_the_command_delivers_demo_data_to_both_and_a_second_sync_sends_none(
    practised: Practised, lrss: dict[str, Peer], tmp_path: Path
) -> None:
    practised.copy(tmp_path / "home")
    _settled(deliver_twice(*home_of_commands(tmp_path), list(lrss.values())))


def _settled(found: dict[str, Held]) -> None:
    """Each LRS holds what the ledger says it acknowledged, and none refuses anything."""
    assert all(each.adds_up and each.refused == {} for each in found.values()), found


@pytest.mark.skipif(not CASINO.exists(), reason="the CaSiNo file is not beside this checkout")
def test_real_negotiations_arrive_at_both_and_a_second_sync_sends_none(lrss: dict[str, Peer], tmp_path: Path) -> None:
    """A sample: `make soak` delivers all of them."""
    (tmp_path / "some.json").write_text(json.dumps(casino.read(CASINO)[:8]))
    bundles, _ = casino.convert(tmp_path / "some.json", tmp_path)
    home = home_with(tmp_path / "made", 0)
    home.land_file(bundles)
    issue(home)
    found = {}
    for name, peer in lrss.items():
        target = f"casino-{name}"
        connect(home, target, peer.url)
        send(home, target)
        again = send(home, target).report
        found[name] = held(home, target, peer, 0 if again is None else again.counts.calls)
    _settled(found)


@pytest.mark.parametrize("make", PEERS)
def test_a_batch_with_conflicts_and_invalid_statements_costs_those_alone(
    home: Home, lrss: dict[str, Peer], make: str
) -> None:
    """200 statements, 3 of which the LRS has otherwise and 2 of which it refuses: 195 arrive, 5 have a reason."""
    peer, name = lrss[make], f"mixed-{make}"
    connect(home, name, peer.url)
    sink = Lrs(load(home.config, name), transport_of(name, load(home.config, name)))
    seed = random.Random(make)
    made = [_statement(seed) for _ in range(200)]
    conflicts, invalid = made[3:200:70], (made[50], made[151])
    others = [{**each, "actor": {"mbox": "mailto:other@example.org"}} for each in conflicts]
    assert sink.apply([_outgoing(each) for each in others])
    for each in invalid:
        del each["actor"]
    with Ledger(home.state).claim(name, "lrs") as claim:
        report = deliver(claim, sink, [_outgoing(each) for each in made], planned=200)
    assert (report.counts.acknowledged, report.counts.refused, report.counts.retry) == (195, 5, 0)
    refused = rejects(home.state).filter(target=name)
    assert set(refused["record_key"]) == {each["id"] for each in (*conflicts, *invalid)}
    reasons = dict(refused.select("record_key", "reason").iter_rows())
    assert all("another version: actor" in reasons[each["id"]] for each in conflicts)
    assert all("actor" in reasons[each["id"]] for each in invalid)
    held = {each["id"] for each in peer.statements()}
    assert held >= {each["id"] for each in made} - {each["id"] for each in invalid}


FAULTS: dict[str, list[Fault]] = {
    "before_the_server_stored": ["before"],
    "after_the_server_stored": ["after", None, "after"],
    "no_answer_in_time": ["hang"],
    "half_closed": ["half"] * 6,
    "limits_and_failures": [429, 503, 500, None, 502, 429],
    "too_large": [413, 413],
    "one_after_the_other": ["after", "before", 500, "half", 429, "after", 413, "before"],
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_on_the_way_lose_nothing_and_double_nothing(home: Home, strict: Peer, case: str) -> None:
    plan = dict(enumerate(FAULTS[case], 1))
    with faulty(strict.url, plan.get) as url:
        connect(home, case, url, batch_count=20, timeout_s=1)
        done = send(home, case)
    assert done.report is not None
    assert (done.report.stopped, done.report.counts.acknowledged) == (None, statements(home))
    assert agrees(home, case, strict) == []


def test_kills_at_random_steps_lose_nothing_and_double_nothing(home: Home, strict: Peer) -> None:
    connect(home, "killed", strict.url, batch_count=2)
    assert killed(home, "killed", 4, random.Random(7)) == 4
    assert agrees(home, "killed", strict) == []
    assert len(strict.statements()) == statements(home)


def test_an_lrs_that_lost_its_data_is_noticed_and_filled_again(home: Home, tmp_path: Path) -> None:
    with xapi_statements(tmp_path / "one") as peer:
        connect(home, "lossy", peer.url)
        send(home, "lossy")
    with xapi_statements(tmp_path / "two") as peer:  # it keeps nothing over a restart
        connect(home, "lossy", peer.url)
        done = send(home, "lossy", recheck=3)
        assert done.lost == statements(home) == len(peer.statements())
        assert agrees(home, "lossy", peer) == []
    assert rejects(home.state).filter(target="lossy").is_empty()


def test_wrong_credentials_say_what_to_check(
    home: Home, lrss: dict[str, Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(home, "locked", lrss["ralph"].url)
    monkeypatch.setenv("ROLECALL_LOCKED_SECRET", "wrong-secret")
    with pytest.raises(SyncError, match="refuses the credentials") as caught:
        send(home, "locked")
    assert "wrong-secret" not in str(caught.value)
    monkeypatch.delenv("ROLECALL_LOCKED_SECRET")
    with pytest.raises(SyncError, match="ROLECALL_LOCKED_SECRET is not set"):
        send(home, "locked")


def test_a_changed_score_is_voided_where_it_arrived_and_silent_where_it_did_not(
    tmp_path: Path, strict: Peer, lrss: dict[str, Peer]
) -> None:
    home = home_with(tmp_path / "changing", 1)
    connect(home, "early", strict.url, gzip="true")
    first = send(home, "early")
    assert first.report is not None
    home.land([scored(0, points=1, at="2026-11-03T10:00:00Z")])
    issue(home)
    second = send(home, "early")
    assert second.report is not None
    voidings = [each for each in strict.statements() if each["verb"]["id"].endswith("/voided")]
    assert voidings
    for each in voidings:
        assert strict.get(each["object"]["id"]).status_code == 404
        assert strict.get(each["object"]["id"], "voidedStatementId").status_code == 200
    connect(home, "late", lrss["ralph"].url)
    late = send(home, "late")
    assert late.report is not None
    assert late.report.counts.planned == statements(home) - 2 * len(voidings)


def test_a_destination_that_wants_signatures_gets_them(
    home: Home, strict: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = tmp_path / "signing.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.setenv("ROLECALL_SIGNED_SIGNING_KEY", str(pem))
    connect(home, "signed", strict.url, sign="[verdict]", kinds="[verdict, attempt]")
    done = send(home, "signed")
    assert done.report is not None
    assert done.report.counts.refused == 0
    held = strict.statements()
    with_signature = [each for each in held if each.get("attachments")]
    assert {each["verb"]["id"].rpartition("/")[2] for each in with_signature} <= {"passed", "failed"}
    assert 0 < len(with_signature) < len(held) == done.report.counts.acknowledged
    issued = {key: body.encode() for key, body in home.rows(PATH, "statement_id, statement")}
    for each in with_signature:
        back = strict.signed(each["id"])
        assert verify(back, key.public_key()) == issued[each["id"]]
        forged = back._replace(statement=back.statement.replace(b'"completion":true', b'"completion":false'))
        with pytest.raises(SigningError, match="altered"):
            verify(forged, key.public_key())


def test_a_dry_run_writes_the_very_statements_and_tells_nobody(home: Home, strict: Peer, tmp_path: Path) -> None:
    connect(home, "dry", strict.url, kinds="[verdict, attempt]")
    settings = Settings(home=home.folder, config=home.config, secret_key=SecretStr(PEPPER.decode()))
    planned = preview(settings, "dry", Options(), tmp_path / "lines")["dry"]
    lines = [orjson.loads(line) for line in (tmp_path / "lines" / "dry.jsonl").read_bytes().splitlines()]
    assert strict.statements() == []
    assert targets(home.state).filter(target="dry").is_empty()
    assert planned.plan.counts["create"] == len(lines) > 0
    send(home, "dry")
    held = {each["id"]: each for each in strict.statements()}
    assert len(held) == len(lines)
    assert all(same(each, held[each["id"]]) for each in lines)


def test_dagster_delivers_and_one_destination_that_fails_holds_up_no_other(
    strict: Peer, lrss: dict[str, Peer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(tmp_path / "made", 2)
    connect(home, "good", strict.url)
    connect(home, "locked", lrss["ralph"].url)
    monkeypatch.setenv("ROLECALL_LOCKED_SECRET", "wrong-secret")
    state_url = f"sqlite:///{home.folder / 'state.db'}"
    workspace = Workspace(home=str(home.folder), config=str(home.config), state_url=state_url)
    with dg.DagsterInstance.ephemeral() as instance:

        def delivered() -> dg.ExecuteInProcessResult:
            return dg.materialize([lrs_delivery, ledger_adds_up], resources={"workspace": workspace},
                                  instance=instance, raise_on_error=False)  # fmt: skip

        failed = delivered()
        assert not failed.success
        (failure,) = [event for event in failed.all_events if event.is_step_failure]
        assert "locked: " in str(failure.step_failure_data.error)
        assert "wrong-secret" not in str(failure.step_failure_data.error)
        assert len(strict.statements()) == statements(home)
        (home.config / "connectors" / "locked.yaml").unlink()
        done = delivered()
    assert done.success
    assert [each.passed for each in done.get_asset_check_evaluations()] == [True]


def _statement(seed: random.Random) -> dict:
    return {
        "id": str(uuid.UUID(int=seed.getrandbits(128), version=4)),
        "actor": {"objectType": "Agent", "account": {"homePage": "https://acme.example/ids", "name": "p"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"objectType": "Activity", "id": "https://acme.example/xapi/scenario/12"},
        "timestamp": "2026-03-01T10:00:00.000Z",
    }


def _outgoing(statement: dict) -> Outgoing:
    return record(statement["id"], orjson.dumps(statement))


def test_files_and_filters_of_a_destination_are_checked() -> None:
    with pytest.raises(ValueError, match="leave voiding out"):
        Destination(kinds=("voiding",))  # type: ignore[arg-type]


def test_an_erased_learner_is_taken_back_everywhere(tmp_path: Path, strict: Peer) -> None:
    home = home_with(tmp_path / "erasing", 2)
    connect(home, "lrs", strict.url)
    send(home, "lrs")
    key = home.identities.key("acme", "e1")
    stated = [each for each in strict.statements() if orjson.dumps(each).find(key.encode()) > 0]
    mine = [session for session, body in home.rows(PATH, "session_id, statement") if key in body]
    sessions = dict.fromkeys(mine, key)
    done = take_back(home.lake, home.state, "acme", sessions, reason="subject request", now=NOW)
    assert done.removed == done.voided == len(stated) > 0
    assert done.targets == {"lrs": len(stated)}
    assert not [row for row in home.rows(PATH, "session_id, statement") if key in str(row) or row[0] in sessions]
    assert take_back(home.lake, home.state, "acme", sessions, reason="subject request", now=NOW).removed == 0
    sent = send(home, "lrs").report
    assert sent is not None
    assert sent.counts.acknowledged == len(stated)
    assert all(key not in str(each) for each in strict.statements())
    (row,) = targets(home.state).to_dicts()
    assert row["erasures_open"] == 1
    erasures = Erasures(home.state)
    erasures.confirm("lrs", "acme", key, NOW)
    assert erasures.open("acme") == []
    with pytest.raises(SyncError, match="no hard deletion"):
        erasures.confirm("lrs", "acme", "l_nobody", NOW)
