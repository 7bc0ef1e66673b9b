"""Checks a statement against the templates of an xAPI Profile.

Covers determining properties (verb, object and context activity types, attachment usage types) and rules: a JSONPath
subset (children by dot or bracket, indexes, ``*``, ``|``) with presence and any, all, none. Selectors and templates
of referenced statements are not read: ours use neither, and ``match`` refuses a profile that does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

STEP = re.compile(r"\.(?P<name>[A-Za-z_][A-Za-z0-9_]*|\*)|\[(?P<index>\d+|\*)\]|\['(?P<key>[^']*)'\]")
CONTEXT_TYPES = {f"context{name}ActivityType": name.lower() for name in ("Parent", "Grouping", "Category", "Other")}
UNREAD = {"objectStatementRefTemplate", "contextStatementRefTemplate"}


def select(document: Any, path: str) -> list[Any]:
    """Values at a JSONPath, flattened over its ``|`` parts; an absent place has no value.

    Raises ``ValueError`` for a path outside the subset.
    """
    return [value for part in path.split("|") for value in _walk(document, part.strip())]


def _walk(document: Any, path: str) -> list[Any]:
    if not path.startswith("$"):
        raise ValueError(f"JSONPath {path!r} does not start with $")
    found, place = [document], 1
    while place < len(path):
        step = STEP.match(path, place)
        if step is None:
            raise ValueError(f"JSONPath {path!r} is not understood from position {place}")
        found = [value for each in found for value in _children(each, step)]
        place = step.end()
    return found


def _children(value: Any, step: re.Match[str]) -> Iterator[Any]:
    name = step["key"] if step["key"] is not None else step["name"]
    wanted = step["index"] if name is None else name
    if wanted == "*" and step["key"] is None:
        yield from value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    elif name is not None:
        if isinstance(value, Mapping) and name in value:
            yield value[name]
    elif isinstance(value, list) and int(wanted) < len(value):
        yield value[int(wanted)]


def broken(statement: Mapping[str, Any], rule: Mapping[str, Any]) -> str | None:
    """Why the statement breaks a rule; None where it keeps it."""
    if "selector" in rule:
        raise ValueError(f"rule on {rule['location']}: selectors are not supported")
    values = select(statement, rule["location"])
    presence = rule.get("presence")
    where = rule["location"]
    if presence == "included" and not values:
        return f"{where} is missing"
    if presence == "excluded" and values:
        return f"{where} must not be there"
    if not values:
        return None  # without presence a rule speaks of what is there
    if "any" in rule and not any(_among(value, rule["any"]) for value in values):
        return f"{where} has none of {rule['any']}"
    if "all" in rule and not all(_among(value, rule["all"]) for value in values):
        return f"{where} has something besides {rule['all']}"
    if "none" in rule and any(_among(value, rule["none"]) for value in values):
        return f"{where} has one of {rule['none']}"
    return None


def _among(value: Any, listed: Sequence[Any]) -> bool:
    """Equal in JSON's eyes: ``true`` is not 1."""
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in listed)


def determined(statement: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    """Whether the template's determining properties are the statement's."""
    if unread := UNREAD & template.keys():
        raise ValueError(f"{template['id']}: {', '.join(sorted(unread))} is not supported")
    if "verb" in template and select(statement, "$.verb.id") != [template["verb"]]:
        return False
    type_ = template.get("objectActivityType")
    if type_ is not None and select(statement, "$.object.definition.type") != [type_]:
        return False
    for property_, member in CONTEXT_TYPES.items():
        found = select(statement, f"$.context.contextActivities.{member}[*].definition.type")
        if not set(template.get(property_, ())) <= set(found):
            return False
    return set(template.get("attachmentUsageType", ())) <= set(select(statement, "$.attachments[*].usageType"))


def complaints(statement: Mapping[str, Any], template: Mapping[str, Any]) -> list[str]:
    """Every broken rule of one template, the determining properties first."""
    if not determined(statement, template):
        return [f"the determining properties of {template['id']} do not hold"]
    return [said for rule in template.get("rules", ()) if (said := broken(statement, rule)) is not None]


def matching(statement: Mapping[str, Any], profile: Mapping[str, Any]) -> list[str]:
    """IRIs of the templates that the statement satisfies."""
    return [each["id"] for each in profile["templates"] if not complaints(statement, each)]


def follows(templates: Sequence[str], profile: Mapping[str, Any], pattern: str) -> bool:
    """Whether statements, given by template IRI in order, are exactly one occurrence of a pattern."""
    known = {each["id"]: each for each in profile["patterns"]}
    letters = {each["id"]: chr(0xE000 + n) for n, each in enumerate(profile["templates"])}
    return re.fullmatch(_regex(pattern, known, letters), "".join(letters[each] for each in templates)) is not None


def _regex(iri: str, known: Mapping[str, Mapping[str, Any]], letters: Mapping[str, str]) -> str:
    if iri in letters:
        return letters[iri]
    pattern = known[iri]
    for word, mark in (("zeroOrMore", "*"), ("oneOrMore", "+"), ("optional", "?")):
        if word in pattern:
            return f"(?:{_regex(pattern[word], known, letters)}){mark}"
    if "sequence" in pattern:
        return "".join(_regex(each, known, letters) for each in pattern["sequence"])
    return "(?:" + "|".join(_regex(each, known, letters) for each in pattern["alternates"]) + ")"
