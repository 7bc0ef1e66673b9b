"""The note of the newest event: it only rises, and a chain that lost the noted event never gets a new one."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from governance.audit.chain import TABLE, Event, append, record, stream
from governance.audit.head import START, Head, head_file, note_head, read_head
from governance.audit.home import verify_home
from governance.audit.roots import write_root
from governance.settings import PROJECT, Settings
from governance.state import State
from governance.state.models import AuditRow

ROOTED = 6  # events below the root, which is an event too
LENGTH = ROOTED + 1 + 4  # and four that no root covers
WRITER = """
import sys
from governance.audit.chain import Event, record
from governance.state import State

state = State.open(sys.argv[1])
for number in range(int(sys.argv[2])):
    record(state, [Event("access", f"writer {sys.argv[3]}", f"session:{number}", tenant="acme")])
"""


def looks(count: int) -> list[Event]:
    return [Event("access", "local", f"session:{number}", tenant="acme") for number in range(count)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def chained(settings: Settings) -> Iterator[State]:
    """A home with a root, and four events after it."""
    state = State.open(settings.database_url)
    record(state, looks(ROOTED))
    write_root(settings, state)
    record(state, looks(LENGTH - ROOTED - 1))
    yield state
    state.close()


def note_of(state: State) -> Path:
    path = head_file(state.engine)
    assert path is not None
    return path


def cut(state: State, seq: int) -> None:
    """Delete the events from ``seq`` on, as somebody with the database could."""
    with state.session() as session:
        session.execute(delete(AuditRow).where(TABLE.seq >= seq))


def newest(state: State) -> Head:
    with state.reading() as session:
        event = list(stream(session))[-1]
    return Head(event["seq"], event["hash"])


def findings(settings: Settings, state: State) -> list[str]:
    return [f"{each.where}: {each.what}" for each in verify_home(settings, state).findings]


def test_an_untouched_chain_is_noted_to_its_end(settings: Settings, chained: State) -> None:
    assert read_head(note_of(chained)) == newest(chained)
    assert newest(chained).seq == LENGTH
    assert findings(settings, chained) == []


@pytest.mark.parametrize(
    ("grown", "place"),
    [
        (1, f"events {LENGTH} to {LENGTH}: cut off"),
        (2, f"event {LENGTH}: is not the event"),
        (9, f"event {LENGTH}: is not the event"),
    ],
    ids=["shorter", "as long", "longer"],
)
def test_a_chain_that_was_cut_and_grew_again_is_found(
    settings: Settings, chained: State, grown: int, place: str
) -> None:
    noted = note_of(chained).read_bytes()
    cut(chained, LENGTH - 1)
    for each in looks(grown):
        record(chained, [each])
    assert note_of(chained).read_bytes() == noted
    assert any(each.startswith(place) for each in findings(settings, chained)), findings(settings, chained)


def test_a_whole_chain_that_was_replaced_is_found(settings: Settings, chained: State) -> None:
    cut(chained, 1)
    record(chained, looks(LENGTH + 5))
    assert any(each.startswith(f"event {LENGTH}: is not the event") for each in findings(settings, chained))


def test_a_note_that_cannot_be_read_or_is_gone_stays_so(settings: Settings, chained: State) -> None:
    note = note_of(chained)
    note.write_text("9\n")
    record(chained, looks(1))
    assert note.read_text() == "9\n"
    assert findings(settings, chained) == [f"{note.name}: the note of the newest event cannot be read"]
    note.unlink()
    record(chained, looks(1))
    assert findings(settings, chained) == [f"{note.name}: the note of the newest event is missing"]


def test_a_note_starts_anew_by_hand_after_a_lawful_restore(settings: Settings, chained: State) -> None:
    """The line of docs/audit.md."""
    cut(chained, LENGTH)
    manual = (PROJECT / "docs" / "audit.md").read_text("utf-8")
    command = "printf '0 %064d\\n' 0 > state.db.head"
    assert command in manual
    subprocess.run(["sh", "-c", command], cwd=settings.home, check=True)
    assert read_head(note_of(chained)) == START
    record(chained, looks(1))
    assert read_head(note_of(chained)) == newest(chained)
    assert findings(settings, chained) == []


def test_a_lower_note_never_replaces_a_higher_one(tmp_path: Path) -> None:
    path = tmp_path / "state.db.head"
    for seq in (3, 2, 3, 1):
        note_head(path, Head(seq, f"{seq:x}" * 64))
        assert read_head(path) == Head(3, "3" * 64)
    note_head(path, Head(3, "f" * 64))
    assert read_head(path) == Head(3, "3" * 64)


def test_nothing_is_noted_of_a_transaction_that_failed(chained: State) -> None:
    def fail() -> None:
        with chained.session() as session:
            append(session, looks(2))
            raise ValueError("after the events")

    with pytest.raises(ValueError, match="after the events"):
        fail()
    assert read_head(note_of(chained)) == newest(chained)
    assert newest(chained).seq == LENGTH


def test_the_note_rises_under_writers_at_once(settings: Settings, chained: State) -> None:
    """Four processes that record one after the other; whoever looks never sees the note fall or half of one."""
    each, writers = 25, 4
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, settings.database_url, str(each), str(number)], cwd=PROJECT)
        for number in range(writers)
    ]
    seen = [LENGTH]
    while any(one.poll() is None for one in running):
        noted = read_head(note_of(chained))
        assert noted is not None
        assert noted.seq >= seen[-1]
        seen.append(noted.seq)
        assert verify_home(settings, chained).findings == [], "events are added while it looks"
        time.sleep(0.01)
    assert [one.returncode for one in running] == [0] * writers
    assert read_head(note_of(chained)) == newest(chained) == Head(LENGTH + each * writers, newest(chained).hash)
    assert len(set(seen)) > 2, "the note was seen on its way"
