"""The published schemas: in step with the code, and the examples beside them are valid."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from integrations.engine import bundle
from integrations.engine.registries import read_launches, read_learners
from integrations.engine.schemas import SCHEMAS, schema, text

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "schemas"
EXAMPLES = {name: FOLDER / "examples" / f"{name}.jsonl" for name in SCHEMAS}


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_file_and_model_agree(name: str) -> None:
    """Write it anew with: python -m integrations.engine.schemas docs/schemas."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text(name)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_examples_are_valid(name: str) -> None:
    validator = jsonschema.Draft202012Validator(schema(name))
    validator.check_schema(schema(name))
    examples = lines(EXAMPLES[name])
    assert examples
    for example in examples:
        validator.validate(example)


def test_examples_are_read_by_the_code() -> None:
    for line in lines(EXAMPLES["session-bundle-1"]):
        bundle.read(line)
    for reading in (read_launches(EXAMPLES["launches-1"]), read_learners(EXAMPLES["learners-1"])):
        assert reading.records
        assert not reading.rejects
        assert not reading.ignored


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("session-bundle-1", {"started_at": "2026-11-02T09:00:04"}),
        ("session-bundle-1", {"format": "other"}),
        ("session-bundle-1", {"turns": [{"speaker": "user", "text": "x"}]}),
        ("session-bundle-1", {"turns": None}),
        ("outcomes-1", {"kind": "lunch"}),
        ("outcomes-1", {"occurred_at": "2026-11-02"}),
        ("outcomes-1", {"learner_id": None}),
        ("launches-1", {"attempt": 0}),
        ("launches-1", {"launched_at": "2026-11-02T09:00:04"}),
        ("learners-1", {"hire_date": 7}),
    ],
)
def test_schemas_refuse_what_the_code_refuses(name: str, changes: dict[str, Any]) -> None:
    example = lines(EXAMPLES[name])[0] | changes
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema(name)).validate(example)
