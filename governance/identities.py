"""Who a learner key stands for.

A learner id leaves this module only as its key: an HMAC over tenant and id, so that nobody without the
secret can go from one to the other. Names, e-mail addresses and ids are kept in the state database alone.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import orjson
import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from governance.names import PRINTABLE, Name, Tenant, storable
from governance.recorded import Recorded
from governance.state import State
from governance.state.bulk import among, insert_missing, upsert
from governance.state.locks import lock
from governance.state.models import IdentityRow

KEY_DIGITS = 32  # 128 bits: no two learners of any customer will ever share a key

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=PRINTABLE)]
Words = Annotated[Text | None, BeforeValidator(lambda value: None if value == "" else value)]
Day = Annotated[date | None, BeforeValidator(lambda value: None if value == "" else value)]

TABLE = IdentityRow.__table__.c
LEARNERS = {
    "tenant": pl.String,
    "learner_key": pl.String,
    "region": pl.String,
    "jurisdiction": pl.String,
    "role": pl.String,
    "manager_key": pl.String,
    "hire_date": pl.Date,
    "left_on": pl.Date,
    "in_directory": pl.Boolean,
}


class DirectoryEntry(BaseModel):
    """One learner as the customer's directory describes them; an empty text counts as absent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: Tenant
    learner_id: Name
    name: Words = None
    email: Words = None
    region: Words = None
    jurisdiction: Words = None
    role: Words = None
    manager_id: Words = None
    hire_date: Day = None
    left_on: Day = None
    accounts: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A learner by name, for a reader who may know it."""

    tenant: str
    learner_key: str
    learner_id: str
    name: str | None
    email: str | None
    accounts: dict[str, str]


def learner_key(secret: bytes, tenant: str, learner_id: str) -> str:
    """The pseudonym of a learner: the same for the same secret, tenant and id, and for nothing else."""
    if not learner_id:
        raise ValueError("an empty learner id names nobody; leave the learner out instead")
    text = orjson.dumps([storable(tenant), storable(learner_id)])  # a list: no two pairs share a text
    return "l_" + hmac.digest(secret, text, hashlib.sha256).hex()[:KEY_DIGITS]


class Identities:
    """The identity store of one installation."""

    def __init__(self, state: State, secret: bytes) -> None:
        self.state = state
        self.secret = secret

    def key(self, tenant: str, learner_id: str) -> str:
        """The learner's key, without registering anything."""
        return learner_key(self.secret, tenant, learner_id)

    def keys(self, tenant: str, ids: Iterable[str]) -> dict[str, str]:
        """Key of each learner id; ids met for the first time are registered, outside the directory."""
        keys = {learner_id: self.key(tenant, learner_id) for learner_id in ids}
        with self.state.reading() as session:
            known = known_keys(session, tenant, keys.values())
        if any(key not in known for key in keys.values()):
            with self.state.session() as session:
                register(session, tenant, {id_: key for id_, key in keys.items() if key not in known})
        return keys

    def record(self, entries: Iterable[DirectoryEntry]) -> Recorded:
        """Take in directory entries, in order; a later one wins where it says something.

        A field that an entry leaves out or empty keeps its value, so that two sources complement each
        other; ``left_on`` falls away when a later ``hire_date`` says that the learner came back.
        """
        merged: dict[tuple[str, str], dict[str, Any]] = {}
        count = 0
        with self.state.session() as session:
            lock(session.connection(), "identities")
            wanted = list(entries)
            stored = self._stored(session, wanted)
            tally = {"new": 0, "changed": 0, "same": 0}
            for entry in wanted:
                place = (entry.tenant, self.key(entry.tenant, entry.learner_id))
                before = merged.get(place) or stored.get(place)
                after = _overlay(before, entry, place[1])
                tally[_change(before, after)] += 1
                if after != before:
                    merged[place] = after
                count += 1
            upsert(session, IdentityRow, list(merged.values()))
        return Recorded(**tally)

    def learners(self, tenant: str | None = None) -> pl.DataFrame:
        """One row per learner key, in the shape of core/learners: no name, no id, no address."""
        query = select(
            TABLE.tenant,
            TABLE.learner_key,
            TABLE.region,
            TABLE.jurisdiction,
            TABLE.role,
            TABLE.manager_id,
            TABLE.hire_date,
            TABLE.left_on,
            TABLE.in_directory,
        ).order_by(TABLE.tenant, TABLE.learner_key)
        if tenant is not None:
            query = query.where(TABLE.tenant == tenant)
        with self.state.reading() as session:
            rows = session.execute(query).all()
        return pl.DataFrame(
            [(*row[:5], None if row[5] is None else self.key(row[0], row[5]), *row[6:]) for row in rows],
            schema=LEARNERS,
            orient="row",
        )

    def token(self, tenant: str, match: str, value: str) -> str:
        """The keyed digest under which a value that names a person may land; addresses count without their case."""
        text = value.casefold() if match == "email" else value
        return "p_" + learner_key(self.secret, tenant, f"{match}\n{text}").removeprefix("l_")

    def tokens(self, tenant: str) -> pl.DataFrame:
        """One row per value by which a source may name a learner: match, token, learner_key.

        ``match`` is learner_id, email, mbox_sha1sum or ``account:<connector>``. A value that two learners share names
        neither.
        """
        query = select(TABLE.learner_key, TABLE.learner_id, TABLE.email, TABLE.accounts).where(TABLE.tenant == tenant)
        found: list[tuple[str, str, str]] = []
        with self.state.reading() as session:
            for key, learner_id, email, accounts in session.execute(query):
                values = [("learner_id", learner_id), ("email", email)]
                values += [("mbox_sha1sum", digest) for digest in mbox_sha1sums(email)]
                values += [(f"account:{name}", account) for name, account in (accounts or {}).items()]
                found += [(match, self.token(tenant, match, value), key) for match, value in values if value]
        frame = pl.DataFrame(found, schema=dict.fromkeys(("match", "token", "learner_key"), pl.String), orient="row")
        return frame.filter(pl.col("learner_key").n_unique().over("token") == 1)

    def named(self, tenant: str, match: str, value: str) -> str | None:
        """The key of the one learner whom a value names, by the rules of ``tokens``; None for nobody and for two."""
        found = self.tokens(tenant).filter(match=match, token=self.token(tenant, match, value))
        return found["learner_key"].item() if found.height == 1 else None

    def addresses(self, tenant: str, match: str, connector: str) -> dict[str, str]:
        """What finds each learner at a connector, by learner key: its account there, the e-mail or the learner id.

        A value that two learners share finds neither.
        """
        query = select(TABLE.learner_key, TABLE.learner_id, TABLE.email, TABLE.accounts).where(TABLE.tenant == tenant)
        found: dict[str, str] = {}
        uses: dict[str, int] = {}
        with self.state.reading() as session:
            for key, learner_id, email, accounts in session.execute(query):
                values = {"learner_id": learner_id, "email": email, "account": (accounts or {}).get(connector)}
                value = values[match]
                if value:
                    found[key] = value
                    uses[value] = uses.get(value, 0) + 1
        return {key: value for key, value in found.items() if uses[value] == 1}

    def person(self, tenant: str, key: str) -> Person | None:
        """The learner behind a key, for a reader who may know; the caller has authorised and logged it."""
        with self.state.reading() as session:
            row = session.get(IdentityRow, (tenant, key))
        if row is None:
            return None
        return Person(tenant, key, row.learner_id, row.name, row.email, dict(row.accounts or {}))

    def people(self, tenant: str) -> list[Person]:
        """Everybody of a tenant, in order of key; to look for them in texts, not to show them."""
        query = select(TABLE.learner_key, TABLE.learner_id, TABLE.name, TABLE.email, TABLE.accounts)
        with self.state.reading() as session:
            rows = session.execute(query.where(TABLE.tenant == tenant).order_by(TABLE.learner_key)).all()
        return [Person(tenant, key, id_, name, email, dict(accounts or {})) for key, id_, name, email, accounts in rows]

    def names(self, tenant: str, keys: Iterable[str]) -> dict[str, str]:
        """Name of each learner, the learner id where the directory has none; for a reader who may know."""
        wanted = list(keys)
        with self.state.reading() as session:
            query = select(TABLE.learner_key, TABLE.name, TABLE.learner_id).where(
                TABLE.tenant == tenant, among(session, TABLE.learner_key, wanted)
            )
            return {key: name or learner_id for key, name, learner_id in session.execute(query)}

    def jurisdiction(self, tenant: str, key: str) -> str | None:
        """Where the learner works, as the directory says; None where it does not."""
        with self.state.reading() as session:
            row = session.get(IdentityRow, (tenant, key))
        return None if row is None else row.jurisdiction

    def _stored(self, session: Session, entries: Iterable[DirectoryEntry]) -> dict[tuple[str, str], dict[str, Any]]:
        by_tenant: dict[str, list[str]] = {}
        for entry in entries:
            by_tenant.setdefault(entry.tenant, []).append(entry.learner_id)
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for tenant, ids in by_tenant.items():
            query = select(*TABLE).where(TABLE.tenant == tenant, among(session, TABLE.learner_id, ids))
            found |= {(row.tenant, row.learner_key): dict(row._mapping) for row in session.execute(query)}
        return found


def mbox_sha1sums(email: str | None) -> set[str]:
    """By which xAPI names an address without showing it, as it is written and in small letters."""
    spelled = {email, email.casefold()} if email else set()
    return {hashlib.sha1(f"mailto:{each}".encode(), usedforsecurity=False).hexdigest() for each in spelled}


def known_keys(session: Session, tenant: str, keys: Iterable[str]) -> set[str]:
    """Which of the keys are registered."""
    query = select(TABLE.learner_key).where(TABLE.tenant == tenant, among(session, TABLE.learner_key, keys))
    return set(session.scalars(query))


def register(session: Session, tenant: str, keys: Mapping[str, str]) -> None:
    """Note learner ids that a launch or an outcome named; a directory entry may follow."""
    blank = dict.fromkeys(TABLE.keys())
    rows = [
        {**blank, "tenant": tenant, "learner_key": key, "learner_id": storable(id_), "in_directory": False}
        for id_, key in keys.items()
    ]
    insert_missing(session, IdentityRow, rows)


def _overlay(before: dict[str, Any] | None, entry: DirectoryEntry, key: str) -> dict[str, Any]:
    base = before or dict.fromkeys(TABLE.keys())
    said = {name: value for name, value in entry.model_dump().items() if value is not None}
    if "accounts" in said:
        said["accounts"] = (base["accounts"] or {}) | said["accounts"]
    after = {**base, **said, "learner_key": key, "in_directory": True}
    if entry.left_on is None and _came_back(entry.hire_date, after["left_on"]):
        after["left_on"] = None
    return after


def _came_back(hired: date | None, left: date | None) -> bool:
    return hired is not None and left is not None and hired > left


def _change(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    if before is None or not before["in_directory"]:
        return "new"
    return "same" if before == after else "changed"
