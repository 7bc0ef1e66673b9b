"""The README's commands run as they stand, in order, in one home."""

import re
import shlex
from pathlib import Path

import pytest
from support.command import ROOT, Command

README = (ROOT / "README.md").read_text("utf-8")


def documented() -> list[list[str]]:
    """Every `rolecall` line of the README's shell blocks, without its comment and without the servers."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("rolecall ")]
    return [words[1:] for words in (shlex.split(line, comments=True) for line in lines) if words[1] != "serve"]


def test_the_commands_run_in_order(tmp_path: Path) -> None:
    rolecall = Command(tmp_path / "home", ROLECALL_GATEWAY_TOKENS="acme=a-token-of-some-length")
    commands = [[str(tmp_path / word) if word == "delivered" else word for word in words] for words in documented()]
    assert [words[0] for words in commands] == ["doctor", "simulate", "ingest", "run", "query"]
    done = [rolecall.alone(*words) for words in commands]
    assert [each.returncode for each in done] == [0] * len(done), done
    assert all(region in done[-1].stdout for region in ("EMEA", "AMER", "APAC"))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
