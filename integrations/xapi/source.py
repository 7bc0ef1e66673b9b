"""An LRS that is read: what other systems state about learners, as grades and completions.

Our own statements are left where they are: they say what the lake knows already, and would count practice twice.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from integrations.engine.times import iso, parse_or_none
from integrations.sources import Capabilities, FieldInfo, FieldType, Page, Query, Record, SourceError, Unreadable, Value
from integrations.xapi.pages import Pages, Statement, stored
from integrations.xapi.statements.scene import PLATFORM
from integrations.xapi.vocabulary import IDS, PROFILE, Verb

FIELDS: Mapping[str, FieldType] = {
    "actor.email": "text",
    "actor.mbox_sha1sum": "text",
    "actor.account": "text",
    "verb": "text",
    "activity.id": "text",
    "activity.name": "text",
    "score.scaled": "decimal",
    "score.raw": "decimal",
    "score.min": "decimal",
    "score.max": "decimal",
    "success": "boolean",
    "completion": "boolean",
    "registration": "text",
    "platform": "text",
    "timestamp": "datetime",
}
ADL = "http://adlnet.gov/expapi/verbs/"
COMPLETED, PASSED, FAILED, SCORED = (f"{ADL}{name}" for name in ("completed", "passed", "failed", "scored"))
VERBS: Mapping[str, tuple[str, ...]] = {
    "completions": (COMPLETED, PASSED, FAILED),
    "grades": (SCORED, PASSED, FAILED, COMPLETED),
}
IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")


class LrsOptions(BaseModel):
    """``options`` of an LRS that is read.

    ``home_page`` issued the account names that the directory knows under this connector's name; without it people are
    found by e-mail address and its SHA-1 alone. ``activity`` limits reading to one activity, with what lies below it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal["1.0.3", "2.0"] = "1.0.3"
    auth: Literal["basic", "bearer", "none"] = "basic"
    home_page: Annotated[str | None, Field(pattern=r"^\w+:\S+$")] = None
    activity: Annotated[str | None, Field(pattern=r"^\w+:\S+$")] = None
    page: Annotated[int, Field(ge=1, le=10_000)] = 200


class Bad(ValueError):  # noqa: N818
    """A statement that cannot be taken; ``rule`` names what it broke."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class LrsSource:
    """Reads one LRS.

    Two objects: ``completions`` are statements *completed*, and *passed* or *failed* that say ``completion: true``;
    ``grades`` are statements with a score. One statement may be both. A voided statement is a deleted record.
    """

    capabilities = Capabilities(cursor=True, tombstones=True, keys=False)

    def __init__(self, name: str, pages: Pages, options: LrsOptions) -> None:
        self.name, self.pages, self.options = name, pages, options

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of an object."""
        _verbs(object_name)
        self.pages.check()
        return {name: FieldInfo(name, kind, writable=False) for name, kind in FIELDS.items()}

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Statements verb by verb, each from its own place, oldest first."""
        unknown = next((name for name in query.fields if name not in FIELDS), None)
        if unknown is not None:
            raise SourceError(f"a statement has no field {unknown}", f"It has {', '.join(FIELDS)}")
        yield from self._read(_verbs(query.object), cursor, lambda each: self._record(query, each))

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Statements that were voided, by whomever."""
        _verbs(query.object)
        yield from self._read((Verb.VOIDED.value,), cursor, _voided)

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Nothing: voidings tell what is gone."""
        yield from ()

    def close(self) -> None:
        """Give back connections."""
        self.pages.transport.close()

    def _read(
        self, verbs: Sequence[str], cursor: str | None, made: Callable[[Statement], Record | None]
    ) -> Iterator[Page]:
        places: dict[str, str] = json.loads(cursor) if cursor else {}
        for verb in verbs:
            asked = {"verb": verb}
            if self.options.activity is not None and verb != Verb.VOIDED.value:
                asked |= {"activity": self.options.activity, "related_activities": "true"}
            for batch in self.pages.read(asked, parse_or_none(places.get(verb))):
                if batch.since is not None:
                    places[verb] = iso(batch.since) or ""
                records, unreadable = _sorted_out(batch.statements, made)
                yield Page(records, json.dumps(places, sort_keys=True), unreadable)

    def _record(self, query: Query, statement: Mapping[str, Any]) -> Record | None:
        """The statement as a record of that object; None where it is none."""
        if is_ours(statement):
            return None
        result = _object(statement, "result")
        score = _score(result)
        if not _belongs(query.object, _text(_object(statement, "verb").get("id")), result, score):
            return None
        values = {**self._actor(_object(statement, "actor")), **score, **_described(statement, result)}
        return Record(_uuid(statement), {name: values.get(name) for name in query.fields}, stored(statement))

    def _actor(self, actor: Mapping[str, Any]) -> dict[str, Value]:
        if actor.get("objectType") == "Group" or "member" in actor:
            raise Bad("actor_is_one_person", "its actor is a group; nobody knows whose result it is")
        if not any(name in actor for name in IDENTIFIERS):
            raise Bad("actor_identified", "its actor has no identifier")
        account = _object(actor, "account")
        issued = self.options.home_page is not None and account.get("homePage") == self.options.home_page
        address, digest = _text(actor.get("mbox")), _text(actor.get("mbox_sha1sum"))
        return {
            "actor.email": None if address is None else address.removeprefix("mailto:"),
            "actor.mbox_sha1sum": None if digest is None else digest.lower(),
            "actor.account": _text(account.get("name")) if issued else None,
        }


def is_ours(statement: Mapping[str, Any]) -> bool:
    """Whether a Rolecall stated it: by its platform, its profile or the issuer of its actor."""
    context = _object(statement, "context")
    if context.get("platform") == PLATFORM:
        return True
    if str(_object(_object(statement, "actor"), "account").get("homePage", "")).startswith(f"{IDS}/"):
        return True
    listed = _object(context, "contextActivities").get("category")
    categories = listed if isinstance(listed, list) else [listed]
    return any(isinstance(each, dict) and str(each.get("id", "")).startswith(f"{PROFILE}/") for each in categories)


def _verbs(object_name: str) -> tuple[str, ...]:
    if object_name not in VERBS:
        raise SourceError(f"an LRS has no object {object_name}", f"It has {', '.join(VERBS)}")
    return VERBS[object_name]


def _sorted_out(
    statements: Sequence[Statement], made: Callable[[Statement], Record | None]
) -> tuple[list[Record], list[Unreadable]]:
    records, unreadable = [], []
    for number, statement in enumerate(statements, 1):
        try:
            record = made(_whole(statement))
        except Bad as why:
            given = statement.get("id") if isinstance(statement, dict) else None
            place = f"statement {given if isinstance(given, str) else f'{number} of a page'}"
            unreadable.append(Unreadable(place, why.rule, f"{why}; mend it where it is made"))
        else:
            records += [] if record is None else [record]
    return records, unreadable


def _whole(statement: Statement) -> Mapping[str, Any]:
    if not isinstance(statement, dict):
        raise Bad("statement_is_object", "it is no JSON object")
    return statement


def _belongs(object_name: str, verb: str | None, result: Mapping[str, Any], score: Mapping[str, Value]) -> bool:
    """Whether the statement is one of the object's; a grade that was not given is not a grade of 0."""
    if object_name == "grades":
        return any(value is not None for value in score.values())
    completion = result.get("completion")
    return completion is True or (verb == COMPLETED and completion is not False)


def _voided(statement: Mapping[str, Any]) -> Record | None:
    gone = _object(statement, "object")
    if gone.get("objectType") != "StatementRef":
        raise Bad("voids_a_statement", "it voids, but its object is no StatementRef")
    return Record(_uuid(gone), {}, stored(statement), deleted=True)


def _described(statement: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Value]:
    activity, context = _object(statement, "object"), _object(statement, "context")
    if activity.get("objectType", "Activity") != "Activity":
        raise Bad("object_is_activity", "its object is no activity")
    return {
        "verb": _text(_object(statement, "verb").get("id")),
        "activity.id": _text(activity.get("id")),
        "activity.name": _first(_object(_object(activity, "definition"), "name")),
        "success": _flag(result, "success"),
        "completion": _flag(result, "completion"),
        "registration": _text(context.get("registration")),
        "platform": _text(context.get("platform")),
        "timestamp": _text(statement.get("timestamp")),
    }


def _score(result: Mapping[str, Any]) -> dict[str, Value]:
    """The score's numbers; ``scaled`` follows from the others where it is left out and they give a scale."""
    given = _object(result, "score")
    scaled, raw, low, high = (_number(given, name) for name in ("scaled", "raw", "min", "max"))
    if scaled is not None and not -1 <= scaled <= 1:
        raise Bad("score_scaled_in_range", "its scaled score lies outside -1 to 1")
    if scaled is None and raw is not None and low is not None and high is not None and low < high:
        scaled = (raw - low) / (high - low)
    return {"score.scaled": scaled, "score.raw": raw, "score.min": low, "score.max": high}


def _number(given: Mapping[str, Any], name: str) -> Decimal | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Bad("score_is_number", f"its score's {name} is no number")
    return Decimal(str(value))


def _flag(given: Mapping[str, Any], name: str) -> bool | None:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise Bad(f"{name}_is_boolean", f"its {name} is neither true nor false")
    return value


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object below a key; empty where there is none."""
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        raise Bad(f"{name}_is_object", f"its {name} is no JSON object")
    return value or {}


def _uuid(holder: Mapping[str, Any]) -> str:
    try:
        return str(UUID(str(holder.get("id"))))
    except ValueError:
        raise Bad("id_is_uuid", "its id is no UUID") from None


def _first(names: Mapping[str, Any]) -> str | None:
    return next((text for each in names.values() if (text := _text(each)) is not None), None)


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


__all__ = ["LrsOptions", "LrsSource", "is_ours"]
