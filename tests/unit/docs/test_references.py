"""What the pages on security and compliance point to exists: files, tests, pages and commands."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import typer.main

from governance.settings import PROJECT
from pipelines.cli import app

PAGES = ("security.md", "compliance.md")
CODE = re.compile(r"`([^`\n]+)`")
FOLDERS = ("assets", "benchmarks", "config", "dashboards", "docs", "governance", "integrations", "pipelines", "tests")


def text(page: str) -> str:
    return (PROJECT / "docs" / page).read_text("utf-8")


def paths(page: str) -> list[str]:
    """What is written as a path of the repository, with ``::test`` where a test is meant."""
    return sorted({each for each in CODE.findall(text(page)) if each.split("/")[0] in FOLDERS and "/" in each[:-1]})


@cache
def named_in(path: Path) -> frozenset[str]:
    return frozenset(node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("page", "path"), [(page, path) for page in PAGES for path in paths(page)])
def test_every_path_and_test_exists(page: str, path: str) -> None:
    file, _, test = path.partition("::")
    assert (PROJECT / file).exists(), f"docs/{page} names {file}"
    if test:
        assert test.startswith("test_")
        assert test in named_in(PROJECT / file), f"docs/{page} names {path}"


@pytest.mark.parametrize("page", PAGES)
def test_every_row_of_a_table_of_proofs_has_one(page: str) -> None:
    """A table whose head says "shown by" names a test in each of its rows."""
    proved = False
    rows = 0
    for line in text(page).splitlines():
        if not line.startswith("|"):
            proved = False
        elif line.rstrip(" |").endswith("shown by"):
            proved = True
        elif proved and not line.startswith("|---"):
            rows += 1
            assert re.search(r"`tests/[^`]+::test_", line), line
    assert rows > 10


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_page(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", text(page))
    assert links
    assert [link for link in links if not (PROJECT / "docs" / link).is_file()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists(page: str) -> None:
    commands = [each.split()[1:] for each in CODE.findall(text(page)) if each.startswith("rolecall ")]
    assert commands
    for words in commands:
        found = typer.main.get_command(app)
        for word in words:
            if not hasattr(found, "commands"):
                break
            assert word in found.commands, " ".join(words)  # pyright: ignore[reportAttributeAccessIssue]
            found = found.commands[word]  # pyright: ignore[reportAttributeAccessIssue]
