"""Where a benchmark's figures go: one JSON object per benchmark, merged so that each can run alone."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
SOAK = FOLDER / "soak.json"

Figures = dict[str, object]


def record(name: str, figures: Figures, file: Path = RESULTS) -> None:
    """Replace one benchmark's entry and keep the others; the machine is named beside the figures."""
    entries = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    entries[name] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()},
        **figures,
    }
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(file)
