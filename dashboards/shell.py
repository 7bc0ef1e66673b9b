"""The frame of every page: opening question and answer, charts with their table, filters, and honest emptiness."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl
import polars.selectors as cs
import streamlit as st

from dashboards import queries
from dashboards.access import Action, Reader, authorize
from dashboards.names import Names
from dashboards.queries import ALL, Cell
from dashboards.reader import Edition
from dashboards.theme import CONFIG, LETTERING, for_dark
from dashboards.wording import day
from governance.project import DashboardSettings
from governance.settings import Settings

SHORT = 11  # rows up to which a table shows all of itself
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


def require(action: Action) -> None:
    """Stop the page where the reader may not do this."""
    page = current_page()
    if not authorize(page.reader, action, page.edition.tenant):
        st.error("You may not open this page. Ask an administrator for a role that includes it.")
        st.stop()


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
    st.download_button(
        "Download CSV",
        data=csv(shown),
        file_name=f"rolecall-{name}.csv",
        mime="text/csv",
        on_click="ignore",
        key=f"csv-{name}",
    )


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


def cell_filters(page: Page) -> tuple[str, str]:
    """Region and scenario, kept in the address so that a view can be sent to a colleague."""
    options = queries.choices(page.edition)
    region = st.selectbox(
        "Region", [ALL, *options["region"]], key="region", format_func=page.names.region, bind="query-params"
    )
    scenario = st.selectbox(
        "Scenario", [ALL, *options["scenario"]], key="scenario", format_func=page.names.scenario, bind="query-params"
    )
    return region or ALL, scenario or ALL


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
