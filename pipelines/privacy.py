"""Erasure from end to end: decide for each session, block its return, remove it everywhere, publish anew, record it.

The order makes a crash harmless: what is blocked cannot come back, what is removed stays removed, and the same request
again finds the rest. Only an erasure whose record is finished is told as done.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from governance.settings import Settings
from pipelines.problems import Problem

if TYPE_CHECKING:
    import polars as pl

    from governance.privacy.holds import Hold
    from governance.privacy.reach import Subject
    from governance.privacy.retention import Decision
    from governance.state import State

Progress = Callable[[str], None]
RECORDINGS = "recordings"  # of the demo: the sessions that stay are still played from there


@dataclass
class Outcome:
    """What was decided (sessions by fate and basis) and, unless it was a dry run, what went."""

    learners: int
    whole_learners: int
    decided: list[dict[str, Any]]
    removed: dict[str, int] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)
    erasure_id: str | None = None

    @property
    def refused(self) -> int:
        """Sessions that stay although somebody asked."""
        return sum(each["sessions"] for each in self.decided if each["fate"] in ("held", "retained"))


@dataclass(frozen=True)
class SessionFate:
    """One session of a tenant: whose it is, how long it is kept, and what stands in the way of its erasure."""

    session_id: str
    learner_key: str | None
    scenario_id: str | None
    day: date
    retention_class: str
    holds: list[str]
    decision: "Decision"


def desk(tenant: str | None, by: str | None, what: str) -> "Desk":
    """The desk of a tenant (the only one there is, where none is named) for whoever sits at this machine.

    ``by`` is who decided, where that is not the operator: both are on record. ``what`` says in the access log what the
    desk is wanted for, and names no learner.

    Raises:
        Problem: there is no such tenant, or the operator may not manage privacy there; the refusal is logged.
    """
    from governance.access import Thing
    from governance.state import State
    from pipelines import environment
    from pipelines.authority import permitted
    from pipelines.tenants import only_tenant

    settings = environment.prepare()
    found = only_tenant(settings, tenant)
    operator = permitted(settings, "manage_privacy", [Thing.page(found)], what).name
    name = f"{by} through {operator}" if by else operator
    return Desk(settings, State.open(settings.database_url), found, name)


class Desk:
    """Where requests about a tenant's people are handled; ``by`` stands on every record."""

    def __init__(self, settings: Settings, state: "State", tenant: str, by: str, now: datetime | None = None) -> None:
        from assets.lake import Lake
        from governance import secrets
        from governance.identities import Identities
        from governance.launches import Launches
        from governance.privacy.erasure import Erasures
        from governance.privacy.holds import Holds
        from governance.privacy.restrictions import Restrictions
        from governance.privacy.retention import Retention

        secret = secrets.secret_key(settings)
        self.settings, self.tenant, self.by, self.now = settings, tenant, by, now or datetime.now(UTC)
        self.lake, self.state = Lake(settings.lake), state
        self.identities = Identities(state, secret)
        self._holds, self._erasures, self._restrictions = Holds(state), Erasures(state), Restrictions(state)
        self._retention = Retention.load(settings.config)
        self.launches = Launches(state, self.identities)

    def hold(self, learner: str | None, scenario: str | None, reason: str) -> str:
        """Place a hold; its id. Raises ``HoldError`` or ``Problem``."""
        keys = self.entrusted([] if learner is None else [learner], "legal hold")
        key = keys[0] if keys else None
        return self._holds.place(self.tenant, key, scenario, reason=reason, by=self.by, at=self.now)

    def release(self, hold_id: str) -> None:
        """End a hold. Raises ``HoldError`` or ``Problem``."""
        held = [hold.learner_key for hold in self._holds.standing(self.tenant) if hold.hold_id == hold_id]
        self._authorise([key for key in held if key is not None], "release of a legal hold")
        self._holds.release(self.tenant, hold_id, by=self.by, at=self.now)

    def freeze(self, learners: Sequence[str], basis: str) -> None:
        """Restrict the processing of learners. Raises ``RestrictionError`` or ``Problem``."""
        keys = self.entrusted(learners, "restriction of processing")
        self._restrictions.place(self.tenant, keys, basis=basis, by=self.by, at=self.now)

    def unfreeze(self, learners: Sequence[str], basis: str) -> None:
        """End restrictions. Raises ``RestrictionError`` or ``Problem``."""
        keys = self.entrusted(learners, "end of a restriction of processing")
        self._restrictions.lift(self.tenant, keys, basis=basis, by=self.by, at=self.now)

    def frozen(self) -> "pl.DataFrame":
        """Every restriction, newest first."""
        return self._restrictions.frame(self.tenant)

    def holds(self) -> "pl.DataFrame":
        """Every hold, newest first."""
        return self._holds.frame(self.tenant)

    def erase(self, learners: Sequence[str], *, dry_run: bool, progress: Progress = lambda _: None) -> Outcome:
        """Forget learners, or (with none named) what has reached the end of its retention.

        Raises:
            Problem: an unknown learner, or one beyond the operator's regions; nothing was changed.
            LakeBusyError: another process writes the lake.
        """
        from assets import erasure
        from assets.exports.erasure import take_back
        from assets.subject import media_of
        from pipelines.engine_deletion import delete_at_engine

        progress("deciding")
        plan = self._plan(learners)
        if dry_run or not (plan.sessions or plan.learners):
            return Outcome(len(plan.asked), len(plan.learners), plan.decided)
        subject = self.subject(plan.learners, list(plan.sessions))
        with self.lake.writing("erasing"):
            media = media_of(self.lake, self.tenant, subject.sessions)
            erasure_id = self._erasures.begin(subject, plan.decided, by=self.by, version=plan.version, at=self.now)
            progress("engine")
            asked = delete_at_engine(self.settings, subject.sessions)
            progress("raw and exports")
            taken = take_back(self.lake, self.state, self.tenant, plan.sessions, reason=erasure_id, now=self.now)
            removed = erasure.remove(self.lake, self.tenant, plan.learners, subject.sessions, subject.tokens).rows
            removed["exports/xapi_statements"] = taken.removed
            told = self._erasures.delivered(subject)
            progress("state database")
            others = {"engine": len(asked.deleted) + len(asked.open), **taken.targets}
            removed |= self._erasures.remove(erasure_id, subject, by=self.by, at=self.now, asked=others)
            removed["engine"] = len(asked.deleted)
            progress("files")
            removed["files"], recordings = _files(self.settings, media)
            _publish_anew(self.settings, self.tenant, self.now, progress)
            progress("compacting the state database")
            self._erasures.compact()
            self._erasures.finish(erasure_id, removed, self.now)
        told += [f"engine, conversation {each}" for each in asked.open]
        told += [
            f"{target}, {count:,} statements: voided by the next sync"
            for target, count in (taken.targets or {}).items()
        ]
        return Outcome(len(plan.asked), len(plan.learners), plan.decided, removed, [*recordings, *told], erasure_id)

    def _plan(self, learners: Sequence[str]) -> "_Plan":
        """Every session's fate: of the learners asked for, or of all where retention alone decides."""
        from governance.privacy.holds import reasons_for

        asked = self.entrusted(learners, "erasure" if learners else "end of retention")
        holds, fates = self._holds.standing(self.tenant), self.fates(asked if learners else None, requested=asked)
        held = {learner for learner in asked if reasons_for(holds, learner, None)}
        staying = held | {fate.learner_key for fate in fates if not fate.decision.fate.goes}
        return _Plan(
            asked=tuple(asked),
            learners=tuple(learner for learner in asked if learner not in staying),
            sessions={fate.session_id: fate.learner_key for fate in fates if fate.decision.fate.goes},
            decided=_counted([fate.decision for fate in fates], held, holds),
            version=self._retention.version,
        )

    def fates(self, learners: Sequence[str] | None, *, requested: Collection[str] = ()) -> list[SessionFate]:
        """Sessions of these learners (of all, without) in order of day, and what happens to each.

        ``requested`` are the learners who asked to be forgotten; of the others retention alone decides.
        """
        from assets.subject import sessions_of
        from governance.privacy.holds import reasons_for
        from governance.privacy.retention import decide

        standing, today = self._holds.standing(self.tenant), self.now.date()
        frozen = self._restrictions.standing(self.tenant)
        found = []
        rows = sessions_of(self.lake, self.launches, self.tenant, learners).sort("day", "session_id")
        for session_id, learner, scenario, day in rows.iter_rows():
            holds = reasons_for(standing, learner, scenario)
            fate = decide(
                self._retention, scenario, day, holds, today, requested=learner in requested,
                frozen=frozen.get(learner or ""),
            )  # fmt: skip
            name = self._retention.class_of(scenario)[0]
            found.append(SessionFate(session_id, learner, scenario, day, name, holds, fate))
        return found

    def subject(self, learners: Sequence[str], sessions: Sequence[str]) -> "Subject":
        """People and sessions under every name that rows about them carry."""
        from assets.subject import media_of, statements_of
        from governance.privacy.reach import Subject

        return Subject(
            self.tenant,
            tuple(learners),
            tuple(sessions),
            tokens=self._tokens(learners),
            recordings=tuple(media_of(self.lake, self.tenant, sessions)["uri"]),
            statements=statements_of(self.lake, self.tenant, sessions),
        )

    def _tokens(self, learners: Sequence[str]) -> tuple[str, ...]:
        """Digests under which records of CRMs name these learners."""
        known = self.identities.tokens(self.tenant)
        return tuple(known.filter(known["learner_key"].is_in(list(learners)))["token"])

    def entrusted(
        self, learners: Sequence[str], what: str, *, reason: str | None = None, quietly: bool = True
    ) -> list[str]:
        """Keys of learners whom the operator may decide about; without any, everybody's affairs are asked for.

        A refusal is in the access log; the other decisions as well, unless ``quietly``.

        Raises:
            Problem: a learner is unknown, or the operator's regions do not hold all of them.
        """
        keys = self.keys(learners)
        self._authorise(keys, what, reason, quietly=quietly)
        return keys

    def _authorise(self, keys: Sequence[str], what: str, reason: str | None = None, *, quietly: bool = True) -> None:
        from governance.access import Thing
        from pipelines.authority import permitted

        regions = dict(self.identities.learners(self.tenant).select("learner_key", "region").iter_rows())
        things = [Thing.learner(self.tenant, key, regions.get(key)) for key in keys]
        permitted(
            self.settings, "manage_privacy", things or [Thing.cell(self.tenant, "*")], what, reason=reason, by=self.by,
            quietly=quietly,
        )  # fmt: skip

    def keys(self, learners: Sequence[str]) -> list[str]:
        """Keys of learners. Raises ``Problem`` where one is unknown."""
        keys = {learner_id: self.identities.key(self.tenant, learner_id) for learner_id in learners}
        unknown = [each for each, key in keys.items() if self.identities.person(self.tenant, key) is None]
        if unknown:
            raise Problem(
                f"tenant {self.tenant} has no learner {', '.join(unknown)}",
                "Check the spelling; somebody who was erased before is unknown as well",
            )
        return list(keys.values())


@dataclass(frozen=True)
class _Plan:
    """What goes: ``sessions`` with their learners, and the ``learners`` of those ``asked`` for who go altogether."""

    asked: tuple[str, ...]
    learners: tuple[str, ...]
    sessions: dict[str, str | None]
    decided: list[dict[str, Any]]
    version: str


def _counted(decisions: Sequence["Decision"], held: set[str], holds: Sequence["Hold"]) -> list[dict[str, Any]]:
    """Sessions by fate, basis and end; a held learner without sessions is told as well."""
    from governance.privacy.holds import reasons_for

    counts = Counter((each.fate.value, each.basis, each.until and each.until.isoformat()) for each in decisions)
    told = [
        {"fate": fate, "basis": basis, "until": until, "sessions": count}
        for (fate, basis, until), count in sorted(counts.items(), key=str)
    ]
    if held and not any(each["fate"] == "held" for each in told):
        reasons = sorted({reason for learner in held for reason in reasons_for(holds, learner, None)})
        told.append({"fate": "held", "basis": f"legal hold: {'; '.join(reasons)}", "until": None, "sessions": 0})
    return told


def _files(settings: Settings, media: "pl.DataFrame") -> tuple[int, list[str]]:
    """Remove captions, and recordings that lie in the home; addresses of recordings that others keep."""
    gone, elsewhere = sum(map(_unlinked, _demonstration(settings))), []
    for path in media["captions_path"].drop_nulls().unique():
        gone += _unlinked(settings.exports / path)
    for uri in media["uri"].drop_nulls().unique():
        place = within_home(settings, uri)
        if place is None:
            elsewhere.append(uri)
        else:
            gone += _unlinked(place)
    return gone, sorted(elsewhere)


def within_home(settings: Settings, uri: str) -> Path | None:
    """The file of a recording that lies in the home; None where others keep it."""
    address = urlsplit(uri)
    place = Path(unquote(address.path)).resolve()
    return place if address.scheme in ("", "file") and place.is_relative_to(settings.home) else None


def _demonstration(settings: Settings) -> list[Path]:
    """Deliveries and registries that `rolecall demo` keeps in the home; other input lies where its owner keeps it."""
    return [
        path for path in (settings.home / "demo").glob("*/**/*") if path.is_file() and path.parent.name != RECORDINGS
    ]


def _unlinked(path: Path) -> int:
    try:
        path.unlink()
    except FileNotFoundError:
        return 0
    return 1


def _publish_anew(settings: Settings, tenant: str, now: datetime, progress: Progress) -> None:
    """Rebuild and publish, then remove the versions that still hold what was erased.

    The working file is written from nothing: a row that is deleted from a DuckDB file stays readable in its free
    blocks, and publishing copies these as well.
    """
    from assets.marts.publish import forget_older
    from assets.marts.warehouse import Warehouse
    from pipelines.run import bring_up_to_date

    Warehouse(settings.marts / tenant, tenant).discard()
    bring_up_to_date(settings, now=now, progress=progress)
    forget_older(settings.marts / tenant)
