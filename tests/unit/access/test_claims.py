"""From claims to users: only what the file names counts, and a login without an end is none."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from governance.access import Role, User
from governance.access.claims import OWNER, AccessError, Rules, operator, operator_name, user_of
from governance.identities import DirectoryEntry, Identities
from governance.settings import PROJECT
from governance.state import State

RULES = Rules.model_validate(
    {
        "version": "t",
        "roles": {"claim": "realm_access.roles", "values": {"boss": "manager", "self": "learner", "ext": "auditor"}},
        "tenants": {"claim": "tenants"},
        "regions": {"claim": "regions", "absent": ["*"]},
        "learner": {"claim": "employee_id"},
        "auditor_until": {"claim": "box"},
        "grants": {"boss": ["read_transcript"]},
    }
)
CLAIMS = {"sub": "7", "exp": 1793700000, "tenants": ["acme"], "employee_id": "m1", "realm_access": {"roles": ["boss"]}}


@pytest.fixture
def identities(tmp_path: Path) -> Iterator[Identities]:
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    found = Identities(state, b"k" * 32)
    tree = {"m1": None, "m2": "m1", "e1": "m2", "e2": "m1", "loop": "loop2", "loop2": "loop", "other": "m9"}
    found.record(DirectoryEntry(tenant="acme", learner_id=who, manager_id=boss) for who, boss in tree.items())
    found.record([DirectoryEntry(tenant="globex", learner_id="e7", manager_id="m1")])
    yield found
    state.close()


def known(user: User | None) -> User:
    assert user is not None
    return user


def test_a_manager_has_everybody_below_in_their_own_tenant(identities: Identities) -> None:
    user = known(user_of(CLAIMS, RULES, identities))
    assert user.reports == {identities.key("acme", each) for each in ("m2", "e1", "e2")}
    assert user.own == {identities.key("acme", "m1")}
    assert (user.roles, user.grants, user.regions) == ({Role.manager}, {"read_transcript"}, None)
    assert user.until == datetime.fromtimestamp(1793700000, UTC)


def test_a_loop_in_the_directory_ends(identities: Identities) -> None:
    user = known(user_of(CLAIMS | {"employee_id": "loop"}, RULES, identities))
    assert user.reports == {identities.key("acme", "loop2")}


@pytest.mark.parametrize(
    "forged",
    [
        {"sub": ""}, {"sub": None}, {"exp": None}, {"exp": "never"}, {"exp": True},
    ],
)  # fmt: skip
def test_a_login_without_subject_or_end_is_none(identities: Identities, forged: dict[str, object]) -> None:
    assert user_of(CLAIMS | forged, RULES, identities) is None


def test_what_the_file_does_not_name_gives_nothing(identities: Identities) -> None:
    forged = CLAIMS | {"roles": ["admin", "compliance"], "realm_access": {"roles": ["admin"]}, "tenants": ["*"]}
    user = known(user_of(forged, RULES, identities))
    assert (user.roles, user.tenants) == (frozenset(), frozenset())


def test_an_auditor_needs_an_end_with_an_offset(identities: Identities) -> None:
    claims = CLAIMS | {"realm_access": {"roles": ["ext"]}}
    boxes = ["2026-12-01T00:00:00+00:00", "2026-12-01T00:00:00", "soon", None]
    found = [known(user_of(claims | {"box": box}, RULES, identities)).box is not None for box in boxes]
    assert found == [True, False, False, False]


def test_the_shipped_file_gives_nobody_everything(identities: Identities) -> None:
    rules = Rules.load(PROJECT / "config")
    user = known(user_of({"sub": "x", "exp": 1793700000, "roles": "compliance"}, rules, identities))
    assert (user.roles, user.tenants, user.regions) == ({Role.compliance}, frozenset(), frozenset())


@pytest.mark.parametrize("text", ["roles: {values: {x: king}}", "surprise: 1", "roles: ["])
def test_a_broken_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "access.yaml").write_text(text)
    with pytest.raises(AccessError, match=r"access\.yaml: ") as caught:
        Rules.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_command_is_run_by_somebody_and_by_default_by_the_owner() -> None:
    for rules in (Rules(), Rules.load(PROJECT / "config")):
        user = operator(rules)
        assert user.name == operator_name()
        assert user.name.startswith("os:")
        assert (user.roles, user.tenants, user.regions) == (OWNER, None, None)


def test_the_file_says_what_an_operator_may(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {
        "ops": {"roles": ["admin"], "tenants": ["acme"], "regions": "EMEA"},
        "ext": {"roles": ["auditor"], "auditor_until": "2026-12-01T00:00:00Z"},
    }
    rules = Rules.model_validate({"operators": listed})
    found = {}
    for name in ("ops", "ext", "root"):
        monkeypatch.setattr("getpass.getuser", lambda name=name: name)
        found[name] = operator(rules)
    assert (found["ops"].roles, found["ops"].tenants, found["ops"].regions) == ({Role.admin}, {"acme"}, {"EMEA"})
    assert found["ext"].box == datetime(2026, 12, 1, tzinfo=UTC)
    assert (found["root"].roles, found["root"].tenants) == (frozenset(), frozenset())


def test_an_operators_time_box_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="timezone"):
        Rules.model_validate({"operators": {"*": {"roles": ["auditor"], "auditor_until": "2026-12-01T00:00:00"}}})
