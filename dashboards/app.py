"""The entry script: finds out who reads, which customer is shown, and runs the chosen page."""

from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboards import shell
from dashboards.access import (
    REFUSAL,
    Action,
    Reader,
    acting_as,
    allowed,
    login_configured,
    reader_from,
    reader_of,
    source,
    tenants_for,
)
from dashboards.looks import note_refusal
from dashboards.names import humanise, load_names, plain
from dashboards.reader import current_edition, published_tenants
from dashboards.registry import PAGES, Entry, menus
from dashboards.theme import logo
from governance.access import Role
from governance.project import Project, ProjectError
from governance.settings import Settings

VIEWS = Path(__file__).resolve().parent / "views"
LOOPBACK = "127.0.0.1"
EVERYTHING = "everything"
ROLE, LEARNER = "_role", "_learner"


def reader(settings: Settings, title: str) -> Reader:
    """The reader of this run; stops it where nobody may read, or asks for a login where there is one."""
    # Streamlit gives no address for a loopback peer; the guard has seen the real one.
    address, headers = st.context.ip_address or LOOPBACK, dict(st.context.headers)
    if not login_configured(settings):
        who = reader_of(address, headers)
        if who is None:
            st.title(title)
            st.error(REFUSAL)
            st.stop()
        return who
    if not st.user.is_logged_in:
        st.title(title)
        st.button("Log in", type="primary", on_click=st.login)
        st.stop()
    who = reader_from(settings, st.user.to_dict(), source(address, headers))
    if who is None:
        where = source(address, headers)
        note_refusal(settings, None, "log_in", "ended", where, "a login that has ended or names nobody")
        st.title(title)
        st.error("Your login has ended, or it names nobody. Log in again.")
        st.button("Log in again", type="primary", on_click=st.logout)
        st.stop()
    return who


def chosen_role(who: Reader, settings: Settings, tenant: str) -> Reader:
    """The local reader in the role picked at the foot of the page; a login's roles cannot be picked."""
    role = st.session_state.get(ROLE, EVERYTHING)
    if login_configured(settings) or role == EVERYTHING:
        return who
    return acting_as(role, st.session_state.get(LEARNER, ""), settings, tenant)


def foot(who: Reader, settings: Settings) -> None:
    """Who reads, and how to leave: the role picker of this machine, or the way out of a login."""
    if login_configured(settings):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Logged in as {plain(str(st.user.get('name') or who.name))}, {', '.join(sorted(who.roles))}")
            st.button("Log out", on_click=st.logout, type="tertiary")
        return
    with st.expander("Read as", key="read-as"), st.grid(4, min_column_width=200, gap="small"):
        role = st.selectbox("Role", [EVERYTHING, *Role], key=ROLE)
        if role in (Role.learner, Role.manager):
            st.text_input("Learner id", key=LEARNER, help="As the directory has it: whose own sessions, whose reports")


def navigation(who: Reader, settings: Settings, tenants: list[str]) -> tuple[Entry, StreamlitPage]:
    """The bar of menus, with the pages that this reader may open, and the one that is open now.

    Before anything is published there is no tenant to ask about: every page then says how to publish.
    """

    def open_to(action: Action) -> bool:
        return not tenants or any(allowed(who, action, tenant) for tenant in tenants)

    pages = {
        section: [
            st.Page(VIEWS / f"{entry.view}.py", title=entry.title, url_path=entry.path or None, default=not entry.path)
            for entry in entries
        ]
        for section, entries in menus(open_to).items()
    }
    asked = urlsplit(st.context.url or "").path.strip("/")
    refused = next((entry for entry in PAGES if asked and entry.path == asked and not open_to(entry.action)), None)
    if refused is not None:
        note_refusal(settings, who, refused.action, "role", who.source or "", asked, next(iter(tenants), ""))
    if not pages:
        st.error("You have no role that opens a page here. Ask an administrator for one.")
        foot(who, settings)
        st.stop()
    chosen = st.navigation(pages, position="top")
    return next(entry for entry in PAGES if entry.title == chosen.title), chosen


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
    who = reader(settings, project.dashboard.title)
    published = published_tenants(settings.marts)
    tenants = tenants_for(who, published)
    if published and not tenants:
        note_refusal(settings, who, "connect", "tenant", who.source or "", "no customer in scope")
        st.title(project.dashboard.title)
        st.error("No customer is in your scope. Ask an administrator to extend it.")
        foot(who, settings)
        return
    who = chosen_role(who, settings, st.session_state.get("tenant") or next(iter(tenants), ""))
    entry, chosen = navigation(who, settings, tenants)
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
    foot(who, settings)


main()
