"""``docs/cli.md``, written from the commands themselves: ``python -m pipelines.commands.reference``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from governance.settings import PROJECT

TARGET = PROJECT / "docs" / "cli.md"
HEAD = """# The command line

Generated from the commands by `make docs`; do not edit.

`rolecall COMMAND --help` shows the same. `--debug`, before or after the command, adds the traceback to a failure.
Answers go to standard output, progress and complaints to standard error. Exit codes: 0 done, 1 failed (one line that
says what is wrong and what to do), 2 wrong usage.
"""


def render() -> str:
    """The page as Markdown."""
    from pipelines.cli import app

    root = typer.main.get_command(app)
    return "\n".join([HEAD, *_sections(root, "rolecall")])


def _sections(command: Any, name: str) -> Iterator[str]:
    if name != "rolecall":
        yield f"## `{name}`\n"
        yield _text(command.help) + "\n"
    children = getattr(command, "commands", {})
    if not children:
        yield from _usage(command, name)
    elif name == "rolecall":
        yield from _options(command)
    for child in children.values():
        yield from _sections(child, f"{name} {child.name}")


def _usage(command: Any, name: str) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = [f"{p.metavar or p.name.upper()}{'…' if p.nargs == -1 else ''}" for p in arguments]
    yield f"```sh\n{' '.join([name, *words, '[OPTIONS]'])}\n```\n"
    yield from (f"- `{word}`: {p.help}\n" for word, p in zip(words, arguments, strict=True) if p.help)
    yield from _options(command)


def _options(command: Any) -> Iterator[str]:
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    if not options:
        return
    yield "| option | what it does | default |\n|---|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        yield f"| {names} | {option.help or ''} | {_default(option)} |"
    yield ""


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.default is None or option.default in (False, [], ()):
        return ""
    return f"`{getattr(option.default, 'value', option.default)}`"


def _text(help_text: str | None) -> str:
    return "\n".join(line.strip() for line in (help_text or "").strip().splitlines())


def main(target: Path = TARGET) -> None:
    """Write the page."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render())


if __name__ == "__main__":
    main()
