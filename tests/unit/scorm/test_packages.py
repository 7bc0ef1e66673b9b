"""What is in a package: manifests that two validators accept, the files that are listed, the same bytes each time."""

import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xmlschema

from governance.catalog import Catalog
from governance.packages import Packages
from governance.settings import PROJECT
from governance.state import State
from integrations.scorm import cmi5, destinations, manifest, package, schemas
from integrations.scorm.destinations import DestinationError
from integrations.scorm.inspection import inspect, parse
from integrations.scorm.manifest import EDITIONS, NAMESPACES, Edition, Subject
from integrations.scorm.package import PackageError
from integrations.scorm.workshop import Workshop

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = b"s" * 32


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    return Workshop(PROJECT / "config", Catalog.load(PROJECT / "config"), Packages(state), SECRET)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("mastery", [None, 0.7])
def test_two_validators_accept_the_manifest(edition: Edition, mastery: float | None, tmp_path: Path) -> None:
    subject = Subject("rp-1", 'A "title" & <more>', mastery, ("empathy", "discovery"))
    text = manifest.render(edition, subject, ["index.html", "page.js"])
    assert schemas.schema(edition).validate(parse(text))
    other = second_opinion(edition, tmp_path)
    assert list(other.iter_errors(text.decode(), use_location_hints=False)) == []
    broken = text.replace(b"<resources>", b"<resources><intruder/>")
    assert not schemas.schema(edition).validate(parse(broken))
    assert list(other.iter_errors(broken.decode(), use_location_hints=False))


def second_opinion(edition: Edition, folder: Path) -> xmlschema.XMLSchema10:
    """xmlschema over the same files, the faulty one mended."""
    for name, content in schemas.files(edition).items():
        (folder / name).write_bytes(schemas.mended(content) if name == "ims_xml.xsd" else content)
    return xmlschema.XMLSchema10(
        schemas.wrapper(edition), base_url=folder.as_uri() + "/", allow="sandbox", defuse="always"
    )


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_manifest_says_what_the_sheet_asks_for(edition: Edition) -> None:
    text = manifest.render(edition, Subject("rp-1", "Title", 0.7, ("empathy",)), ["a.js", "index.html"]).decode()
    names = {"imscp": NAMESPACES[edition]["imscp"]}
    root = parse(text.encode())
    assert len(root.findall(".//imscp:organization", names)) == 1
    (resource,) = root.findall(".//imscp:resource", names)
    assert resource.get("href") == "index.html"
    assert [file.get("href") for file in resource] == ["index.html", "a.js"]
    assert ('adlcp:scormtype="sco"' in text) == (edition == "1.2")
    assert ('adlcp:scormType="sco"' in text) == (edition == "2004")
    assert ("<adlcp:masteryscore>70</adlcp:masteryscore>" in text) == (edition == "1.2")
    if edition == "2004":
        assert "<imsss:minNormalizedMeasure>0.7</imsss:minNormalizedMeasure>" in text
        assert text.index("imsss:objectives") < text.index("imsss:deliveryControls")


def test_a_mastery_score_only_where_nothing_else_decides() -> None:
    catalog = Catalog.load(PROJECT / "config")
    for rubric in catalog.rubrics.values():
        free = rubric.pass_rule is not None and all(item.minimum is None for item in rubric.criteria)
        assert (manifest.mastery(rubric) is not None) == free


def test_the_same_order_gives_the_same_bytes_until_the_token_is_revoked(shop: Workshop, tmp_path: Path) -> None:
    first = shop.make("demo", "suitability-fund", "1.2", tmp_path / "a.zip", NOW).export
    again = shop.make("demo", "suitability-fund", "1.2", tmp_path / "b.zip", NOW.replace(year=2027)).export
    assert first.sha256 == again.sha256
    assert [each.sha1 for each in shop.packages.exports()] == [first.sha1]
    assert shop.packages.revoke("demo", None, NOW, "os:test", "leaked") == 1
    assert not shop.packages.stands("demo", "suitability-fund", 1)
    renewed = shop.make("demo", "suitability-fund", "1.2", tmp_path / "c.zip", NOW).export
    assert (renewed.token_issue, renewed.sha256 != first.sha256) == (2, True)


def test_every_scenario_and_edition_is_good_and_holds_nothing_personal(shop: Workshop, tmp_path: Path) -> None:
    made = list(shop.make_all(tmp_path, NOW))
    assert len(made) == 8
    for each in made:
        assert inspect(each.path).problems == []
        assert "Moodle" in each.sheet.read_text("utf-8")
        with zipfile.ZipFile(each.path) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert archive.namelist()[0] == manifest.FILE
            text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith((".js", ".html")))
        outside = {found.decode() for found in re.findall(rb"https?://[^\s\"'`;)]+", text)}
        assert outside <= {"http://127.0.0.1:8080", "http://www.w3.org/2000/svg"}


def test_schemas_are_behind_a_switch(shop: Workshop, tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "destinations").mkdir(parents=True)
    text = (PROJECT / "config" / "destinations" / "demo.yaml").read_text("utf-8")
    (config / "destinations" / "bare.yaml").write_text(text.replace("schemas: true", "schemas: false"), "utf-8")
    bare = Workshop(config, shop.catalog, shop.packages, SECRET)
    made = bare.make("bare", "suitability-fund", "2004", tmp_path / "bare.zip", NOW)
    with zipfile.ZipFile(made.path) as archive:
        assert [name for name in archive.namelist() if name.endswith(".xsd")] == []
    assert inspect(made.path).problems == []


def test_a_cmi5_course_lists_the_criteria_and_the_page(shop: Workshop, tmp_path: Path) -> None:
    made = shop.make("demo", "conflict-shared-budget", "cmi5", tmp_path / "c.zip", NOW)
    with zipfile.ZipFile(made.path) as archive:
        text = archive.read(cmi5.FILE)
        assert b'src="cmi5.js"' in archive.read("index.html")
        assert {"cmi5.js", "page.js", "config.js"} <= set(archive.namelist())
    names = {"c": cmi5.NAMESPACE}
    root = parse(text)
    assert root.findtext(".//c:au/c:url", namespaces=names) == "index.html"
    listed = {each.get("id") for each in root.findall("c:objectives/c:objective", names)}
    assert {each.get("idref") for each in root.findall(".//c:au/c:objectives/c:objective", names)} == listed


def test_an_unknown_scenario_and_destination_are_named(shop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"no scenario 'nope'; the catalog has conflict"):
        shop.make("demo", "nope", "1.2", tmp_path / "x.zip", NOW)
    with pytest.raises(DestinationError, match=r"nowhere.yaml: there is no such destination; known: demo"):
        shop.make("nowhere", "suitability-fund", "1.2", tmp_path / "x.zip", NOW)
    with pytest.raises(DestinationError, match="no such destination"):
        destinations.load(PROJECT / "config", "../policy")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("base_url: http://lms.example", "https"),
        ('brand: {accent: "#cccccc"}', r"contrast of 1\.\d with white"),
        ("languages: [en, it]", "no texts in it"),
        ("brand: {logo: missing.svg}", "does not exist"),
        ("origins: [lms.example]", "origins"),
        ("mood: dark", "no such key"),
    ],
)
def test_a_destination_that_cannot_work_is_refused(tmp_path: Path, change: str, complaint: str) -> None:
    key = change.partition(":")[0]
    lines = (PROJECT / "config" / "destinations" / "demo.yaml").read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith((f"{key}:", "  ", "#")) and line not in ("brand:", "live:")]
    (tmp_path / "destinations").mkdir()
    (tmp_path / "destinations" / "d.yaml").write_text("\n".join([*kept, change]), "utf-8")
    with pytest.raises(DestinationError, match=complaint):
        destinations.load(tmp_path, "d")


def test_versions_are_ordered_as_people_do() -> None:
    catalog = Catalog.load(PROJECT / "config")
    assert package.scenario_of(catalog, "sales-renewal-risk").version == "2"
