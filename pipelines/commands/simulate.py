"""``rolecall simulate``: the engine simulator."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from integrations.engine.simulator import Truth

SESSIONS = 600
SEED = 7
DAYS = 42  # 600 sessions in six weeks keep most weeks, regions and competencies above the minimum cell


def simulate(
    out: Annotated[Path, typer.Option(help="Folder for the files; made where missing")],
    sessions: Annotated[int, typer.Option(min=1, help="Sessions to play")] = SESSIONS,
    seed: Annotated[int, typer.Option(help="Same seed, same files")] = SEED,
    start: Annotated[str | None, typer.Option(help="First day, YYYY-MM-DD; default: 42 days before --end")] = None,
    end: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD; default: yesterday (UTC)")] = None,
    post: Annotated[str | None, typer.Option(help="Also send everything to the gateway at this address")] = None,
) -> None:
    """Play role-play sessions in the engine's real wire formats, ugly cases included.

    Writes deliveries, client relays, launches, learners, outcomes, session bundles, a few recordings and truth.json,
    which says what the numbers must come out as.
    """
    from governance.settings import Settings
    from pipelines.console import ERR

    settings = Settings()
    first, last = period(start, end)
    with ERR.status(f"Playing {sessions:,} sessions"):
        truth = play(settings.config, out, sessions, seed, first, last)
    ERR.print(f"{truth.sessions:,} sessions from {first} to {last} are in {out}")
    if post is not None:
        deliver(out, post, settings)


def period(start: str | None, end: str | None) -> tuple[date, date]:
    """First and last day to play; raises ``typer.BadParameter`` for what is no day or no period."""
    from datetime import UTC, datetime, timedelta

    last = day_of(end, "--end") if end else datetime.now(UTC).date() - timedelta(days=1)
    first = day_of(start, "--start") if start else last - timedelta(days=DAYS - 1)
    if first > last:
        raise typer.BadParameter(f"the first day, {first}, lies after the last, {last}")
    return first, last


def day_of(text: str, option: str) -> date:
    """A day written YYYY-MM-DD; raises ``typer.BadParameter``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day: write YYYY-MM-DD", param_hint=option) from None


def play(config: Path, out: Path, sessions: int, seed: int, first: date, last: date) -> "Truth":
    """Write the simulated files into ``out``."""
    from governance.catalog import Catalog
    from integrations.engine import simulator

    return simulator.generate(Catalog.load(config), sessions=sessions, seed=seed, start=first, end=last, out=out)


def deliver(out: Path, url: str, settings: object) -> None:
    """Send the files of ``out`` to a gateway, with the tokens of this environment."""
    from integrations.engine import simulator
    from pipelines.console import ERR

    tokens = {name: token.get_secret_value() for name, token in settings.gateway_tokens.items()}  # pyright: ignore[reportAttributeAccessIssue]
    with ERR.status(f"Sending to {url}"):
        sent = simulator.post(out, url, tokens)
    ERR.print(f"{url}: {sent}", markup=False)
