"""The schema files of both editions, as they go into packages, and the schema that judges a manifest.

NOTICE names whose they are. Two faults of the 1.2 set are mended in memory alone: libxml2 refuses the default namespace
of ``ims_xml.xsd``; the files in packages stay as published.
"""

from functools import cache
from pathlib import Path

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - compiled, no stubs

from integrations.scorm.manifest import NAMESPACES, SCHEMA_FILES, Edition

FOLDERS: dict[Edition, Path] = {
    "1.2": Path(__file__).parent / "1.2",
    "2004": Path(__file__).parent / "2004-4",
}
REFUSED_DEFAULT = b'xmlns="http://www.w3.org/XML/1998/namespace"'
XSD = "http://www.w3.org/2001/XMLSchema"


def files(edition: Edition) -> dict[str, bytes]:
    """Every schema file of an edition, by the name it has at the root of a package."""
    return {path.name: path.read_bytes() for path in sorted(FOLDERS[edition].iterdir()) if path.suffix != ".py"}


def wrapper(edition: Edition) -> str:
    """One schema that imports each namespace of the edition."""
    imports = "".join(
        f'<xs:import namespace="{NAMESPACES[edition][prefix]}" schemaLocation="{file}"/>'
        for prefix, file in SCHEMA_FILES[edition].items()
    )
    return f'<xs:schema xmlns:xs="{XSD}">{imports}</xs:schema>'


@cache
def schema(edition: Edition) -> etree.XMLSchema:
    """The compiled schema of an edition."""
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Mended())
    base = (FOLDERS[edition] / "wrapper.xsd").as_uri()
    return etree.XMLSchema(etree.fromstring(wrapper(edition), parser, base_url=base))


def mended(text: bytes) -> bytes:
    """A schema file without the declaration that validators refuse."""
    return text.replace(REFUSED_DEFAULT, b"", 1)


class _Mended(etree.Resolver):
    def resolve(self, system_url: str, public_id: str, context: object) -> object:
        """The mended text of the one faulty file; None leaves the others to lxml."""
        if not system_url.endswith("ims_xml.xsd"):
            return None
        return self.resolve_string(mended((FOLDERS["1.2"] / "ims_xml.xsd").read_bytes()), context, base_url=system_url)
