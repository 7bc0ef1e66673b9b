"""Personal data that somebody says by chance: masked in bundles unless names were asked for, counted by the scan."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Command
from support.practised import Practised

PERIOD = ("--from", "2026-11-02", "--to", "2026-11-07")
SESSION = "generic:said-1"
SAID = {
    "a name": ("I am Sarah Mueller, and Will told me.", "I am [name], and [name] told me."),
    "an e-mail": ("Write to sarah@corp.local please.", "Write to [e-mail] please."),
    "a card": ("Take 4111 1111 1111 1111.", "Take [card]."),
    "an IBAN": ("Bitte auf DE89 3704 0044 0532 0130 00 buchen.", "Bitte auf [bank account] buchen."),
    "a phone": ("Appelez le +33 6 12 34 56 78.", "Appelez le [phone]."),
    "an id": ("My staff number is q-90817.", "My staff number is [learner id]."),
    "nothing": ("Will you mark 2,000 euros for 24 months?", "Will you mark 2,000 euros for 24 months?"),
}
COMMENT = "Sarah named her phone, +33 6 12 34 56 78"


@pytest.fixture(scope="module")
def rolecall(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A practised home, and one more session in which people say what they should not."""
    folder = tmp_path_factory.mktemp("masking")
    found = Command(practised.copy(folder / "home"))
    turns = [
        {"speaker": "learner", "text": text, "start_s": 5.0 * number, "duration_s": 3.0, "language": "en"}
        for number, (text, _) in enumerate(SAID.values())
    ]
    criteria = [{"criterion_id": "empathy", "score": 3, "evidence_turns": [0], "comment": COMMENT}]
    bundle = {
        "format": "rolecall.session/1", "engine": "generic", "engine_session_id": "said-1",
        "started_at": "2026-11-03T09:00:00Z", "ended_at": "2026-11-03T09:10:00Z", "end_reason": "completed",
        "launch": {"tenant": "acme", "learner_id": "q-90817", "scenario_id": "feedback-1", "region": "EMEA",
                   "jurisdiction": "FR", "language": "en"},
        "turns": turns,
        "assessments": [{"rubric_id": "chance", "rubric_version": "1", "scored_at": "2026-11-03T09:15:00Z",
                         "scorer": {"kind": "engine_llm", "id": "judge", "version": "1"}, "criteria": criteria}],
    }  # fmt: skip
    people = [
        {"tenant": "acme", "learner_id": "q-90817", "name": "Sarah Müller", "email": "sarah@corp.local"},
        {"tenant": "acme", "learner_id": "q-90818", "name": "Will Oyelaran"},
    ]
    (folder / "said.jsonl").write_text(json.dumps(bundle) + "\n", "utf-8")
    (folder / "people.jsonl").write_text("".join(json.dumps(each) + "\n" for each in people), "utf-8")
    found("ingest", str(folder / "said.jsonl"), "--learners", str(folder / "people.jsonl"), "--tenant", "acme")
    found("run")
    return found


@pytest.fixture
def bundled(rolecall: Command, tmp_path: Path) -> Callable[..., tuple[list[dict[str, Any]], str]]:
    """The transcripts of a bundle and what its bag says of them."""

    def made(*words: str) -> tuple[list[dict[str, Any]], str]:
        out = tmp_path / "b.zip"
        rolecall("audit", "bundle", *PERIOD, "--transcripts", *words, "--out", str(out))
        assert "intact" in rolecall("audit", "verify", str(out))
        with zipfile.ZipFile(out) as archive:
            lines = archive.read("data/transcripts.jsonl").decode().splitlines()
            return [json.loads(line) for line in lines], archive.read("bag-info.txt").decode()

    return made


def words(lines: list[dict[str, Any]]) -> list[str]:
    (line,) = [each for each in lines if each["session_id"] == SESSION]
    return [turn["text"] for turn in line["turns"]]


def test_a_bundle_masks_what_people_said_by_chance(bundled: Callable[..., tuple[list[dict[str, Any]], str]]) -> None:
    lines, told = bundled()
    assert words(lines) == [shown for _, shown in SAID.values()]
    assert {line["masked_by"] for line in lines} == {"rolecall.mask/1"}
    assert "sessions masked by rolecall.mask/1, 0 in full" in " ".join(told.split())


def test_whoever_asks_for_names_with_a_reason_has_the_words(
    bundled: Callable[..., tuple[list[dict[str, Any]], str]], rolecall: Command
) -> None:
    lines, told = bundled("--names", "--reason", "complaint 12")
    assert words(lines) == [text for text, _ in SAID.values()]
    assert {line["masked_by"] for line in lines} == {None}
    assert "in full" in told


def test_the_scan_counts_by_kind_and_says_no_word(rolecall: Command) -> None:
    counted = json.loads(rolecall("privacy", "scan", "--from", "2026-11-03", "--to", "2026-11-03", "--format", "json"))
    mine = {
        (row["table"], row["kind"]): (row["texts"], row["findings"])
        for row in counted
        if row["scenario_id"] == "feedback-1" and row["language"] == "en"
    }
    expected = {
        ("core/turns", "name"): (1, 2),
        ("core/turns", "email"): (1, 1),
        ("core/turns", "card"): (1, 1),
        ("core/turns", "bank_account"): (1, 1),
        ("core/turns", "phone"): (1, 1),
        ("core/turns", "learner_id"): (1, 1),
        ("core/criterion_scores", "name"): (1, 1),
        ("core/criterion_scores", "phone"): (1, 1),
    }
    assert {place: mine.get(place) for place in expected} == expected

    done = rolecall.run("privacy", "scan", "--by", "session", "--format", "csv", "--check")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].startswith(f"{SESSION},2026-11-03,feedback-1,en,")
    said = done.stdout + done.stderr
    assert "; personal data in " in said
    assert not any(secret in said for secret in ("Sarah", "Mueller", "corp.local", "4111", "DE89"))


def test_a_day_without_findings_passes_the_check(rolecall: Command) -> None:
    done = rolecall.run("privacy", "scan", "--from", "2020-01-01", "--to", "2020-01-02", "--check")
    assert done.returncode == 0, done.stderr
    assert "Read 0 texts of 0 sessions; personal data in 0 of them" in done.stderr
