"""``rolecall doctor``: is everything in order, and if not, what to do."""

import typer


def doctor() -> None:
    """Look at configuration, connections, versions, disk and clock; each finding comes with its remedy."""
    from rich.markup import escape

    from pipelines.console import MARKS, OUT
    from pipelines.doctor import examine

    failed = 0
    for finding in examine():
        OUT.print(
            MARKS[finding.level], " " * (5 - len(finding.level)), f"{finding.subject}: ", escape(finding.detail), sep=""
        )
        if finding.remedy:
            OUT.print(f"     → {finding.remedy}", markup=False)
        failed += finding.level == "fail"
    if failed:
        raise typer.Exit(1)
