"""The two consoles: answers go to standard output, progress and complaints to standard error."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

OUT = Console(highlight=False, soft_wrap=True, emoji=False)  # a path may hold `:100:`
ERR = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; numbers stand right, NULL shows as a dash."""
    listed = [tuple(row) for row in rows]
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for position, name in enumerate(columns):
        numeric = bool(listed) and all(isinstance(row[position], int | float | None) for row in listed)
        shown.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        shown.add_row(*("–" if cell is None else f"{cell:,}" if type(cell) is int else str(cell) for cell in row))
    return shown
