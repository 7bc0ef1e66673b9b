"""cmi5: the same page as an assignable unit, whose LMS is an LRS behind the launch address.

A ``passed`` statement needs a score of at least ``masteryScore``, a ``failed`` one a lower score; so the course carries
one only where the score alone decides about passing.
"""

from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - compiled, no stubs
from lxml.builder import ElementMaker

from governance.catalog import Catalog
from governance.catalog_models import Rubric
from integrations.scorm import manifest, package
from integrations.scorm.manifest import DECLARATION
from integrations.scorm.package import SCORM_FILES, Built, Order

NAMESPACE = "https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd"
FILE = "cmi5.xml"
LANGUAGE = "en-US"
ACTIVITY_TYPE = "http://adlnet.gov/expapi/activities/simulation"
PAGE = tuple("cmi5.js" if name == "lms.js" else name for name in SCORM_FILES)


def build(catalog: Catalog, order: Order) -> Built:
    """The course as a ZIP: ``cmi5.xml`` and the page."""
    rubric = catalog.rubrics[order.scenario.rubric.id, order.scenario.rubric.version]
    files = package.page_files(catalog, order, PAGE)
    page = files["index.html"].replace(b'src="lms.js"', b'src="cmi5.js"')
    files["index.html"] = page.replace(b"connect-src 'self'", b"connect-src 'self' https: http:")  # any LRS
    return package.archive({FILE: structure(order, rubric), **files})


def structure(order: Order, rubric: Rubric) -> bytes:
    """The course structure: one course, an objective per criterion, one unit launched inside the package."""
    make: Any = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})
    base = f"{order.destination.base_url}/xapi"
    scenario, names = order.scenario, [f"{base}/criterion/{rubric.id}/{item.id}" for item in rubric.criteria]
    title, summary = package.title(scenario), scenario.lms.description if scenario.lms else scenario.brief
    objectives = [
        make.objective(*_texts(make, item.name, item.looks_for), id=name)
        for item, name in zip(rubric.criteria, names, strict=True)
    ]
    unit = make.au(
        *_texts(make, title, summary),
        make.objectives(*(make.objective(idref=name) for name in names)),
        make.url(manifest.LAUNCH),
        id=f"{base}/au/{order.name}/{scenario.id}",
        moveOn=_move_on(order),
        launchMethod="AnyWindow",
        activityType=ACTIVITY_TYPE,
    )
    mastery = manifest.mastery(rubric)
    if mastery is not None:
        unit.set("masteryScore", f"{mastery:.4f}".rstrip("0").rstrip("."))
    course = make.course(*_texts(make, title, summary), id=f"{base}/course/{order.name}/{scenario.id}")
    root = make.courseStructure(course, make.objectives(*objectives), unit)
    return DECLARATION + etree.tostring(root, encoding="UTF-8", pretty_print=True)


def _move_on(order: Order) -> str:
    """A failed attempt completes the unit only where the scenario says so."""
    completes = order.scenario.lms is None or order.scenario.lms.completed_by == "attempt"
    return "CompletedOrPassed" if completes and order.destination.fail_status == "failed" else "Passed"


def _texts(make: Any, title: str, description: str) -> list[etree._Element]:
    return [
        make.title(make.langstring(title, lang=LANGUAGE)),
        make.description(make.langstring(description, lang=LANGUAGE)),
    ]
