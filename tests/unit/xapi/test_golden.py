"""What is issued, byte for byte; each golden pair is named after its edge case. Renew: ``python -m support.xapi``."""

import orjson
import pytest
from support.xapi import CASES, bodies, case, issued

from integrations.xapi import rules
from integrations.xapi.profile import published
from integrations.xapi.rendering import in_version
from integrations.xapi.tincan_bridge import to_bytes, to_tincan
from integrations.xapi.vocabulary import Kind, Template

PROFILE = published()


def every_template() -> set[str]:
    return {row.template for name in CASES for row in issued(case(name)["states"])}


@pytest.mark.parametrize("name", CASES)
def test_bytes(name: str) -> None:
    found = case(name)
    expected = [orjson.dumps(statement) for statement in found["statements"]]
    assert bodies(name, found.get("version", "1.0.3")) == expected


@pytest.mark.parametrize("name", CASES)
def test_each_statement_satisfies_exactly_its_template(name: str) -> None:
    for row in issued(case(name)["states"]):
        statement = orjson.loads(row.body)
        assert rules.matching(statement, PROFILE) == [Template(row.template).iri], row.body


@pytest.mark.parametrize("name", CASES)
def test_the_statements_in_force_follow_the_session_pattern(name: str) -> None:
    rows = issued(case(name)["states"])
    gone = {row.voids for row in rows}
    live = [row for row in rows if row.kind != Kind.VOIDING and row.id not in gone]
    order = [Template(row.template).iri for row in sorted(live, key=lambda row: row.kind != Kind.ATTEMPT)]
    pattern = next(each["id"] for each in PROFILE["patterns"] if each["primary"])
    assert not order or rules.follows(order, PROFILE, pattern)
    assert not rules.follows([*order, order[0]], PROFILE, pattern) if order else True


@pytest.mark.parametrize("name", CASES)
def test_tincan_takes_and_gives_every_statement(name: str) -> None:
    for body in bodies(name):
        assert to_bytes(to_tincan(body)) == body


@pytest.mark.parametrize("name", CASES)
def test_ids_are_unique_and_nothing_is_voided_twice(name: str) -> None:
    rows = issued(case(name)["states"])
    assert len({row.id for row in rows}) == len(rows)
    voided = [row.voids for row in rows if row.voids]
    assert len(set(voided)) == len(voided)
    assert not {row.id for row in rows if row.voids} & set(voided), "a voiding is never voided"


def test_every_template_occurs() -> None:
    assert every_template() == {template.value for template in Template}


def test_the_second_version_only_adds_to_the_context() -> None:
    for name in CASES:
        for row in issued(case(name)["states"]):
            old, new = orjson.loads(row.body), orjson.loads(in_version(row.body, row.added, "2.0"))
            for member in ("contextAgents", "contextGroups"):
                new.get("context", {}).pop(member, None)
            assert old == new


def test_no_word_and_no_name_leaves() -> None:
    for name in CASES:
        for body in bodies(name):
            text = body.decode().lower()
            assert "perception" not in text
            assert "mailto:" not in text
            assert '"name":"l_' in text or '"name":"rolecall"' in text
            assert "null" not in text
