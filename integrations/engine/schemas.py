"""The published JSON Schemas, made from the models that read the same data.

``docs/schemas/<name>.json`` holds each; a test keeps file and model in step.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from governance.identities import DirectoryEntry
from governance.launches import Launch
from integrations.engine.bundle import MOMENT, Moment, SessionBundle

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS = ("deal_won", "deal_lost", "csat", "ramp_days", "lms_grade", "lms_completion", "certification", "retention")


class Outcome(BaseModel):
    """One business outcome of one learner, from a CRM, an LMS or a file."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tenant: str | None = None
    learner_id: Annotated[str, Field(min_length=1)]
    kind: Annotated[str, Field(pattern=rf"^({'|'.join(KINDS)}|x-.+)$")]
    value: Annotated[float | str | None, Field(description="A number, also as text; null is not 0")] = None
    unit: Annotated[str | None, Field(description="ISO 4217 code of money, or the unit of measure")] = None
    occurred_at: Moment
    reference: Annotated[str | None, Field(description="The source's own record id")] = None
    exposure_from: Annotated[Moment | None, Field(description="From when practice counts as exposure")] = None
    attributes: Annotated[dict[str, Any] | str | None, Field(description="Further fields; JSON text in CSV")] = None


SCHEMAS: dict[str, tuple[type[BaseModel], str]] = {
    "session-bundle-1": (SessionBundle, "One role-play session; JSON lines or Parquet, one session a line"),
    "outcomes-1": (Outcome, "One outcome; CSV, JSON lines or Parquet, one a line"),
    "learners-1": (DirectoryEntry, "One entry of the learner directory; CSV, JSON lines or Parquet"),
    "launches-1": (Launch, "One entry of the launch registry; CSV, JSON lines or Parquet, or POST /v1/launches"),
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one published format."""
    model, title = SCHEMAS[name]
    made = model.model_json_schema()
    tenant = made["properties"].get("tenant")
    if tenant is not None and "tenant" in made.get("required", ()):
        made["required"] = [field for field in made["required"] if field != "tenant"]  # --tenant may fill it
    made.pop("additionalProperties", None)  # further columns are left out, not refused
    return {"$schema": DIALECT, "$id": f"urn:rolecall:schema:{name}", **_timed(made), "title": title}


def text(name: str) -> str:
    """The schema as it stands in its file."""
    return orjson.dumps(schema(name), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _timed(node: Any) -> Any:
    """``format`` alone binds nobody, so that every time also gets the pattern that asks for its offset."""
    if isinstance(node, dict):
        out = {name: _timed(item) for name, item in node.items()}
        if out.get("format") == "date-time":
            out.setdefault("pattern", MOMENT)
        return out
    return [_timed(item) for item in node] if isinstance(node, list) else node


def write(folder: Path) -> list[Path]:
    """Write every schema into ``folder``; gives the files."""
    files = []
    for name in SCHEMAS:
        file = folder / f"{name}.json"
        file.write_text(text(name), encoding="utf-8")
        files.append(file)
    return files


if __name__ == "__main__":
    write(Path(sys.argv[1]))
