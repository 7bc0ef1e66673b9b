"""``imsmanifest.xml`` of one package: one organisation, one SCO, its resource first, every file listed.

Element order, attribute spelling and vocabulary are those that ADL's validator and Moodle took; SCORM 1.2 writes
``scormtype``, 2004 ``scormType``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - compiled, no stubs
from lxml.builder import ElementMaker

from governance.catalog_models import Rubric

Edition = Literal["1.2", "2004"]
EDITIONS: tuple[Edition, ...] = ("1.2", "2004")
FILE = "imsmanifest.xml"
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
LAUNCH = "index.html"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES: dict[Edition, dict[str, str]] = {
    "1.2": {
        "imscp": "http://www.imsproject.org/xsd/imscp_rootv1p1p2",
        "adlcp": "http://www.adlnet.org/xsd/adlcp_rootv1p2",
    },
    "2004": {
        "imscp": "http://www.imsglobal.org/xsd/imscp_v1p1",
        "adlcp": "http://www.adlnet.org/xsd/adlcp_v1p3",
        "adlseq": "http://www.adlnet.org/xsd/adlseq_v1p3",
        "adlnav": "http://www.adlnet.org/xsd/adlnav_v1p3",
        "imsss": "http://www.imsglobal.org/xsd/imsss",
    },
}
SCHEMA_FILES: dict[Edition, dict[str, str]] = {
    "1.2": {"imscp": "imscp_rootv1p1p2.xsd", "adlcp": "adlcp_rootv1p2.xsd"},
    "2004": {
        "imscp": "imscp_v1p1.xsd",
        "adlcp": "adlcp_v1p3.xsd",
        "adlseq": "adlseq_v1p3.xsd",
        "adlnav": "adlnav_v1p3.xsd",
        "imsss": "imsss_v1p0.xsd",
    },
}
VERSIONS: dict[Edition, str] = {"1.2": "1.2", "2004": "2004 4th Edition"}


@dataclass(frozen=True)
class Subject:
    """What a manifest is about; ``mastery`` on 0 to 1, ``criteria`` are objective ids."""

    identifier: str
    title: str
    mastery: float | None = None
    criteria: Sequence[str] = ()


def mastery(rubric: Rubric) -> float | None:
    """The score (0 to 1) that alone decides about passing; None where a criterion can fail the session as well.

    SCORM lets an LMS turn ``failed`` into ``passed`` once the score reaches a mastery score, and Moodle does.
    """
    if rubric.pass_rule is None or any(item.minimum is not None for item in rubric.criteria):
        return None
    return rubric.pass_rule.overall_minimum


def render(edition: Edition, subject: Subject, files: Sequence[str]) -> bytes:
    """The manifest; ``files`` are the package's own files without schemas, the launch page among them."""
    names = NAMESPACES[edition]
    make: Any = ElementMaker(namespace=names["imscp"], nsmap={None: names["imscp"], "xsi": XSI, **_prefixed(edition)})
    root = make.manifest(
        make.metadata(make.schema("ADL SCORM"), make.schemaversion(VERSIONS[edition])),
        make.organizations(_organization(edition, make, subject), default="ORG-1"),
        make.resources(_resource(edition, make, files)),
        identifier=f"MANIFEST-{subject.identifier}",
        version="1.0" if edition == "1.2" else "1",
    )
    where = " ".join(f"{names[prefix]} {file}" for prefix, file in SCHEMA_FILES[edition].items())
    root.set(f"{{{XSI}}}schemaLocation", where)
    return DECLARATION + etree.tostring(root, encoding="UTF-8", pretty_print=True)


def _prefixed(edition: Edition) -> dict[str, str]:
    return {prefix: name for prefix, name in NAMESPACES[edition].items() if prefix != "imscp"}


def _organization(edition: Edition, make: Any, subject: Subject) -> etree._Element:
    item = make.item(make.title(subject.title), identifier="ITEM-1", identifierref="RES-1")
    found = make.organization(make.title(subject.title), item, identifier="ORG-1")
    if edition == "1.2":
        item.set("isvisible", "true")
        if subject.mastery is not None:
            item.append(_in(edition, "adlcp").masteryscore(f"{subject.mastery * 100:.4f}".rstrip("0").rstrip(".")))
        return found
    sequencing = _in(edition, "imsss")
    found.set(f"{{{NAMESPACES[edition]['adlseq']}}}objectivesGlobalToSystem", "false")
    item.append(sequencing.sequencing(*_objectives(sequencing, subject), _deliver(sequencing)))
    found.append(sequencing.sequencing(sequencing.controlMode(choice="true", flow="true")))
    return found


def _objectives(make: Any, subject: Subject) -> list[etree._Element]:
    """Declared only with a mastery score: what is not declared, the SCO appends."""
    if subject.mastery is None:
        return []
    measure = make.minNormalizedMeasure(f"{subject.mastery:.4f}".rstrip("0").rstrip("."))
    primary = make.primaryObjective(measure, objectiveID="PRIMARYOBJ", satisfiedByMeasure="true")
    return [make.objectives(primary, *(make.objective(objectiveID=name) for name in subject.criteria))]


def _deliver(make: Any) -> etree._Element:
    return make.deliveryControls(completionSetByContent="true", objectiveSetByContent="true")


def _resource(edition: Edition, make: Any, files: Sequence[str]) -> etree._Element:
    found = make.resource(identifier="RES-1", type="webcontent", href=LAUNCH)
    attribute = "scormtype" if edition == "1.2" else "scormType"
    found.set(f"{{{NAMESPACES[edition]['adlcp']}}}{attribute}", "sco")
    found.extend(make.file(href=name) for name in sorted(files, key=lambda name: (name != LAUNCH, name)))
    return found


def _in(edition: Edition, prefix: str) -> Any:
    return ElementMaker(namespace=NAMESPACES[edition][prefix], nsmap=_prefixed(edition))
