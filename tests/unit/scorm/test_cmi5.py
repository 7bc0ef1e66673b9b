"""Course structures of cmi5, held against the rules of the specification (its section 13).

The specification's own schema file is in no registry that tests may use; the reference notes that a structure of this
shape was accepted by it. What is here is stricter where the schema is silent: references resolve, files are there.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - compiled, no stubs

from governance.catalog import Catalog
from governance.packages import Packages
from governance.settings import PROJECT
from governance.state import State
from integrations.scorm import cmi5, package
from integrations.scorm.inspection import parse
from integrations.scorm.workshop import Workshop

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCENARIOS = package.scenario_ids(Catalog.load(PROJECT / "config"))
TEXT = ("title", "description")
# Per element: its children in order (`?` may be absent, `+` may repeat), attributes it must and may have.
RULES: dict[str, tuple[tuple[str, ...], frozenset[str], frozenset[str]]] = {
    "courseStructure": (("course", "objectives?", "au+"), frozenset(), frozenset()),
    "course": (TEXT, frozenset({"id"}), frozenset()),
    "objectives": (("objective+",), frozenset(), frozenset()),
    "objective": (TEXT, frozenset({"id"}), frozenset()),
    "au": (
        (*TEXT, "objectives?", "url", "launchParameters?", "entitlementKey?"),
        frozenset({"id"}),
        frozenset({"moveOn", "masteryScore", "launchMethod", "activityType"}),
    ),
    "title": (("langstring+",), frozenset(), frozenset()),
    "description": (("langstring+",), frozenset(), frozenset()),
    "langstring": ((), frozenset({"lang"}), frozenset()),
    "url": ((), frozenset(), frozenset()),
    "reference": ((), frozenset({"idref"}), frozenset()),  # an objective below a unit
}
VALUES = {
    "moveOn": {"NotApplicable", "Passed", "Completed", "CompletedAndPassed", "CompletedOrPassed"},
    "launchMethod": {"AnyWindow", "OwnWindow"},
}
IRI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+", re.IGNORECASE)
SCORE = re.compile(r"0(\.\d{1,4})?|1(\.0{1,4})?")


def faults(root: Any, files: set[str]) -> list[str]:
    """Everything in a course structure that the specification forbids, or that no LMS could launch."""
    if root.tag != f"{{{cmi5.NAMESPACE}}}courseStructure":
        return [f"the root is {root.tag}"]
    return [*_shape(root, "courseStructure"), *_meaning(root, files)]


def _shape(element: Any, rule: str) -> Iterator[str]:
    children, must, may = RULES[rule]
    names = [etree.QName(each).localname for each in element]
    pattern = "".join(f"(?:{name.rstrip('?+')} ){name[-1] if name[-1] in '?+' else ''}" for name in children)
    if re.fullmatch(pattern, "".join(f"{name} " for name in names)) is None:
        yield f"{rule} holds {names}"
    if not must <= set(element.attrib) or set(element.attrib) - must - may:
        yield f"{rule} has the attributes {sorted(element.attrib)}"
    if rule in ("langstring", "url") and not (element.text or "").strip():
        yield f"{rule} is empty"
    for child, name in zip(element, names, strict=True):
        inner = "reference" if name == "objective" and rule == "objectives" and "idref" in child.attrib else name
        if inner in RULES:
            yield from _shape(child, inner)
        else:
            yield f"{rule} holds {name}, which is unknown"


def _meaning(root: Any, files: set[str]) -> Iterator[str]:
    ids = [each.get("id") for each in root.iter() if "id" in each.attrib]
    yield from (f"{each} is no full IRI" for each in ids if IRI.fullmatch(each) is None)
    yield from (f"{each} occurs twice" for each in sorted({each for each in ids if ids.count(each) > 1}))
    targets = {each.get("idref") for each in root.iter() if "idref" in each.attrib}
    yield from (f"{each} is no objective" for each in sorted(targets - set(ids)))
    for unit in root.iter(f"{{{cmi5.NAMESPACE}}}au"):
        yield from (f"{name} is {unit.get(name)}" for name, known in VALUES.items() if unit.get(name) not in known)
        if SCORE.fullmatch(unit.get("masteryScore", "0")) is None:
            yield f"masteryScore is {unit.get('masteryScore')}"
        address = unit.findtext(f"{{{cmi5.NAMESPACE}}}url")
        if address not in files and not re.match(r"https://", address or ""):
            yield f"{address} is not in the package"


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    return Workshop(PROJECT / "config", Catalog.load(PROJECT / "config"), Packages(state), b"s" * 32)


def made(shop: Workshop, folder: Path, scenario: str) -> tuple[Any, set[str]]:
    course = shop.make("demo", scenario, "cmi5", folder / "course.zip", NOW)
    with zipfile.ZipFile(course.path) as archive:
        return parse(archive.read(cmi5.FILE)), set(archive.namelist())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_course_keeps_the_specification(shop: Workshop, tmp_path: Path, scenario: str) -> None:
    assert faults(*made(shop, tmp_path, scenario)) == []


def named(root: Any, path: str) -> Any:
    return root.find(path, {"c": cmi5.NAMESPACE})


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda root: root.remove(named(root, "c:course")), "courseStructure holds"),
        (lambda root: root.append(named(root, "c:objectives")), "courseStructure holds"),
        (lambda root: named(root, "c:au").set("masteryScore", "70"), "masteryScore is 70"),
        (lambda root: named(root, "c:au").set("moveOn", "Always"), "moveOn is Always"),
        (lambda root: named(root, "c:au").set("launchmethod", "AnyWindow"), "au has the attributes"),
        (lambda root: named(root, "c:au").set("id", "au/1"), "au/1 is no full IRI"),
        (lambda root: named(root, "c:au").set("id", named(root, "c:course").get("id")), "occurs twice"),
        (lambda root: named(root, "c:au/c:objectives/c:objective").set("idref", "urn:x"), "urn:x is no objective"),
        (lambda root: named(root, "c:au/c:url").__setattr__("text", "gone.html"), "gone.html is not in the package"),
        (lambda root: named(root, "c:course/c:title/c:langstring").__setattr__("text", " "), "langstring is empty"),
        (lambda root: named(root, "c:course/c:title/c:langstring").attrib.clear(), "langstring has the attributes"),
    ],
)  # fmt: skip
def test_a_course_that_breaks_a_rule_is_found(
    shop: Workshop, tmp_path: Path, harm: Callable[[Any], object], complaint: str
) -> None:
    root, files = made(shop, tmp_path, SCENARIOS[0])
    harm(root)
    assert any(complaint in each for each in faults(root, files))
