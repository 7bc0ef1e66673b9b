"""The entry script: finds out who reads, which customer is shown, and runs the chosen page."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboards import shell
from dashboards.access import REFUSAL, Action, Reader, authorize, reader_of, tenants_for
from dashboards.names import humanise, load_names, plain
from dashboards.reader import current_edition, published_tenants
from dashboards.registry import PAGES, Entry, menus
from dashboards.theme import logo
from governance.project import Project, ProjectError
from governance.settings import Settings

VIEWS = Path(__file__).resolve().parent / "views"
LOOPBACK = "127.0.0.1"


def reader() -> Reader | None:
    """The reader of this run. Streamlit gives no address for a loopback peer; the guard has seen the real one."""
    return reader_of(st.context.ip_address or LOOPBACK, dict(st.context.headers))


def navigation(who: Reader, tenants: list[str]) -> tuple[Entry, StreamlitPage]:
    """The bar of menus, with the pages that this reader may open, and the one that is open now.

    Before anything is published there is no tenant to ask about: every page then says how to publish.
    """

    def allowed(action: Action) -> bool:
        return not tenants or any(authorize(who, action, tenant) for tenant in tenants)

    pages = {
        section: [
            st.Page(VIEWS / f"{entry.view}.py", title=entry.title, url_path=entry.path or None, default=not entry.path)
            for entry in entries
        ]
        for section, entries in menus(allowed).items()
    }
    chosen = st.navigation(pages, position="top")
    return next(entry for entry in PAGES if entry.path == chosen.url_path), chosen


def choose_tenant(tenants: list[str]) -> str:
    """The tenant shown: the only one, or the reader's choice, which stays in the address."""
    if len(tenants) == 1:
        return tenants[0]
    chosen = st.selectbox("Customer", tenants, key="tenant", bind="query-params", width=260)
    return chosen if chosen in tenants else tenants[0]


def project_of(settings: Settings) -> tuple[Project, str | None]:
    """Names, colours and defaults that the customer edits; where the file is broken, the defaults and what is wrong."""
    try:
        return Project.load(settings.config), None
    except ProjectError as error:
        return Project(), str(error)


def brand(project: Project, tenant: str) -> None:
    """The customer's name and colour in the bar of pages."""
    known = project.tenants.get(tenant)
    name = known.display_name if known else humanise(tenant)
    st.logo(logo(name, known.accent if known else None, st.context.theme.type == "dark"), size="large")


def main() -> None:
    """Draw one run of the application."""
    settings = Settings()
    project, problem = project_of(settings)
    st.set_page_config(page_title=project.dashboard.title, layout="wide", initial_sidebar_state="collapsed")
    who = reader()
    if who is None:
        st.title(project.dashboard.title)
        st.error(REFUSAL)
        return
    tenants = tenants_for(who, published_tenants(settings.marts))
    entry, chosen = navigation(who, tenants)
    edition = current_edition(settings.marts, choose_tenant(tenants)) if tenants else None
    if edition is None:
        st.title(project.dashboard.title)
        shell.missing("No published marts yet.", f"Run `rolecall run`; it publishes to `{settings.marts}`.")
        return
    names = load_names(settings.config)
    brand(project, edition.tenant)
    st.session_state[shell.PAGE] = shell.Page(settings, project.dashboard, who, edition, names)
    shell.require(entry.action)
    if problem:
        st.warning(f"Names and colours of customers cannot be read. {problem}")
    if names.problem:
        st.warning(f"Names are shown as ids, because the catalog cannot be read. {names.problem.splitlines()[0]}")
    chosen.run()
    if project.dashboard.support:
        st.markdown(f"Questions about these pages: {plain(project.dashboard.support)}")


main()
