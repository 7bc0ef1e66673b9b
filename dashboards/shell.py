"""The frame of every page: opening question and answer, charts with their table, filters, and honest emptiness."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NoReturn

import plotly.graph_objects as go
import polars as pl
import polars.selectors as cs
import streamlit as st

from dashboards import mart_queries, queries, registry
from dashboards.access import Action, Reader, allowed, state_of
from dashboards.components.save import save
from dashboards.looks import note
from dashboards.names import Names
from dashboards.queries import ALL, Cell
from dashboards.reader import Edition
from dashboards.theme import LETTERING, PAPER, config, for_dark
from dashboards.wording import count, day, listing
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


def case_thing(case: Mapping[str, Any], found: Mapping[str, Any] | None) -> Thing:
    """A case's session; of no region while the session is not published, which only unbounded readers may handle."""
    if found is not None:
        return session_thing(found)
    return Thing.session(case["tenant"], case["session_id"], case["learner_key"], None)


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


def names_decision(thing: Thing) -> Decision:
    """Whether the reader may know who is meant in a session, with the reason that they have given for it so far."""
    return authorize(current_page().reader, "see_names", thing, reason=st.session_state.get(_reason_key(thing)))


def _reason_key(thing: Thing) -> str:
    return f"reason-{thing.learner_key or thing.session_id}"


def named(thing: Thing) -> str | None:
    """The learner's name, for a reader who may know it: after a reason where the rules ask for one, and logged."""
    page, key, asked = current_page(), _reason_key(thing), names_decision(thing)
    if asked.why == "reason_missing":
        with st.popover("Show names"), st.form(f"why-{key}", border=False):
            why = st.text_input("Reason", help="It is kept in the access log, which the learner can read")
            if st.form_submit_button("Show names") and why.strip():
                st.session_state[key] = why
                st.rerun()
        return None
    if not asked.allowed:
        return None
    asked_for = st.session_state.get(key)
    look("see_names", thing, asked, reason=asked_for)
    if thing.learner_key is None:
        return None
    found = Identities(state_of(page.settings.database_url), secret_key(page.settings)).person(
        thing.tenant, thing.learner_key
    )
    if found is None and asked_for:  # whoever gave a reason waits for an answer
        st.markdown("The directory does not hold this learner, so there is no name to show.")
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


def link(view: str, label: str, icon: str | None = None, query: Mapping[str, str] | None = None) -> None:
    """A link to another page; left out where the reader may not open it, since Streamlit then knows no such page."""
    page = current_page()
    action: Action = next(entry.action for entry in registry.PAGES if entry.view == view)
    if allowed(page.reader, action, page.edition.tenant):
        st.page_link(f"views/{view}.py", label=label, icon=icon, query_params=query)


def missing(what: str, remedy: str) -> None:
    """An empty state: what is not there, and how to mend it."""
    st.info(f"**{what}** {remedy}")


def nothing(place: Any, page: Page, frame: pl.DataFrame, what: str) -> None:
    """The page where no row can be shown: because there is none, or because all are withheld."""
    answer(place, "There is nothing to show for this selection.")
    if frame.is_empty():
        missing(f"No {what} matches.", "Choose all regions, all scenarios or other dates.")
        return
    missing(
        f"Every figure is withheld: fewer than {page.settings.minimum_cell} learners stand behind it.",
        "Choose all regions, all scenarios or longer dates.",
    )


def chart(figure: go.Figure, alt: str, key: str, *, choose: bool = False) -> list[Any]:
    """A figure as wide as its place, with its alternative text and a button that saves it as a PNG in the browser.

    Lettering and background follow the page, so that the saved picture can be read as well. With ``choose`` a click on
    a point reruns the page and returns the point's ``customdata``.
    """
    mode = "dark" if st.context.theme.type == "dark" else "light"
    colour = LETTERING[mode]
    figure = for_dark(figure) if mode == "dark" else figure
    figure.update_layout(font={"color": colour, "size": 13}, legend_font_color=colour, paper_bgcolor=PAPER[mode])
    figure.update_layout(modebar={"color": colour, "activecolor": colour, "bgcolor": "rgba(0,0,0,0)"})
    figure.update_xaxes(tickfont_color=colour, title_font_color=colour)
    figure.update_yaxes(tickfont_color=colour, title_font_color=colour)
    figure.update_annotations(font_color=colour)
    behaviour = config(f"rolecall-{key}")
    if not choose:
        st.plotly_chart(figure, width="stretch", config=behaviour, alt=alt, key=key)
        return []
    chosen: Any = st.plotly_chart(
        figure, width="stretch", config=behaviour, alt=alt, key=key, on_select="rerun", selection_mode="points"
    )
    return [point["customdata"] for point in chosen.selection.points if "customdata" in point]


def table(frame: pl.DataFrame, columns: Mapping[str, Any], name: str, *, label: str = "Table and CSV") -> None:
    """The figures behind a chart as a table to open, and as a file. ``columns`` gives order, headings and formats.

    A closed table is neither sent nor drawn: it would cost the page as much time as its chart.
    """
    with st.expander(label, key=f"table-{name}", on_change="rerun") as place:
        if place.open:
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
        save("Download CSV", csv(shown), f"rolecall-{name}.csv", key=f"csv-{name}", on_saved=lambda: _exported(name))


def _exported(name: str) -> None:
    """Note in the access log that the rows of a table were taken away as a file."""
    page = current_page()
    thing = Thing.page(page.edition.tenant)
    look("export_rows", thing, authorize(page.reader, "export_rows", thing), what=name)


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


def choice(label: str, options: Sequence[str], key: str, shown: Callable[[str], str] = str) -> str:
    """One of ``options``, kept in the address; an unknown one in the address falls back to the first."""
    return st.selectbox(label, list(options), key=key, format_func=shown, bind="query-params") or options[0]


def region_filter(page: Page, *, listing: bool = False) -> str:
    """A region or all. Aggregates are offered for the reader's regions alone; a list has a scope of its own."""
    known = queries.choices(page.edition)["region"]
    offered = [ALL, *known] if listing else regions(page, known)
    if not offered:
        st.error("None of the regions shown here is in your scope. Ask an administrator to extend it.")
        st.stop()
    return choice("Region", offered, "region", page.names.region)


def cell_filters(page: Page, *, listing: bool = False) -> tuple[str, str]:
    """Region and scenario, kept in the address so that a view can be sent to a colleague."""
    region = region_filter(page, listing=listing)
    scenarios = [ALL, *queries.choices(page.edition)["scenario"]]
    return region, choice("Scenario", scenarios, "scenario", page.names.scenario)


def weekly_cell(page: Page) -> Cell:
    """Region, scenario and weeks in one row of filters; stops where nothing is published."""
    known = queries.weeks(page.edition)
    if known is None:
        no_practice()
    with st.grid(4, min_column_width=170, gap="small"):
        region, scenario = cell_filters(page)
        first, last = week_filters(*known, page.defaults.weeks)
    return Cell(region, scenario, first, last)


def no_practice() -> NoReturn:
    """The page of a customer without any practice."""
    missing(
        "The published marts hold no practice.",
        "Ingest sessions with `rolecall ingest` or connect the engine to the gateway, then run `rolecall run`.",
    )
    st.stop()


def needs(page: Page, *names: str) -> None:
    """Stop the page where the edition was published before one of these marts existed, or nobody has practised."""
    if queries.weeks(page.edition) is None:
        no_practice()
    lacking = sorted(set(names) - mart_queries.tables(page.edition))
    if lacking:
        missing(
            f"The published version does not hold {listing(lacking)}.",
            "It was made by an older version of Rolecall; `rolecall run --full` publishes it anew.",
        )
        st.stop()


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


def withheld_rows(frame: pl.DataFrame, page: Page, what: str) -> None:
    """Say how many rows of a mart are withheld."""
    hidden = int(frame["suppressed"].sum() or 0)
    if hidden:
        st.markdown(
            f"{hidden} of {count(frame.height)} {what} are withheld: fewer than {page.settings.minimum_cell} people "
            "stand behind them, or they would reveal a group that small."
        )
