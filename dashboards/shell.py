"""The frame of every page: opening question and answer, charts with their table, filters, and honest emptiness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl
import polars.selectors as cs
import streamlit as st

from dashboards import queries
from dashboards.access import Action, Reader, state_of
from dashboards.looks import note
from dashboards.names import Names
from dashboards.queries import ALL, Cell
from dashboards.reader import Edition
from dashboards.theme import CONFIG, LETTERING, for_dark
from dashboards.wording import day
from governance.access import Decision, Scope, Thing, authorize, scope
from governance.identities import Identities
from governance.project import DashboardSettings
from governance.secrets import secret_key
from governance.settings import Settings

SHORT = 11  # rows up to which a table shows all of itself
SEEN = "_looks"  # what this page session has looked at and the access log holds already
PAGE = "_page"  # where app.py leaves the context of this run for the view


@dataclass(frozen=True)
class Page:
    """What a view needs to know: whose data, who reads, how things are called."""

    settings: Settings
    defaults: DashboardSettings
    reader: Reader
    edition: Edition
    names: Names


def current_page() -> Page:
    """The context that the entry script prepared, after it checked the page's action in the registry."""
    page: Page = st.session_state[PAGE]
    return page


def require(action: Action, thing: Thing | None = None) -> None:
    """Stop the page where the reader may not do this, with this session or learner or on the page as such."""
    if not may(action, thing):
        st.error("You may not open this. Ask an administrator for a role whose scope includes it.")
        st.stop()


def may(action: Action, thing: Thing | None = None, *, reason: str | None = None, log: bool = True) -> bool:
    """Whether the reader may do this. The look, or the refusal, is in the access log before anything is shown."""
    page = current_page()
    about = thing or Thing.page(page.edition.tenant)
    decision = authorize(page.reader, action, about, reason=reason)
    if log and decision.why != "reason_missing":
        look(action, about, decision, reason=reason)
    return decision.allowed


def look(
    action: Action, thing: Thing, decision: Decision, *, reason: str | None = None, what: str | None = None
) -> None:
    """Write a decision into the access log, once for this page session."""
    page = current_page()
    note(page.settings, st.session_state.setdefault(SEEN, set()), page.reader, action, thing, decision,
         reason=reason, what=what)  # fmt: skip


def session_thing(row: Mapping[str, Any]) -> Thing:
    """A row of ``sessions`` as what ``authorize`` decides about."""
    return Thing.session(row["tenant"], row["session_id"], row["learner_key"], row["region"])


def reader_scope(action: Action = "list_sessions") -> Scope:
    """Which rows of a list this reader may see; an argument of every cached query that lists people or sessions."""
    page = current_page()
    return scope(page.reader, action, page.edition.tenant)


def regions(page: Page, known: Sequence[str]) -> list[str]:
    """The regions that the reader may see aggregates of; all of them together first, where nothing bounds them."""
    tenant = page.edition.tenant
    return [
        each for each in (ALL, *known)
        if authorize(page.reader, "view_aggregates", Thing.cell(tenant, each)).allowed
    ]  # fmt: skip


def named(thing: Thing) -> str | None:
    """The learner's name, for a reader who may know it: after a reason where the rules ask for one, and logged."""
    page = current_page()
    key = f"reason-{thing.learner_key}"
    given = st.session_state.get(key)
    asked = authorize(page.reader, "see_names", thing, reason=given)
    if thing.learner_key is None or (not asked.allowed and asked.why != "reason_missing"):
        return None
    if asked.why == "reason_missing":
        with st.popover("Show the name"), st.form(f"why-{thing.learner_key}", border=False):
            why = st.text_input("Reason", help="It is kept in the access log, which the learner can read")
            if st.form_submit_button("Show the name") and why.strip():
                st.session_state[key] = why
                st.rerun()
        return None
    look("see_names", thing, asked, reason=given)
    found = Identities(state_of(page.settings.database_url), secret_key(page.settings)).person(
        thing.tenant, thing.learner_key
    )
    return None if found is None else found.name or found.learner_id


def opening(title: str, question: str) -> Any:
    """Title and question; returns the place where the answer goes, once the page has worked it out."""
    st.title(title, anchor=False)
    st.markdown(f"**{question}**")
    return st.empty()


def answer(place: Any, text: str) -> None:
    """The answer in a sentence, set apart so that it is read first."""
    with place.container(border=True):
        st.markdown(text)


def section(title: str, explanation: str | None = None) -> None:
    """A section's heading and, where needed, one sentence on how to read it."""
    st.header(title, anchor=False)
    if explanation:
        st.markdown(explanation)


def missing(what: str, remedy: str) -> None:
    """An empty state: what is not there, and how to mend it."""
    st.info(f"**{what}** {remedy}")


def chart(figure: go.Figure, alt: str, key: str) -> None:
    """A figure as wide as its place, with its alternative text, its lettering as dark or light as the page's."""
    dark = st.context.theme.type == "dark"
    colour = LETTERING["dark" if dark else "light"]
    figure = for_dark(figure) if dark else figure
    figure.update_layout(font={"color": colour, "size": 13}, legend_font_color=colour)
    figure.update_xaxes(tickfont_color=colour, title_font_color=colour)
    figure.update_yaxes(tickfont_color=colour, title_font_color=colour)
    figure.update_annotations(font_color=colour)
    st.plotly_chart(figure, width="stretch", config=CONFIG, alt=alt, key=key)


def table(frame: pl.DataFrame, columns: Mapping[str, Any], name: str, *, label: str = "Table and CSV") -> None:
    """The figures behind a chart as a table to open, and as a file. ``columns`` gives order, headings and formats."""
    with st.expander(label, key=f"table-{name}"):
        grid(frame, columns, name)


def grid(frame: pl.DataFrame, columns: Mapping[str, Any], name: str, *, wrapped: bool = False) -> None:
    """A table with its CSV button; the file holds the same columns and rows as the table.

    ``wrapped`` draws a plain table whose sentences break over lines, for few rows with long texts.
    """
    shown = frame.select(list(columns))
    alt = f"Table: {name.replace('-', ' ')}"
    if wrapped:
        times = cs.datetime().dt.strftime("%Y-%m-%d %H:%M")
        st.table(
            shown.with_columns(times).rename({k: v["label"] for k, v in columns.items()}), alt=alt, hide_index=True
        )
    else:
        st.dataframe(
            shown,
            column_config=dict(columns),
            hide_index=True,
            width="stretch",
            height="content" if shown.height <= SHORT else 420,
            placeholder="–",
            alt=alt,
            key=f"grid-{name}",
        )
    if may("export_rows", log=False):
        st.download_button(
            "Download CSV",
            data=csv(shown),
            file_name=f"rolecall-{name}.csv",
            mime="text/csv",
            on_click=_exported,
            args=(name, shown.height),
            key=f"csv-{name}",
        )


def _exported(name: str, rows: int) -> None:
    """Log a download: the button's only effect on the page."""
    tenant = current_page().edition.tenant
    look("export_rows", Thing.page(tenant), Decision(True, "ok"), what=f"{name}: {rows} rows")


def csv(frame: pl.DataFrame) -> str:
    """A frame as CSV; lists become text, and text that a spreadsheet would run as a formula is quoted."""
    nested = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    flat = frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join("; ") for name in nested)
    texts = [name for name, kind in flat.schema.items() if kind == pl.String]
    guarded = [
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]")).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in texts
    ]
    return flat.with_columns(guarded).write_csv()


def cell_filters(page: Page, *, listing: bool = False) -> tuple[str, str]:
    """Region and scenario, kept in the address so that a view can be sent to a colleague.

    Aggregates are offered for the reader's regions alone; a list (``listing``) is narrowed by its own scope.
    """
    options = queries.choices(page.edition)
    offered = [ALL, *options["region"]] if listing else regions(page, options["region"])
    region = st.selectbox(
        "Region",
        offered,
        key="region",
        format_func=page.names.region,
        bind="query-params",
    )
    scenario = st.selectbox(
        "Scenario", [ALL, *options["scenario"]], key="scenario", format_func=page.names.scenario, bind="query-params"
    )
    if region is None:
        st.error("None of the regions shown here is in your scope. Ask an administrator to extend it.")
        st.stop()
    return region, scenario or ALL


def week_filters(first: date, last: date, opened: int | None = None) -> tuple[date, date]:
    """First and last week, both Mondays; the wrong way round means the same weeks.

    A page opens on the last ``opened`` weeks, or on all.

    Lists and not Streamlit's date field: its parts are smaller than WCAG 2.2 allows a target to be.
    """
    weeks = [first + timedelta(weeks=step) for step in range((last - first).days // 7 + 1)]
    at = max(len(weeks) - opened, 0) if opened else 0
    start = st.selectbox("From the week of", weeks, at, key="from", format_func=day, bind="query-params")
    end = st.selectbox("To the week of", weeks[::-1], key="to", format_func=day, bind="query-params")
    start, end = start or first, end or last
    return min(start, end), max(start, end)


def withheld_note(frame: pl.DataFrame, cell: Cell, minimum: int) -> None:
    """Say how many weekly figures are withheld and what would show more."""
    hidden = int(frame["suppressed"].sum())
    if not hidden:
        return
    wider = "" if cell.region == ALL and cell.scenario == ALL else " Choose all regions or all scenarios to see more."
    st.markdown(
        f"{hidden} of {frame.height} weekly figures are withheld, marked by a grey dash: fewer than {minimum} people "
        f"stand behind them, or they would reveal a group that small.{wider}"
    )
