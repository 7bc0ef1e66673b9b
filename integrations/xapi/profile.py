"""The xAPI Profile for AI role-play: concepts, statement templates and patterns, as JSON-LD.

``python -m integrations.xapi.profile`` writes ``profile/rolecall-1.jsonld``, the published form; a test keeps it
fresh. A change that a reader could notice asks for a new version beside the old one.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from integrations.xapi.profile_concepts import concepts
from integrations.xapi.profile_templates import patterns, templates
from integrations.xapi.vocabulary import PROFILE, PROFILE_CONTEXT, PROFILE_ONTOLOGY, PROFILE_VERSION

TARGET = Path(__file__).parent / "profile" / "rolecall-1.jsonld"
RELEASED = "2026-11-22T00:00:00Z"


def profile() -> dict[str, Any]:
    """The whole profile."""
    return {
        "@context": PROFILE_CONTEXT,
        "id": PROFILE,
        "type": "Profile",
        "conformsTo": PROFILE_ONTOLOGY,
        "prefLabel": {"en": "AI role-play"},
        "definition": {
            "en": "Rehearsals of difficult conversations with an AI counterpart: how a session went, each rubric"
            " criterion with its evidence, objectives reached, lines crossed, human review and mastery."
        },
        "author": {"type": "Organization", "name": "Rolecall"},
        "versions": [{"id": PROFILE_VERSION, "generatedAtTime": RELEASED}],
        "concepts": _in_scheme(concepts()),
        "templates": _in_scheme(templates()),
        "patterns": _in_scheme(patterns()),
    }


def published() -> dict[str, Any]:
    """The profile as it is published, read from its file."""
    return json.loads(TARGET.read_text("utf-8"))


def _in_scheme(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry | {"inScheme": PROFILE_VERSION} for entry in entries]


def main() -> None:
    """Write the published form."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(profile(), indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
