"""Random tamperings of a home, each of a kind that somebody with the files and the database could do."""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Tampering = Callable[[random.Random, Path], str]


@dataclass(frozen=True)
class Done:
    """What was done, and a text that the findings must hold: the place where it was done."""

    kind: str
    place: str


def _database(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / "state.db", isolation_level=None)


def _event(draw: random.Random, con: sqlite3.Connection) -> int:
    return draw.choice([row[0] for row in con.execute("select seq from audit_events order by seq")])


def edit_event(draw: random.Random, home: Path) -> str:
    """Change one column of one event."""
    con = _database(home)
    seq = _event(draw, con)
    column = draw.choice(["actor", "object", "body", "action", "at", "commitment", "hash", "prev_hash", "salt"])
    value = "2020-01-01 00:00:00.000000" if column == "at" else "forged"
    con.execute(f"update audit_events set {column} = ? where seq = ?", (value, seq))
    con.close()
    return f"event {seq}" if column not in ("hash",) else "event"


def delete_event(draw: random.Random, home: Path) -> str:
    """Delete one event."""
    con = _database(home)
    seq = _event(draw, con)
    con.execute("delete from audit_events where seq = ?", (seq,))
    con.close()
    return f"events {seq} to {seq}"


def swap_events(draw: random.Random, home: Path) -> str:
    """Exchange the contents of two neighbours."""
    con = _database(home)
    count = con.execute("select count(*) from audit_events").fetchone()[0]
    seq = draw.randrange(1, count)
    con.execute("update audit_events set seq = -1 where seq = ?", (seq,))
    con.execute("update audit_events set seq = ? where seq = ?", (seq, seq + 1))
    con.execute("update audit_events set seq = ? where seq = -1", (seq + 1,))
    con.close()
    return f"event {seq}"


def truncate_events(draw: random.Random, home: Path) -> str:
    """Cut off the end of the chain."""
    con = _database(home)
    seq = _event(draw, con)
    con.execute("delete from audit_events where seq >= ?", (seq,))
    con.close()
    return f"events {seq} to"


def regrow_events(draw: random.Random, home: Path) -> str:
    """Cut off the end, and let Rolecall itself add events after that: fewer than were cut, as many, or more."""
    from governance.audit.chain import Event, record
    from governance.state import State

    con = _database(home)
    noted = con.execute("select max(seq) from audit_events").fetchone()[0]
    seq = max(1, noted - draw.randrange(6))
    con.execute("delete from audit_events where seq >= ?", (seq,))
    con.close()
    state = State.open(f"sqlite:///{home / 'state.db'}")
    grown = draw.randrange(1, 12)
    record(state, [Event("access", "forged", f"session:{number}") for number in range(grown)])
    state.close()
    last = seq + grown - 1
    return f"events {last + 1} to {noted}" if last < noted else f"event {noted}"


def rewrite_events(draw: random.Random, home: Path) -> str:
    """Change one event and compute every hash after it anew, as one who knows the scheme would."""
    from governance.audit.links import COMMITTED, commitment, link

    con = _database(home)
    con.row_factory = sqlite3.Row
    rooted = con.execute("select max(seq) from audit_events where action = 'root'").fetchone()[0]
    seq = draw.randrange(1, rooted)
    prev = con.execute("select prev_hash from audit_events where seq = ?", (seq,)).fetchone()[0]
    for row in con.execute("select * from audit_events where seq >= ? order by seq", (seq,)).fetchall():
        new = dict(row) | {"prev_hash": prev}
        new["at"] = new["at"].replace(" ", "T") + "+00:00"
        if row["seq"] == seq:
            new["actor"] = "forged"
            new["commitment"] = commitment(new["salt"], {name: new[name] for name in COMMITTED})
        prev = link(new)
        con.execute(
            "update audit_events set actor = ?, commitment = ?, prev_hash = ?, hash = ? where seq = ?",
            (new["actor"], new["commitment"], new["prev_hash"], prev, row["seq"]),
        )
    head = con.execute("select seq, hash from audit_events order by seq desc limit 1").fetchone()
    (home / "state.db.head").write_text(f"{head[0]} {head[1]}\n")
    con.close()
    return "roots.jsonl line"


def replay_event(draw: random.Random, home: Path) -> str:
    """Append an old event once more."""
    con = _database(home)
    seq = _event(draw, con)
    last = con.execute("select max(seq) from audit_events").fetchone()[0]
    names = [row[1] for row in con.execute("pragma table_info(audit_events)") if row[1] not in ("seq", "once")]
    listed = ", ".join(names)
    con.execute(
        f"insert into audit_events (seq, {listed}) select ?, {listed} from audit_events where seq = ?", (last + 1, seq)
    )
    con.close()
    return f"event {last + 1}"


def edit_batch(draw: random.Random, home: Path) -> str:
    """Change the counts of a batch."""
    con = _database(home)
    batch = draw.choice([row[0] for row in con.execute("select batch_id from ingest_batches")])
    con.execute("update ingest_batches set accepted = accepted + 1, read = read + 1 where batch_id = ?", (batch,))
    con.close()
    return f"batch {batch}"


def delete_batch(draw: random.Random, home: Path) -> str:
    """Delete a batch with its refusals."""
    con = _database(home)
    batch = draw.choice([row[0] for row in con.execute("select batch_id from ingest_batches")])
    con.execute("delete from ingest_rejects where batch_id = ?", (batch,))
    con.execute("delete from ingest_batches where batch_id = ?", (batch,))
    con.close()
    return f"batch {batch}"


def _lake_file(draw: random.Random, home: Path) -> Path:
    files = (home / "lake").rglob("*.parquet")
    return draw.choice(sorted(path for path in files if not any(part.startswith(".") for part in path.parts[-4:])))


def flip_lake(draw: random.Random, home: Path) -> str:
    """Flip one bit of a lake file."""
    path = _lake_file(draw, home)
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    return path.relative_to(home).as_posix()


def delete_lake(draw: random.Random, home: Path) -> str:
    """Delete a lake file."""
    path = _lake_file(draw, home)
    path.unlink()
    return path.relative_to(home).as_posix()


def swap_lake(draw: random.Random, home: Path) -> str:
    """Exchange two days of one table."""
    path = _lake_file(draw, home)
    others = [each for each in sorted(path.parents[1].rglob("*.parquet")) if each.read_bytes() != path.read_bytes()]
    if not others:
        return flip_lake(draw, home)
    other = draw.choice(others)
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)
    return path.relative_to(home).as_posix()


def truncate_lake(draw: random.Random, home: Path) -> str:
    """Shorten a lake file."""
    path = _lake_file(draw, home)
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size)])
    return path.relative_to(home).as_posix()


def plant_lake(draw: random.Random, home: Path) -> str:
    """Put a copy of a day where no day was."""
    path = _lake_file(draw, home)
    planted = path.parents[1] / "day=2011-01-01" / "data.parquet"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(path.read_bytes())
    return planted.relative_to(home).as_posix()


def flip_marts(draw: random.Random, home: Path) -> str:
    """Flip one bit of a published version."""
    path = draw.choice(sorted((home / "marts").glob("*/current"))).resolve()
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1
    path.write_bytes(data)
    return path.relative_to(home.resolve()).as_posix()


def edit_roots(draw: random.Random, home: Path) -> str:
    """Change one character of a root."""
    path = home / "audit" / "roots.jsonl"
    text = list(path.read_text())
    place = draw.choice([n for n, each in enumerate(text) if each in "0123456789abcdef"])
    text[place] = "0" if text[place] != "0" else "1"
    path.write_text("".join(text))
    return "roots.jsonl line"


def delete_root(draw: random.Random, home: Path) -> str:
    """Delete a root."""
    path = home / "audit" / "roots.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    path.write_text("".join(lines))
    return "roots.jsonl line"


KINDS: tuple[Tampering, ...] = (
    edit_event, delete_event, swap_events, truncate_events, regrow_events, rewrite_events, replay_event, edit_batch,
    delete_batch, flip_lake, delete_lake, swap_lake, truncate_lake, plant_lake, flip_marts, edit_roots, delete_root,
)  # fmt: skip
