"""RFC 3161 stamps of roots and reports, verified without a network: an authority's by OpenSSL, over real HTTP."""

import base64
import json
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typst
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.command import Command
from support.tsa import Tsa

from governance.audit.chain import Event, record
from governance.audit.home import verify_home
from governance.audit.keys import signing_key
from governance.audit.report import sign
from governance.audit.roots import body_of, read_roots, roots_file, stamp_of, write_root
from governance.audit.stamps import AuthorityError, TimestampError, read_authority
from governance.settings import Settings
from governance.state import State

NOW = datetime.now(UTC).replace(microsecond=0)
PAGE = b'#set document(title: "x")\n#pdf.attach("report.json", bytes("{}"))\nA page'


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("tsa") / "other")


@pytest.fixture(scope="module")
def address(tsa: Tsa) -> Iterator[str]:
    with tsa.serving() as url:
        yield url


def settings_of(home: Path, **more: Any) -> Settings:
    return Settings(home=home, _env_file=None, **more)  # type: ignore[call-arg]


def stamped(home: Path, url: str, *, roots: int = 2) -> Settings:
    """A home with stamped roots."""
    settings = settings_of(home, timestamp_url=url)
    with closing(State.open(settings.database_url)) as state:
        for number in range(roots):
            record(state, [Event("access", "local", f"session:{number}", tenant="acme")])
            write_root(settings, state)
    return settings


def findings(settings: Settings) -> list[str]:
    with closing(State.open(settings.database_url)) as state:
        return [f"{each.where}: {each.what}" for each in verify_home(settings, state).findings]


def test_stamped_roots_hold_in_themselves_and_lead_to_the_authority(tmp_path: Path, tsa: Tsa, address: str) -> None:
    home = stamped(tmp_path / "home", address).home
    with closing(State.open(settings_of(home).database_url)) as state:
        alone = verify_home(settings_of(home), state)
        named = verify_home(settings_of(home, timestamp_certificate=tsa.ca), state)
    assert alone.findings == named.findings == []
    assert alone.counts["time stamps"] == named.counts["time stamps"] == 2
    assert any(tsa.fingerprint in note for note in alone.notes), "the reader has to know whose stamps these are"
    assert not any("time-stamped" in note for note in named.notes)


def test_stamps_of_another_authority_are_found(tmp_path: Path, other: Tsa, address: str) -> None:
    home = stamped(tmp_path / "home", address).home
    found = findings(settings_of(home, timestamp_certificate=other.ca))
    assert [each.partition(":")[0] for each in found] == ["roots.jsonl line 1", "roots.jsonl line 2"]
    assert all("does not lead to one of ROLECALL_TIMESTAMP_CERTIFICATE" in each for each in found)


def test_the_commands_say_which_stamp_is_bad(tmp_path: Path, tsa: Tsa, other: Tsa, address: str) -> None:
    settings = stamped(tmp_path / "home", address)
    rolecall = Command(settings.home, ROLECALL_TIMESTAMP_CERTIFICATE=str(tsa.ca))
    assert "2 time stamps" in rolecall("audit", "verify")
    wrong = rolecall.fails("audit", "verify", "--authority", str(other.ca))
    assert "roots.jsonl line 1: its time stamp does not hold" in wrong
    report = tmp_path / "r.pdf"
    report.write_bytes(sign.sign(typst.compile(PAGE), signing_key(settings), reason="x", timestamp_url=address))
    assert "intact (" in rolecall("audit", "verify", str(report))
    assert "r.pdf: its time stamp does not hold" in rolecall.fails(
        "audit", "verify", str(report), "--authority", str(other.ca)
    )
    not_pem = tmp_path / "not.pem"
    not_pem.write_text("no certificate")
    assert "names a PEM file" in rolecall.fails("audit", "verify", str(report), "--authority", str(not_pem))


def test_an_exchanged_stamp_is_found_where_it_stands(tmp_path: Path, address: str) -> None:
    settings = stamped(tmp_path / "home", address)
    path = roots_file(settings)
    first, second = (json.loads(line) for line, _ in read_roots(path))
    second["timestamp"] = first["timestamp"]
    lines = [json.dumps(each, sort_keys=True, separators=(",", ":")) for each in (first, second)]
    path.write_text("".join(f"{line}\n" for line in lines))
    assert "roots.jsonl line 2: its time stamp is over something else" in findings(settings)


def test_each_fault_of_a_stamp_has_its_words(tmp_path: Path, tsa: Tsa, other: Tsa) -> None:
    root: dict[str, Any] = {"format": "rolecall.root/1", "at": NOW.isoformat(), "size": 1, "root": "00"}
    authority = read_authority(tsa.ca)

    def wrong(**changed: Any) -> str | None:
        return stamp_of({**root, **changed}, authority).wrong

    good = tsa.stamp(body_of(root), NOW)
    assert wrong(timestamp=good) is None
    assert stamp_of({**root, "timestamp": good}, authority).at == NOW
    assert "something else" in str(wrong(timestamp=good, size=2))
    assert "does not lead to" in str(wrong(timestamp=other.stamp(body_of(root), NOW)))
    assert "cannot be read" in str(wrong(timestamp="no base 64"))
    assert "cannot be read" in str(wrong(timestamp=good[:400]))
    assert "no time" in str(wrong(timestamp=good, at=None))
    late = {**root, "at": (NOW - timedelta(days=3)).isoformat()}
    assert "hours away" in str(stamp_of({**late, "timestamp": tsa.stamp(body_of(late), NOW)}, authority).wrong)
    early = {**root, "at": (NOW + timedelta(days=3)).isoformat()}
    assert "hours away" in str(stamp_of({**early, "timestamp": tsa.stamp(body_of(early), NOW)}, authority).wrong)
    server = Tsa(tmp_path / "server", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    unfit = {**root, "timestamp": server.stamp(body_of(root), NOW)}
    assert "not for time stamping" in str(stamp_of(unfit).wrong)
    assert "not for time stamping" in str(stamp_of(unfit, read_authority(server.ca)).wrong)


def test_a_changed_time_or_signature_does_not_hold(tsa: Tsa) -> None:
    root: dict[str, Any] = {"format": "rolecall.root/1", "at": NOW.isoformat(), "size": 1, "root": "00"}
    stamp = base64.b64decode(tsa.stamp(body_of(root), NOW))
    place = stamp.index(NOW.strftime("%Y%m%d%H%M%SZ").encode())  # the time that is signed
    for at in (place + 13, len(stamp) - 5):
        changed = bytearray(stamp)
        changed[at] ^= 1
        told = {**root, "timestamp": base64.b64encode(changed).decode()}
        assert stamp_of(told).wrong is not None
        assert stamp_of(told, read_authority(tsa.ca)).wrong is not None


def test_a_bad_answer_writes_no_root(tmp_path: Path, tsa: Tsa, other: Tsa, address: str) -> None:
    home = tmp_path / "home"
    settings = settings_of(home, timestamp_url=address, timestamp_certificate=other.ca)
    with closing(State.open(settings.database_url)) as state:
        record(state, [Event("access", "local", "session:1", tenant="acme")])
        with pytest.raises(TimestampError, match="does not lead to"):
            write_root(settings, state)
        with pytest.raises(TimestampError, match="hours away"):  # this machine's clock is wrong
            write_root(settings_of(home, timestamp_url=address), state, NOW - timedelta(days=2))
        gone = settings_of(home, timestamp_url="http://127.0.0.1:1")
        with pytest.raises(TimestampError, match="try again"):
            write_root(gone, state)
        with pytest.raises(TimestampError, match="try again"):
            sign.sign(typst.compile(PAGE), signing_key(gone), reason="x", timestamp_url=gone.timestamp_url)
        with pytest.raises(TimestampError, match="does not lead to"):
            sign.sign(
                typst.compile(PAGE), signing_key(settings), reason="x", timestamp_url=address,
                authority=read_authority(other.ca),
            )  # fmt: skip
        with pytest.raises(AuthorityError, match="names a PEM file"):
            write_root(settings_of(home, timestamp_url=address, timestamp_certificate=home), state)
    assert not roots_file(settings).exists()


def test_a_bit_changed_anywhere_in_a_stamped_report_is_found(tmp_path: Path, tsa: Tsa, address: str) -> None:
    """Signature, stamp and the certificates of both lie in the few bytes that the signature does not cover."""
    key = signing_key(settings_of(tmp_path / "home"))
    pdf = sign.sign(typst.compile(PAGE), key, reason="x", timestamp_url=address)
    found = sign.check(pdf)
    assert (found.wrong, found.stamped_by) == (None, tsa.fingerprint)
    assert found.stamped_at is not None
    assert abs(found.stamped_at - datetime.now(UTC)) < timedelta(minutes=5)
    start = pdf.rindex(b"/Contents <") + len(b"/Contents <")
    end = start + len(pdf[start : pdf.index(b">", start)].rstrip(b"0"))
    draw = random.Random(5)
    places = [*range(start, end, 211), *(draw.randrange(len(pdf)) for _ in range(10))]
    for place in places:
        changed = bytearray(pdf)
        changed[place] ^= 1 << draw.randrange(3)
        assert sign.check(bytes(changed)).wrong is not None, place
