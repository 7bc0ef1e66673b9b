"""Makes packages from what is configured: destination, catalog, token and key come together here, once.

The command line and the asset both build here, so that a package is the same whoever asks for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from governance.catalog import Catalog
from governance.packages import Export, Packages
from integrations.scorm import admin_sheet, cmi5, destinations, marks, package, signing
from integrations.scorm.destinations import Destination
from integrations.scorm.manifest import EDITIONS, Edition
from integrations.scorm.marks import PackageMark
from integrations.scorm.package import Built, Order, PackageError

CMI5 = "cmi5"


@dataclass(frozen=True)
class Made:
    """A package on disk: its entry in the register, the ZIP and the sheet beside it."""

    export: Export
    path: Path
    sheet: Path


@dataclass(frozen=True)
class Workshop:
    """Where packages are built."""

    config: Path
    catalog: Catalog
    packages: Packages
    secret: bytes

    @cached_property
    def key(self) -> dict[str, str]:
        """The public key that every package carries."""
        return signing.public_jwk(signing.private_key(self.secret))

    def scenarios(self, destination: Destination) -> list[str]:
        """Scenarios that a destination gets: those it names, else all."""
        return list(destination.scenarios or package.scenario_ids(self.catalog))

    def make(self, name: str, scenario_id: str, kind: Edition | str, path: Path, now: datetime) -> Made:
        """Build one package to ``path``, with its sheet beside it, and note it in the register.

        Raises:
            DestinationError: the destination's file cannot be used.
            PackageError: no such scenario, or the destination does not get it.
        """
        destination = destinations.load(self.config, name)
        scenario = package.scenario_of(self.catalog, scenario_id)
        if scenario_id not in self.scenarios(destination):
            raise PackageError(f"destination {name} does not get {scenario_id}; add it to `scenarios` there")
        issue = self.packages.issue(name, scenario_id, now)
        token = marks.package_token(self.secret, PackageMark(name, scenario_id, issue))
        edition: Edition = "1.2" if kind == "1.2" else "2004"
        logo = destinations.logo_of(self.config, destination)
        order = Order(name, destination, scenario, edition, token, self.key, logo)
        built = cmi5.build(self.catalog, order) if kind == CMI5 else package.build(self.catalog, order)
        export = _entry(order, str(kind), built, issue, path.name, now)
        sheet = path.with_suffix(".settings.html")
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, built.content)
        _replace(sheet, admin_sheet.render(order, built, path.name))
        self.packages.record([export])
        return Made(export, path, sheet)

    def make_all(self, out: Path, now: datetime) -> Iterator[Made]:
        """Every scenario and edition of every destination, below ``out/<destination>/``."""
        for name, destination in destinations.every(self.config):
            for scenario_id in self.scenarios(destination):
                for edition in EDITIONS:
                    yield self.make(name, scenario_id, edition, out / name / file_name(scenario_id, edition), now)


def file_name(scenario_id: str, kind: str) -> str:
    """The usual name of a package."""
    return f"{scenario_id}-{kind if kind == CMI5 else 'scorm-' + kind}.zip"


def _entry(order: Order, kind: str, built: Built, issue: int, name: str, now: datetime) -> Export:
    return Export(
        sha256=built.sha256,
        sha1=built.sha1,
        tenant=order.destination.tenant,
        destination=order.name,
        scenario_id=order.scenario.id,
        scenario_version=order.scenario.version,
        edition=kind,
        token_issue=issue,
        file_name=name,
        size_bytes=len(built.content),
        built_at=now,
    )


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)
