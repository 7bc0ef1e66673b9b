"""``rolecall export xapi`` behind the command line: files, versions, destinations, tenants."""

import hashlib
import json
import shutil
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr
from support.pipeline import NOW, SECRET, Home
from support.sessions import bundle

from assets.core import registries
from assets.exports.statements import PATH, issue_days, stale_days
from governance.identities import DirectoryEntry
from governance.settings import PROJECT, Settings
from integrations.xapi.files import batches
from pipelines.mark import Mark
from pipelines.problems import Problem
from pipelines.statements import Exported, Issued, export, issue


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("files")
    shutil.copytree(PROJECT / "config", folder / "config")
    (folder / "config" / "connectors").mkdir(exist_ok=True)
    (folder / "config" / "connectors" / "archive.yaml").write_text("kind: xapi\nactor: mbox\nversion: '2.0'\n")
    made = Home(folder / "home", folder / "config")
    made.identities.record(
        [DirectoryEntry(tenant="acme", learner_id="e1", email="ruth@acme.example", role="adviser", manager_id="e2")]
    )
    made.land([*(bundle(n) for n in range(6)), *(bundle(n, tenant="globex") for n in range(3))])
    made.settle()
    registries.learners(made.lake, made.identities.learners())
    issue_days(
        made.lake, stale_days(made.lake, made.catalog), catalog=made.catalog, pseudonym=made.identities.key, now=NOW
    )
    return made


def write(home: Home, out: Path, **options: Any) -> list[Exported]:
    settings = Settings(home=home.folder, config=home.config, secret_key=SecretStr(SECRET.decode()))
    given = {"tenant": None, "days": None, "version": None, "destination": None} | options
    return export(settings, out, progress=lambda _: None, **given)


def lines(out: Path, tenant: str, version: str = "1.0.3") -> list[bytes]:
    return [
        line
        for path in sorted((out / tenant / f"xapi-{version}").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def test_every_line_is_a_statement_and_a_second_run_writes_the_same(home: Home, tmp_path: Path) -> None:
    done = write(home, tmp_path / "one")
    write(home, tmp_path / "two")
    assert [each.tenant for each in done] == ["acme", "globex"]
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
    ids = [orjson.loads(line)["id"] for tenant in ("acme", "globex") for line in lines(tmp_path / "one", tenant)]
    assert len(set(ids)) == len(ids) == sum(each.written.statements for each in done)
    assert sum(each.in_force for each in done) == len(ids)


def test_the_archive_holds_the_same_statements_as_ready_bodies(home: Home, tmp_path: Path) -> None:
    (done,) = write(home, tmp_path, tenant="acme")
    assert done.written.archive is not None
    with zipfile.ZipFile(done.written.archive) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        found = []
        for part in manifest["files"]:
            body = archive.read(part["file"])
            assert hashlib.sha256(body).hexdigest() == part["sha256"]
            found += [orjson.dumps(each) for each in orjson.loads(body)]
        assert json.loads(archive.read("rolecall-1.jsonld"))["type"] == "Profile"
    assert found == lines(tmp_path, "acme")
    assert manifest["header"] == {"X-Experience-API-Version": "1.0.3"}


def test_a_destination_that_knows_people_in_2_0(home: Home, tmp_path: Path) -> None:
    (done,) = write(home, tmp_path, tenant="acme", destination="archive")
    statements = [orjson.loads(line) for line in lines(tmp_path, "acme", "2.0")]
    ruth = [each for each in statements if each["actor"].get("mbox") == "mailto:ruth@acme.example"]
    assert ruth
    assert all(each["context"]["contextAgents"][0]["relevantTypes"] for each in ruth)
    assert done.unidentified > 0, "the others have no address in the directory"
    pseudonymous = lines(tmp_path, "acme") or lines(_again(home, tmp_path), "acme")
    assert {orjson.loads(line)["id"] for line in pseudonymous} == {each["id"] for each in statements}
    assert b"mailto:" not in b"".join(pseudonymous)


def _again(home: Home, out: Path) -> Path:
    write(home, out, tenant="acme")
    return out


def test_days_and_tenants(home: Home, tmp_path: Path) -> None:
    (done,) = write(home, tmp_path, tenant="acme", days=(date(2026, 11, 2), date(2026, 11, 3)))
    assert [path.stem for path in done.written.lines] == ["2026-11-02", "2026-11-03"]
    with pytest.raises(Problem, match="has no statements"):
        write(home, tmp_path, tenant="initech")
    with pytest.raises(Problem, match="No session of these days"):
        write(home, tmp_path, days=(date(2020, 1, 1), date(2020, 1, 2)))


def test_an_empty_home_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no sessions yet"):
        issue(Settings(home=tmp_path), None, lambda _: None)


def test_days_that_failed_their_checks_wait(tmp_path: Path) -> None:
    """A statement is frozen once issued: what a check may still stop is not issued, nor is it in a bridged gap."""
    made = Home(tmp_path / "home")
    made.land(bundle(n) for n in range(3))  # 1, 2 and 3 November
    made.settle()
    registries.learners(made.lake, made.identities.learners())
    settings = Settings(home=made.folder, secret_key=SecretStr(SECRET.decode()))
    failed = date(2026, 11, 2)
    Mark(None, (failed,)).write(made.folder)
    first = issue(settings, None, lambda _: None)
    assert (first.new > 0, first.waiting) == (True, (failed,))
    assert made.lake.days(PATH) == [date(2026, 11, 1), date(2026, 11, 3)]
    assert first.sentence() == (
        "1 day waits for its checks, from 2026-11-02: `rolecall run` makes them and says which fail"
    )
    assert issue(settings, None, lambda _: None) == Issued(0, (failed,))
    Mark(None).write(made.folder)
    last = issue(settings, None, lambda _: None)
    assert (last.new > 0, last.waiting, last.sentence()) == (True, (), None)
    assert len(made.lake.days(PATH)) == 3


def test_batches_respect_count_and_bytes() -> None:
    assert [len(each) for each in batches([b"x"] * 7, count=3)] == [3, 3, 1]
    sizes = [len(b"[" + b",".join(each) + b"]") for each in batches([b"x" * 40] * 9, size=100)]
    assert max(sizes) <= 100
    assert [len(each) for each in batches([b"x" * 500, b"y"], size=100)] == [1, 1]
    assert list(batches([])) == []
