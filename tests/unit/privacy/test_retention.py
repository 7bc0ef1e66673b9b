"""Each pair of the order: hold > legal retention > erasure > expiry."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.privacy.retention import Fate, Retention, RetentionClass, RetentionError, decide
from governance.settings import PROJECT

DAY = date(2026, 1, 1)
RETENTION = Retention(
    version="1",
    approved_by="DPO",
    classes={
        "default": RetentionClass(basis="policy", most_days=100),
        "law": RetentionClass(basis="the law", keep_days=50, most_days=100),
        "for-ever": RetentionClass(basis="the predicate rule", keep_days=10_000),
    },
    scenarios={"disclosure": "law", "batch-record": "for-ever"},
)


@pytest.mark.parametrize(
    ("scenario", "age", "holds", "requested", "fate"),
    [
        ("disclosure", 10, ("case 7",), True, Fate.HELD),  # hold before law and request
        ("disclosure", 500, ("case 7",), False, Fate.HELD),  # hold before expiry
        ("sales", 500, ("case 7",), True, Fate.HELD),  # hold before request and expiry
        ("disclosure", 49, (), True, Fate.RETAINED),  # law before request
        ("batch-record", 9_999, (), True, Fate.RETAINED),
        ("disclosure", 50, (), True, Fate.ERASED),  # the law's last day is over
        ("sales", 0, (), True, Fate.ERASED),
        (None, 0, (), True, Fate.ERASED),
        ("sales", 500, (), True, Fate.ERASED),  # request before expiry: the basis is the person's wish
        ("sales", 100, (), False, Fate.EXPIRED),
        ("sales", 99, (), False, Fate.KEPT),
        ("disclosure", 60, (), False, Fate.KEPT),
        ("batch-record", 20_000, (), False, Fate.KEPT),
    ],
)
def test_precedence(scenario: str | None, age: int, holds: tuple[str, ...], requested: bool, fate: Fate) -> None:
    assert decide(RETENTION, scenario, DAY, holds, DAY + timedelta(days=age), requested=requested).fate is fate


@pytest.mark.parametrize(
    ("scenario", "age", "holds", "requested", "fate"),
    [
        ("sales", 500, ("case 7",), False, Fate.HELD),  # hold before restriction
        ("disclosure", 49, (), True, Fate.RETAINED),  # law before request
        ("sales", 500, (), True, Fate.ERASED),  # the person's request before the person's restriction
        ("sales", 500, (), False, Fate.KEPT),  # restriction before expiry
    ],
)
def test_precedence_of_a_restriction(
    scenario: str, age: int, holds: tuple[str, ...], requested: bool, fate: Fate
) -> None:
    today = DAY + timedelta(days=age)
    decision = decide(RETENTION, scenario, DAY, holds, today, requested=requested, frozen="GDPR 18(1)(a)")
    assert decision.fate is fate
    assert (decision.basis == "restriction of processing: GDPR 18(1)(a)") is (fate is Fate.KEPT)


def test_a_refusal_names_its_basis_and_its_end() -> None:
    refused = decide(RETENTION, "disclosure", DAY, (), DAY, requested=True)
    assert refused.basis == "retention class law: the law"
    assert refused.until == date(2026, 2, 20)
    assert (
        decide(RETENTION, "sales", DAY, ("case 7", "case 9"), DAY, requested=True).basis == "legal hold: case 7; case 9"
    )


@given(st.sampled_from([None, "sales", "disclosure", "batch-record"]), st.integers(0, 20_000), st.booleans())
def test_a_hold_or_a_law_never_lets_go(scenario: str | None, age: int, requested: bool) -> None:
    today = DAY + timedelta(days=age)
    assert not decide(RETENTION, scenario, DAY, ("case",), today, requested=requested).fate.goes
    keep = RETENTION.class_of(scenario)[1].keep_days
    if keep is not None and age < keep:
        assert not decide(RETENTION, scenario, DAY, (), today, requested=requested).fate.goes


def test_the_shipped_file_loads() -> None:
    assert Retention.load(PROJECT / "config").class_of("suitability-fund")[0] == "sec"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: '1'\napproved_by: me\nclasses: {}", "classes.default is missing"),
        ("version: '1'\napproved_by: me\nclasses: {default: {basis: b, keep_days: 9, most_days: 3}}", "shorter than"),
        ("version: '1'\napproved_by: me\nclasses: {default: {basis: b}}\nscenarios: {x: y}", "no class 'y'"),
        ("version: '1'\napproved_by: me\nclasses: {default: {basis: b, keep_days: 0}}", "classes.default.keep_days"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "retention.yaml").write_text(text, "utf-8")
    with pytest.raises(RetentionError, match=said) as refused:
        Retention.load(tmp_path)
    assert "\n" not in str(refused.value)
