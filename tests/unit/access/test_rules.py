"""Every role, action and kind of thing; whoever changes a permission changes this table too."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from governance.access import Action, Role, Scope, Thing, User, authorize, scope
from governance.access.rules import ABOUT, PERMITTED
from governance.access.users import Kind

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
ME, MINE, THEIRS = "l_me", "l_report", "l_stranger"
# What an action can be about, and how far each role goes: O own data alone, T own reports, S everything in tenant and
# region, R the same with a reason, - never.
TABLE = """
                  about              learner manager analyst compliance auditor admin
view_aggregates   page+cell          -       S       S       S          S       -
view_health       page               -       -       S       S          S       S
list_sessions     page               O       T       S       S          S       -
open_session      session            O       T       S       S          S       -
read_transcript   session            O       -       -       S          S       -
play_recording    session            O       -       -       S          S       -
see_names         session+learner    O       T       -       R          R       -
view_learner      learner            O       T       S       S          S       -
contest           session            O       -       -       -          -       -
list_reviews      page               -       -       -       S          S       -
review            session            -       -       -       S          -       -
list_cases        page               -       -       -       S          S       -
handle_case       session            -       -       -       S          -       -
export_rows       page+cell          -       -       S       S          S       -
export_report     page+cell          -       -       -       S          S       -
read_access_log   page               -       -       -       S          S       -
see_own_access    learner            O       -       -       -          -       -
manage_privacy    page+cell+learner  -       -       -       S          -       -
configure         page               -       -       -       -          -       S
deliver           page               -       -       -       -          -       S
"""
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]
LETTERS = {(role, line[0]): letter for line in LINES for role, letter in zip(HEAD[1:], line[2:], strict=True)}
KINDS = {line[0]: set(line[1].split("+")) for line in LINES}
THINGS = {
    "page": Thing.page("acme"),
    "page elsewhere": Thing.page("globex"),
    "cell": Thing.cell("acme", "EMEA"),
    "cell of another region": Thing.cell("acme", "AMER"),
    "cell elsewhere": Thing.cell("globex", "EMEA"),
    "cell of all regions": Thing.cell("acme", "*"),
    "own session": Thing.session("acme", "cvi:1", ME, "EMEA"),
    "report's session": Thing.session("acme", "cvi:2", MINE, "AMER"),
    "stranger's session": Thing.session("acme", "cvi:3", THEIRS, "EMEA"),
    "session of another region": Thing.session("acme", "cvi:4", THEIRS, "AMER"),
    "session of no region": Thing.session("acme", "cvi:5", None, None),
    "session elsewhere": Thing.session("globex", "cvi:3", THEIRS, "EMEA"),
    "oneself": Thing.learner("acme", ME, "EMEA"),
    "report": Thing.learner("acme", MINE, "AMER"),
    "stranger": Thing.learner("acme", THEIRS, "EMEA"),
    "stranger of another region": Thing.learner("acme", THEIRS, "AMER"),
    "stranger of no region": Thing.learner("acme", THEIRS, None),
    "stranger elsewhere": Thing.learner("globex", THEIRS, "EMEA"),
    "oneself elsewhere": Thing.learner("globex", ME, "EMEA"),
}  # fmt: skip


def user(role: str) -> User:
    return User(
        name=role, roles=frozenset({Role(role)}), tenants=frozenset({"acme"}), regions=frozenset({"EMEA"}),
        own=frozenset({ME}), reports=frozenset({MINE}), until=SOON, box=SOON,
    )  # fmt: skip


def expected(letter: str, action: str, thing: Thing, reason: str | None) -> bool:
    if thing.tenant != "acme" or thing.kind not in KINDS[action] or letter == "-":
        return False
    if action in ("review", "handle_case") and thing.learner_key == ME:
        return False
    if thing.kind == "page":
        return True
    if letter in "OT":
        return thing.learner_key == (ME if letter == "O" else MINE)
    return thing.region == "EMEA" and (letter != "R" or reason is not None)


def test_the_table_names_every_role_and_action() -> None:
    """A role or an action that is added to the code fails here, and below, until it has a column or a row."""
    assert ["about", *Role] == HEAD
    assert [line[0] for line in LINES] == list(get_args(Action)) == list(ABOUT)
    assert set(PERMITTED) == set(Role)
    assert {action for rights in PERMITTED.values() for action in rights} <= set(get_args(Action))


def test_every_kind_of_thing_is_tried_near_and_far() -> None:
    assert set().union(*KINDS.values()) == set(get_args(Kind)) == {thing.kind for thing in THINGS.values()}
    for kind in get_args(Kind):
        tried = [thing for thing in THINGS.values() if thing.kind == kind]
        assert {thing.tenant for thing in tried} == {"acme", "globex"}, kind
        if kind != "page":
            assert {"EMEA", "AMER"} <= {thing.region for thing in tried if thing.tenant == "acme"}, kind
        if kind in ("session", "learner"):
            assert {ME, MINE, THEIRS} <= {thing.learner_key for thing in tried if thing.tenant == "acme"}, kind
    assert {action: set(kinds) for action, kinds in ABOUT.items()} == KINDS


@pytest.mark.parametrize("role", HEAD[1:])
def test_every_role_action_and_thing(role: str) -> None:
    for (action, letter), (name, thing), reason in product(
        [(action, letter) for (each, action), letter in LETTERS.items() if each == role],
        THINGS.items(),
        (None, "audit"),
    ):
        got = authorize(user(role), action, thing, reason=reason, now=NOW)
        assert got.allowed is expected(letter, action, thing, reason), (role, action, name, reason, got.why)
        assert (got.why == "ok") is got.allowed


def test_nobody_may_do_anything() -> None:
    nobody = replace(user("compliance"), roles=frozenset())
    for action, thing in product(get_args(Action), THINGS.values()):
        assert not authorize(None, action, thing).allowed
        assert not authorize(nobody, action, thing, now=NOW).allowed
        assert not authorize(User("x", frozenset(Role)), action, thing, now=NOW).allowed, "no tenant in scope"


def test_a_login_ends_and_so_does_an_auditors_box() -> None:
    thing = THINGS["stranger's session"]
    assert authorize(user("compliance"), "open_session", thing, now=SOON).why == "ended"
    assert authorize(replace(user("auditor"), box=NOW), "open_session", thing, now=NOW).why == "role"
    assert authorize(replace(user("auditor"), box=None), "open_session", thing, now=NOW).why == "role"


def test_a_grant_goes_as_far_as_opening_does() -> None:
    manager = replace(user("manager"), grants=frozenset({"read_transcript"}))
    assert authorize(manager, "read_transcript", THINGS["report's session"], now=NOW).allowed
    assert authorize(manager, "read_transcript", THINGS["stranger's session"], now=NOW).why == "not_yours"
    assert not authorize(manager, "play_recording", THINGS["report's session"], now=NOW).allowed


def test_the_widest_of_several_roles_decides_and_nobody_judges_their_own() -> None:
    both = replace(user("compliance"), roles=frozenset({Role.compliance, Role.learner}))
    assert authorize(both, "open_session", THINGS["own session"], now=NOW).allowed
    assert authorize(both, "open_session", THINGS["stranger's session"], now=NOW).allowed
    assert authorize(both, "review", THINGS["own session"], now=NOW).why == "own_session"


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("learner", Scope(keys=(ME,))),
        ("manager", Scope(keys=(MINE,))),
        ("analyst", Scope(regions=("EMEA",))),
        ("admin", Scope()),
    ],
)
def test_lists_are_narrowed_to_what_may_be_opened(role: str, found: Scope) -> None:
    assert scope(user(role), "list_sessions", "acme", NOW) == found
    assert scope(user(role), "list_sessions", "globex", NOW) == Scope()
    assert scope(None, "list_sessions", "acme", NOW) == Scope()
    assert scope(replace(user("analyst"), regions=None), "list_sessions", "acme", NOW) == Scope(everything=True)
