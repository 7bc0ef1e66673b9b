"""Turn CaSiNo negotiations into session bundles and an outcomes file.

Both participants of a dialogue are learners, so a dialogue makes two sessions that see each other as the
counterpart. The acts of the deal (`Submit-Deal` and its kin) are tool signals, not speech. Counts of the
expert strategy labels are criterion scores; points, satisfaction and likeness are outcomes. The source
has no clock: a session starts at a made-up hour that follows from its dialogue id, its turns have no
timing, and an outcome is dated one hour after the start.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

TENANT = "casino"
ACTS = {
    "Submit-Deal": "submit_deal",
    "Accept-Deal": "accept_deal",
    "Reject-Deal": "reject_deal",
    "Walk-Away": "walk_away",
}
STRATEGIES = (
    "elicit-pref",
    "no-need",
    "non-strategic",
    "other-need",
    "promote-coordination",
    "self-need",
    "showing-empathy",
    "small-talk",
    "uv-part",
    "vouch-fair",
)
SATISFACTION = (
    "Extremely dissatisfied",
    "Slightly dissatisfied",
    "Undecided",
    "Slightly satisfied",
    "Extremely satisfied",
)
LIKENESS = ("Extremely dislike", "Slightly dislike", "Undecided", "Slightly like", "Extremely like")
EPOCH = datetime(2026, 8, 3, tzinfo=UTC)
OUTCOME_FIELDS = (
    "tenant",
    "learner_id",
    "kind",
    "value",
    "unit",
    "occurred_at",
    "reference",
    "exposure_from",
    "attributes",
)

Dialogue = dict


def read(path: Path) -> list[Dialogue]:
    """All dialogues of the file."""
    return json.loads(path.read_text(encoding="utf-8"))


def started_at(dialogue: Dialogue) -> datetime:
    """A made-up start, unique to the dialogue: two hours apart, over some twelve weeks."""
    return EPOCH + timedelta(hours=2 * dialogue["dialogue_id"])


def learner_id(dialogue: Dialogue, agent: str) -> str:
    """Participants are strangers to each other's dialogues, so each is a learner of their own."""
    return f"{dialogue['dialogue_id']}-{agent.rsplit('_', 1)[1]}"


def spoken(dialogue: Dialogue) -> list[dict]:
    """The log entries that are speech, in order."""
    return [entry for entry in dialogue["chat_logs"] if entry["text"] not in ACTS]


def strategy_counts(dialogue: Dialogue, agent: str) -> Counter[str]:
    """How often the experts saw each strategy in the agent's utterances; labels follow the spoken order."""
    counts: Counter[str] = Counter()
    for entry, (_, labels) in zip(spoken(dialogue), dialogue["annotations"], strict=False):
        if entry["id"] == agent:
            counts.update(labels.split(","))
    return counts


def bundle(dialogue: Dialogue, agent: str) -> dict:
    """The dialogue as one session of the agent."""
    start = started_at(dialogue)
    session = {
        "format": "rolecall.session/1",
        "engine": "casino",
        "engine_session_id": learner_id(dialogue, agent),
        "launch": {
            "tenant": TENANT,
            "learner_id": learner_id(dialogue, agent),
            "scenario_id": "camping-negotiation",
            "scenario_version": "1",
            "language": "en",
        },
        "started_at": start.isoformat(),
        "ended_at": (start + timedelta(hours=1)).isoformat(),
        "end_reason": "completed",
        "turns": [
            {"speaker": "learner" if entry["id"] == agent else "counterpart", "text": entry["text"]}
            for entry in spoken(dialogue)
        ],
        "signals": [
            {"kind": "tool", "name": ACTS[entry["text"]], "state": "called", "payload": entry["task_data"]}
            for entry in dialogue["chat_logs"]
            if entry["text"] in ACTS and entry["id"] == agent
        ],
    }
    if dialogue["annotations"]:
        counts = strategy_counts(dialogue, agent)
        session["assessments"] = [
            {
                "rubric_id": "casino-strategies",
                "rubric_version": "1",
                "scorer": {"kind": "human", "id": "casino-experts", "version": "1"},
                "scored_at": (start + timedelta(days=1)).isoformat(),
                "criteria": [{"criterion_id": name, "score": counts[name]} for name in STRATEGIES],
            }
        ]
    return session


def outcomes(dialogue: Dialogue, agent: str) -> Iterator[dict]:
    """Points as they are; the two verbal scales as 1 to 5."""
    learner = learner_id(dialogue, agent)
    found = dialogue["participant_info"][agent]["outcomes"]
    values = {
        "x-points": (found["points_scored"], "points"),
        "x-satisfaction": (SATISFACTION.index(found["satisfaction"]) + 1, "level"),
        "x-likeness": (LIKENESS.index(found["opponent_likeness"]) + 1, "level"),
    }
    for kind, (value, unit) in values.items():
        yield {
            "tenant": TENANT,
            "learner_id": learner,
            "kind": kind,
            "value": value,
            "unit": unit,
            "occurred_at": (started_at(dialogue) + timedelta(hours=1)).isoformat(),
            "reference": f"{learner}/{kind}",
            "exposure_from": "",
            "attributes": "",
        }


def convert(source: Path, out: Path) -> tuple[Path, Path]:
    """Write ``bundles.jsonl`` and ``outcomes.csv`` below ``out`` and give their paths."""
    out.mkdir(parents=True, exist_ok=True)
    dialogues = read(source)
    bundles, results = out / "bundles.jsonl", out / "outcomes.csv"
    with bundles.open("w", encoding="utf-8") as lines, results.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, OUTCOME_FIELDS)
        writer.writeheader()
        for dialogue in dialogues:
            for agent in sorted(dialogue["participant_info"]):
                lines.write(json.dumps(bundle(dialogue, agent), ensure_ascii=False) + "\n")
                writer.writerows(outcomes(dialogue, agent))
    return bundles, results
