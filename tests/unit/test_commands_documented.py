"""Every command and option stands in docs/cli.md, and the page is as the commands are."""

from typing import Any

import pytest
import typer.main

from pipelines.cli import app
from pipelines.commands.reference import TARGET, render


def commands() -> list[tuple[str, Any]]:
    def below(name: str, command: Any) -> list[tuple[str, Any]]:
        children = getattr(command, "commands", {})
        return [
            (name, command),
            *(pair for child in children.values() for pair in below(f"{name} {child.name}", child)),
        ]

    return below("rolecall", typer.main.get_command(app))


def test_the_page_is_fresh() -> None:
    assert TARGET.read_text("utf-8") == render(), "run `make docs`"


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_and_option_is_explained(name: str, command: Any) -> None:
    page = TARGET.read_text("utf-8")
    assert command.help
    for parameter in command.params:
        if parameter.name == "help":
            continue
        assert parameter.help, f"{name}: {parameter.name} has no help"
        for spelled in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{spelled}`" in page
