"""Every role, action and kind of thing; whoever changes a permission changes this table too."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from governance.access import Action, Role, Scope, Thing, User, authorize, scope
from governance.access.rules import ABOUT

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
ME, MINE, THEIRS = "l_me", "l_report", "l_stranger"
# Letters: O own data alone, T own reports, S everything in tenant and region, R the same with a reason, - never.
TABLE = """
                  learner manager analyst compliance auditor admin
view_aggregates   -       S       S       S          S       -
view_health       -       -       S       S          S       S
list_sessions     O       T       S       S          S       -
open_session      O       T       S       S          S       -
read_transcript   O       -       -       S          S       -
play_recording    O       -       -       S          S       -
see_names         O       T       -       R          R       -
view_learner      O       T       S       S          S       -
contest           O       -       -       -          -       -
list_reviews      -       -       -       S          S       -
review            -       -       -       S          -       -
list_cases        -       -       -       S          S       -
handle_case       -       -       -       S          -       -
export_rows       -       -       S       S          S       -
export_report     -       -       -       S          S       -
read_access_log   -       -       -       S          S       -
see_own_access    O       -       -       -          -       -
manage_privacy    -       -       -       S          -       -
configure         -       -       -       -          -       S
deliver           -       -       -       -          -       S
"""
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]
LETTERS = {(role, line[0]): letter for line in LINES for role, letter in zip(HEAD, line[1:], strict=True)}
THINGS = {
    "page": Thing.page("acme"),
    "page elsewhere": Thing.page("globex"),
    "cell": Thing.cell("acme", "EMEA"),
    "cell of another region": Thing.cell("acme", "AMER"),
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
}  # fmt: skip


def user(role: str) -> User:
    return User(
        name=role, roles=frozenset({Role(role)}), tenants=frozenset({"acme"}), regions=frozenset({"EMEA"}),
        own=frozenset({ME}), reports=frozenset({MINE}), until=SOON, box=SOON,
    )  # fmt: skip


def expected(letter: str, action: str, thing: Thing, reason: str | None) -> bool:
    if thing.tenant != "acme" or thing.kind not in ABOUT[action] or letter == "-":
        return False
    if action in ("review", "handle_case") and thing.learner_key == ME:
        return False
    if thing.kind == "page":
        return True
    if letter in "OT":
        return thing.learner_key == (ME if letter == "O" else MINE)
    return thing.region == "EMEA" and (letter != "R" or reason is not None)


def test_the_table_names_every_role_and_action() -> None:
    assert list(Role) == HEAD
    assert [line[0] for line in LINES] == list(get_args(Action)) == list(ABOUT)


@pytest.mark.parametrize("role", HEAD)
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
