"""Retention: what is kept, how long and on what basis, and what is due to go?"""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import streamlit as st

from dashboards import retention_queries, shell
from dashboards.access import state_of
from dashboards.names import plain
from dashboards.wording import count, day
from governance.privacy.holds import Hold, Holds, reasons_for
from governance.privacy.restrictions import Restrictions
from governance.privacy.retention import Decision, Fate, Retention, RetentionError, decide

SHOWN = {
    "retention_class": pl.String, "basis": pl.String, "keep_days": pl.Int64, "most_days": pl.Int64,
    "sessions": pl.Int64, "held": pl.Int64, "kept_by_law": pl.Int64, "due": pl.Int64, "oldest": pl.Date,
}  # fmt: skip
COLUMNS = {
    "retention_class": st.column_config.TextColumn("Class"),
    "basis": st.column_config.TextColumn("Basis"),
    "keep_days": st.column_config.NumberColumn("At least (days)"),
    "most_days": st.column_config.NumberColumn("At most (days)"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "held": st.column_config.NumberColumn("On hold"),
    "kept_by_law": st.column_config.NumberColumn("Kept by law"),
    "due": st.column_config.NumberColumn("Due to go"),
    "oldest": st.column_config.DateColumn("Oldest"),
}

WHEN = "YYYY-MM-DD HH:mm"
HOLDS = {
    "learner_key": st.column_config.TextColumn("Learner"),
    "scenario_id": st.column_config.TextColumn("Scenario"),
    "reason": st.column_config.TextColumn("Reason"),
    "placed_by": st.column_config.TextColumn("Placed by"),
    "placed_at": st.column_config.DatetimeColumn("Placed (UTC)", format=WHEN),
    "released_by": st.column_config.TextColumn("Released by"),
    "released_at": st.column_config.DatetimeColumn("Released (UTC)", format=WHEN),
}
FROZEN = {
    "learner_key": st.column_config.TextColumn("Learner"),
    "basis": st.column_config.TextColumn("Basis"),
    "placed_by": st.column_config.TextColumn("Placed by"),
    "placed_at": st.column_config.DatetimeColumn("Placed (UTC)", format=WHEN),
    "lifted_by": st.column_config.TextColumn("Lifted by"),
    "lifted_at": st.column_config.DatetimeColumn("Lifted (UTC)", format=WHEN),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Retention", "What is kept, how long and on what basis, and what is due to go?")
    try:
        retention = Retention.load(page.settings.config)
    except RetentionError as error:
        shell.missing(plain(str(error)), "Sessions are neither kept nor removed by class until then.")
        return
    state, tenant = state_of(page.settings.database_url), page.edition.tenant
    holds, frozen = Holds(state).standing(tenant), Restrictions(state).standing(tenant)
    named = sorted({hold.learner_key for hold in holds if hold.learner_key} | frozen.keys())
    scope = shell.reader_scope()
    counted = retention_queries.sessions(page.edition, scope, named)
    if counted.is_empty():
        shell.missing("No session is kept.", "Take some in with `rolecall ingest`, then `rolecall run`.")
        return
    rows = classes(retention, counted.to_dicts(), holds, frozen, datetime.now(UTC).date())
    shell.answer(place, sentence(rows, len(holds), len(frozen), retention))
    shell.section("Classes", "From `config/retention.yaml`. A hold goes before the law, the law before a request.")
    shell.grid(pl.DataFrame(rows, schema=SHOWN), COLUMNS, "retention-classes")
    if not scope.everything:  # orders name no region
        st.markdown("Holds and frozen people are shown to readers whose scope holds all regions.")
        return
    orders(Holds(state).frame(tenant), Restrictions(state).frame(tenant))


def classes(
    retention: Retention, counted: list[dict[str, Any]], holds: list[Hold], frozen: dict[str, str], today: date
) -> list[dict[str, Any]]:
    """One row per retention class: how many sessions, and what becomes of them today (``SHOWN``)."""
    fates: dict[str, Counter[Fate]] = {name: Counter() for name in retention.classes}
    oldest: dict[str, date] = {}
    for row in counted:
        name, _ = retention.class_of(row["scenario_id"])
        fates[name][fate_of(retention, row, holds, frozen, today).fate] += row["sessions"]
        oldest[name] = min(row["day"], oldest.get(name, row["day"]))
    return [
        {
            "retention_class": name, "basis": each.basis, "keep_days": each.keep_days, "most_days": each.most_days,
            "sessions": fates[name].total(), "held": fates[name][Fate.HELD],
            "kept_by_law": fates[name][Fate.RETAINED], "due": fates[name][Fate.EXPIRED], "oldest": oldest.get(name),
        }
        for name, each in retention.classes.items()
    ]  # fmt: skip


def fate_of(
    retention: Retention, row: dict[str, Any], holds: list[Hold], frozen: dict[str, str], today: date
) -> Decision:
    """What becomes of the sessions of one count, by the rules that `rolecall privacy retain` goes by."""
    learner, scenario = row["learner_key"], row["scenario_id"]
    covering = reasons_for(holds, learner, scenario)
    return decide(retention, scenario, row["day"], covering, today, requested=False, frozen=frozen.get(learner or ""))


def sentence(rows: list[dict[str, Any]], holds: int, frozen: int, retention: Retention) -> str:
    """The page in a sentence."""
    total, held, by_law, due = (sum(row[name] for row in rows) for name in ("sessions", "held", "kept_by_law", "due"))
    oldest = min((row["oldest"] for row in rows if row["oldest"]), default=None)
    since = f", the oldest of {day(oldest)}" if oldest else ""
    return (
        f"**{count(total, 'session')}** are kept{since}: {held:,} under {count(holds, 'legal hold')}, {by_law:,} by "
        f"law, and **{due:,}** have reached the end of their class, which `rolecall privacy retain` removes. "
        f"{count(frozen, 'person is', 'people are')} frozen. Rules {plain(retention.version)}, approved by "
        f"{plain(retention.approved_by)}."
    )


def orders(holds: pl.DataFrame, restrictions: pl.DataFrame) -> None:
    """Holds and restrictions, standing and ended, newest first."""
    shell.section("Legal holds", "Placed by `rolecall privacy hold`; while one stands, nothing that it covers goes.")
    if holds.is_empty():
        st.markdown("No hold was ever placed.")
    else:
        shell.grid(holds.select(*HOLDS), HOLDS, "retention-holds")
    shell.section("Frozen people", "Placed by `rolecall privacy freeze` (GDPR Article 18).")
    if restrictions.is_empty():
        st.markdown("Nobody was ever frozen.")
    else:
        shell.grid(restrictions.select(*FROZEN), FROZEN, "retention-frozen")


if __name__ == "__main__":
    main()
