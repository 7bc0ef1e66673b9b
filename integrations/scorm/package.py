"""Builds a package: the page, its configuration, the manifest and the schema files, as a ZIP of reproducible bytes.

Files are stored, not deflated, in fixed order and with one date: equal input gives equal bytes everywhere, so that an
LMS's package hash can be told back. Nothing in a package is personal, and its token opens one scenario there.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from governance.catalog import Catalog
from governance.catalog_models import Rubric, Scenario
from integrations.scorm import manifest, schemas
from integrations.scorm.destinations import Destination
from integrations.scorm.manifest import Edition, Subject

RUNTIME = Path(__file__).parent / "runtime"
MOMENT = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can write
MODE = 0o100644 << 16
SCORM_FILES = ("index.html", "style.css", "texts.js", "lms.js", "report.js", "service.js", "view.js", "page.js")
SLUG = re.compile(r"[A-Za-z0-9_-]{1,200}")


class PackageError(ValueError):
    """A package cannot be built; the text says why."""


@dataclass(frozen=True)
class Order:
    """What to build: the scenario as the catalog has it now, for a destination, with that destination's token."""

    name: str
    destination: Destination
    scenario: Scenario
    edition: Edition
    token: str
    key: Mapping[str, str]
    logo: tuple[str, bytes] | None = None


@dataclass(frozen=True)
class Built:
    """A package's bytes and the digests that LMSs report."""

    content: bytes
    sha1: str
    sha256: str


def scenario_of(catalog: Catalog, scenario_id: str) -> Scenario:
    """The newest version of a scenario.

    Raises:
        PackageError: the catalog has none of that id.
    """
    found = [each for (known, _), each in catalog.scenarios.items() if known == scenario_id]
    if not found:
        known = ", ".join(scenario_ids(catalog))
        raise PackageError(f"there is no scenario {scenario_id!r}; the catalog has {known}")
    return max(found, key=lambda each: _natural(each.version))


def scenario_ids(catalog: Catalog) -> list[str]:
    """Ids of every scenario, sorted."""
    return sorted({scenario_id for scenario_id, _ in catalog.scenarios})


def build(catalog: Catalog, order: Order) -> Built:
    """The package of an order.

    Raises:
        PackageError: a criterion's id cannot be an objective's id.
    """
    rubric = catalog.rubrics[order.scenario.rubric.id, order.scenario.rubric.version]
    own = page_files(catalog, order)
    limit = manifest.mastery(rubric) if order.destination.masteryscore else None
    subject = Subject(identifier(order.scenario), title(order.scenario), limit, [item.id for item in rubric.criteria])
    files = {manifest.FILE: manifest.render(order.edition, subject, list(own)), **own}
    if order.destination.schemas:
        files |= schemas.files(order.edition)
    return archive(files)


def archive(files: Mapping[str, bytes]) -> Built:
    """Files as a ZIP: the first stays first, so that the manifest is found at once."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.create_system, entry.external_attr = 3, MODE  # the same on every system
            target.writestr(entry, content)
    content = buffer.getvalue()
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return Built(content, sha1, hashlib.sha256(content).hexdigest())


def page_files(catalog: Catalog, order: Order, page: tuple[str, ...] = SCORM_FILES) -> dict[str, bytes]:
    """The page's own files by name: those of the runtime, its configuration, its colours and the logo."""
    files = {name: (RUNTIME / name).read_bytes() for name in page}
    files["index.html"] = files["index.html"].replace(b"{{policy}}", content_policy(order.destination).encode())
    files["config.js"] = b"window.ROLECALL = " + orjson.dumps(configuration(catalog, order)) + b";\n"
    files["theme.css"] = f":root {{ --accent: {order.destination.brand.accent}; }}\n".encode()
    if order.logo is not None:
        files[order.logo[0]] = order.logo[1]
    return dict(sorted(files.items()))


def configuration(catalog: Catalog, order: Order) -> dict[str, Any]:
    """What the page is told: where to ask, how to write, and the texts of the rubrics; nothing about any person."""
    where, scenario = order.destination, order.scenario
    rubrics = [each for key, each in catalog.rubrics.items() if key in _rubrics_of(catalog, scenario.id)]
    bad = sorted({item.id for each in rubrics for item in each.criteria if SLUG.fullmatch(item.id) is None})
    if bad:
        raise PackageError(f"criteria {', '.join(bad)} cannot be objective ids of SCORM: use A-Z a-z 0-9 _ -")
    return {
        "edition": order.edition,
        "destination": order.name,
        "service": where.base_url,
        "token": order.token,
        "key": dict(order.key),
        "mode": where.mode,
        "login": where.identity == "sso",
        "failStatus": where.fail_status,
        "finish": where.finish,
        "languages": list(where.languages),
        "brand": {"name": where.brand.name, "logo": order.logo[0] if order.logo else None},
        "live": {"memory": where.live.memory, "notice": where.live.notice},
        "scenario": _described(scenario),
        "rubrics": {f"{each.id}:{each.version}": _texts(each) for each in rubrics},
    }


def content_policy(destination: Destination) -> str:
    """The page's Content-Security-Policy: itself, our service, and the engine's rooms where it holds role-plays."""
    origin = re.match(r"https?://[^/]+", destination.base_url)
    rooms = " ".join(destination.live.rooms) if destination.mode == "live" else "'none'"
    service = origin.group() if origin else "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self' {service}; frame-src {rooms}; base-uri 'none'; form-action 'none'"
    )


def identifier(scenario: Scenario) -> str:
    """The course identifier: that of the LMS settings, else the scenario's id."""
    return scenario.lms.identifier if scenario.lms else scenario.id


def title(scenario: Scenario) -> str:
    """The course title: that of the LMS settings, else the scenario's."""
    return scenario.lms.title if scenario.lms else scenario.title


def _described(scenario: Scenario) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "title": scenario.title,
        "brief": scenario.brief,
        "minutes": scenario.duration_min,
        "counterpart": {"name": scenario.counterpart.name, "role": scenario.counterpart.role},
        "languages": list(scenario.engine.personas) if scenario.engine else list(scenario.languages),
        "debrief": list(scenario.debrief),
    }


def _rubrics_of(catalog: Catalog, scenario_id: str) -> set[tuple[str, str]]:
    versions = (each for (known, _), each in catalog.scenarios.items() if known == scenario_id)
    return {(each.rubric.id, each.rubric.version) for each in versions}


def _texts(rubric: Rubric) -> dict[str, Any]:
    return {
        "title": rubric.title,
        "criteria": {
            item.id: {
                "name": item.name,
                "looksFor": item.looks_for,
                "levels": {str(step): text for step, text in sorted(item.levels.items())},
            }
            for item in rubric.criteria
        },
    }


def _natural(version: str) -> list[tuple[int, int, str]]:
    """Versions in the order a person would put them: 9 before 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", version) if part]
