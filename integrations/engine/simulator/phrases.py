"""The grammar of the dialogues: the moves of each kind of conversation and what can be said in them."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

LANGUAGES = ("en", "de", "fr", "es", "ja")
# Characters a second of unhurried speech; Japanese says more with each character.
SPEED = {"en": 15.0, "de": 15.0, "fr": 15.5, "es": 16.0, "ja": 7.5}
DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes"),
    "ja": ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日"),
}
NAMES = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "ja": "japanese"}


@dataclass(frozen=True)
class Move:
    """One step of a conversation: the criterion it shows and the objective it can complete."""

    name: str
    criterion: str | None = None
    objective: str | None = None


SCRIPTS: dict[str, tuple[Move, ...]] = {
    "sales": (
        Move("open", None, "open_agenda"),
        Move("needs", "needs_discovery", "uncover_problem"),
        Move("impact", "needs_discovery", "quantify_impact"),
        Move("summary", "listening"),
        Move("value", "value_link"),
        Move("honest", "honest_claims"),
        Move("objection", "objection_handling", "resolve_objection"),
        Move("next", "next_step", "agree_next_step"),
    ),
    "disclosure": (
        Move("open", None, "explain_role"),
        Move("profile", "client_profile", "collect_profile"),
        Move("capacity", "client_profile"),
        Move("risk", "risk_disclosure", "disclose_risk"),
        Move("costs", "cost_disclosure", "disclose_costs"),
        Move("plain", "plain_language"),
        Move("check", "understanding_check", "confirm_understanding"),
        Move("close", "decision_and_record"),
    ),
    "feedback": (
        Move("open", "specific_observation", "name_observation"),
        Move("impact", "specific_observation", "acknowledge_impact"),
        Move("view", "explores_view", "explore_causes"),
        Move("listen", "listening"),
        Move("respect", "respect"),
        Move("defence", "defensiveness"),
        Move("agree", "agreement", "agree_follow_up"),
        Move("bye"),
    ),
    "conflict": (
        Move("open", "deescalation", "lower_heat"),
        Move("listen", "listening"),
        Move("interests", "interests", "name_interests"),
        Move("perspective", "perspective"),
        Move("own", "own_needs", "put_own_need"),
        Move("options", "settlement", "weigh_options"),
        Move("attack", "deescalation"),
        Move("settle", "settlement", "settle"),
    ),
}

Phrases = dict[str, dict[str, tuple[str, ...]]]


@cache
def phrases(language: str) -> Phrases:
    """``{section: {role: lines}}`` of one language; section is ``bridge`` or ``kind.move``."""
    text = (resources.files("integrations.engine.simulator") / "dialogues" / f"{language}.txt").read_text(
        encoding="utf-8"
    )
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[] "), {})
        elif line and not line.startswith("#"):
            role, _, words = line.partition(": ")
            section.setdefault(role, []).append(words)
    return {name: {role: tuple(lines) for role, lines in roles.items()} for name, roles in found.items()}
