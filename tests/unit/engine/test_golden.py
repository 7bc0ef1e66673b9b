"""Golden pairs: deliveries of one session → its bundle row; each file is named by its edge case.

After a change that is meant, ``ROLECALL_GOLDEN=write pytest tests/unit/engine/test_golden.py`` writes the
expected rows anew; read the difference before committing it.
"""

import json
import os
from pathlib import Path

import pytest
from support.wire import RUBRICS, rows

from integrations.engine.assemble import assemble

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "engine"
CASES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_session(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    session = json.loads(
        json.dumps(assemble(rows(case["deliveries"], case.get("jurisdiction", "DE")), RUBRICS), default=str)
    )
    if os.environ.get("ROLECALL_GOLDEN") == "write":
        case["expected"] = {name: value for name, value in session.items() if value is not None}
        path.write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert {name: value for name, value in session.items() if value is not None} == case["expected"]


def test_there_are_cases() -> None:
    assert len(CASES) >= 30
