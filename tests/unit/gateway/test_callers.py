import pytest

from integrations.engine import callers
from integrations.engine.callers import Caller
from integrations.engine.refusals import Refusal

SECRET = b"k" * 32
TOKENS = {"acme": callers.digest("acme-token"), "globex": callers.digest("globex-token")}


def rule_of(token: str | None) -> str:
    with pytest.raises(Refusal) as caught:
        callers.identify(token, TOKENS, SECRET)
    return caught.value.rule


def test_a_tenants_token_stands_for_the_tenant() -> None:
    assert callers.identify("globex-token", TOKENS, SECRET) == Caller("globex")


def test_a_conversations_token_stands_for_that_conversation_alone() -> None:
    token = callers.issue(SECRET, "acme", "cvi:c0a11ce")
    assert callers.identify(token, TOKENS, SECRET) == Caller("acme", "cvi:c0a11ce")


def test_a_token_is_the_same_each_time_so_that_a_launch_may_be_posted_twice() -> None:
    assert callers.issue(SECRET, "acme", "cvi:a") == callers.issue(SECRET, "acme", "cvi:a")
    assert callers.issue(SECRET, "acme", "cvi:a") != callers.issue(SECRET, "acme", "cvi:b")


@pytest.mark.parametrize(
    "token", ["wrong", "c", "c.", "c..", "c.AAAA.AAAA", "c.é.é", "c.=.=", "\ud800", "\0", "x" * 9_000]
)
def test_other_tokens_are_refused(token: str) -> None:
    assert rule_of(token) == "wrong_token"


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_named_as_such(token: str | None) -> None:
    assert rule_of(token) == "missing_token"


def test_a_changed_token_is_refused() -> None:
    prefix, scope, mac = callers.issue(SECRET, "acme", "cvi:a").split(".")
    _, other, _ = callers.issue(SECRET, "acme", "cvi:b").split(".")
    assert rule_of(f"{prefix}.{other}.{mac}") == "wrong_token"
    assert callers.bound(b"another secret", f"{prefix}.{scope}.{mac}") is None


def test_a_token_of_a_tenant_that_left_is_refused() -> None:
    assert rule_of(callers.issue(SECRET, "initech", "cvi:a")) == "unknown_tenant"


def test_bearer_header() -> None:
    assert callers.bearer("Bearer abc") == "abc"
    assert callers.bearer("bearer  abc ") == "abc"
    assert callers.bearer("Basic abc") is None
    assert callers.bearer("Bearer") is None
    assert callers.bearer(None) is None


def test_signature_of_the_raw_body() -> None:
    body = b'{"a": 1}'
    right = callers.signature_of("s", body)
    assert callers.signed("s", body, right)
    assert callers.signed("s", body, f"sha256={right.upper()}")
    assert not callers.signed("s", b'{"a":1}', right)
    assert not callers.signed("other", body, right)
    assert not callers.signed("s", body, None)
    assert not callers.signed("s", body, "é")
