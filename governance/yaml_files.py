"""Configuration in YAML: read strictly, check against a model, and say in one line what is wrong and where."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.CSafeLoader):  # libyaml reads it ten times as fast
    """YAML that refuses a repeated key: the plain loader keeps the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} occurs twice (line {line})")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load(path: Path, model: type[Model], refuse: type[Exception], *, absent: str) -> Model:
    """The one object that a file holds; an empty file is an object without keys.

    ``absent`` ends the line about a file that cannot be read and says how to mend it; ``refuse`` is what is raised.
    """
    return check({} if (content := read(path, refuse, absent=absent)) is None else content, model, refuse, str(path))


def read(path: Path, refuse: type[Exception], *, absent: str) -> Any:
    """What a file holds, unchecked; None for an empty file."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # nosec B506  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise refuse(f"{path}: {error.strerror}; {absent}") from error
    except UnicodeDecodeError as error:
        raise refuse(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise refuse(f"{path}: not YAML: {' '.join(str(error).split())}") from error


def check(content: object, model: type[Model], refuse: type[Exception], where: str) -> Model:
    """The content as a model; every mistake is a line of its own: where, key, what is wrong."""
    if not isinstance(content, dict):
        raise refuse(f"{where}: expected keys and values, found {type(content).__name__}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise refuse("\n".join(_line(where, mistake) for mistake in error.errors())) from error


def _line(where: str, mistake: Any) -> str:
    key = ".".join(str(part) for part in mistake["loc"]) or "(whole entry)"
    text = mistake["msg"].removeprefix("Value error, ")
    if mistake["type"] == "extra_forbidden":
        text = "no such key; check the spelling"
    return f"{where}: {key}: {text}"
