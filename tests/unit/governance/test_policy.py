"""What a policy file may and may not say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.policy import PolicyError, SignalPolicy

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "policy.yaml"


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """Write the shipped policy with some parts replaced."""

    def write(**parts: Any) -> Path:
        content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
        for name, value in parts.items():
            content[name] = {**content[name], **value} if isinstance(value, dict) else value
        path = tmp_path / "policy.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return write


def test_the_version_shows_an_edit_that_kept_its_number(edited: Callable[..., Path]) -> None:
    shipped = SignalPolicy.load(SHIPPED).version
    assert SignalPolicy.load(edited()).version == shipped
    opened = SignalPolicy.load(edited(jurisdictions={"US": {"voice": "allow"}})).version
    assert opened != shipped
    assert opened.split("+")[0] == shipped.split("+")[0]


def test_the_frame_holds_every_verdict() -> None:
    policy = SignalPolicy.load(SHIPPED)
    frame = policy.frame()
    assert frame.height == len(policy.verdicts)
    allowed = frame.filter((frame["jurisdiction"] == "unknown") & (frame["verdict"] == "allow"))
    assert set(allowed["signal_class"]) == policy.allowed(None)
    assert not allowed["biometric"].any()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"jurisdictions": {"DE": {"affect": "allow"}}}, "DE: affect may not be allowed in the EU"),
        ({"jurisdictions": {"EL": {"affect": "allow"}}}, "EL: affect may not be allowed in the EU"),
        ({"everywhere": {"affect": "allow"}}, "affect"),
        ({"everywhere": {"voice": "allow"}}, "voice is biometric and needs a known jurisdiction"),
        ({"jurisdictions": {"unknown": {"gaze": "allow"}}}, "gaze is biometric"),
        ({"jurisdictions": {"US": {"mood": "allow"}}}, "mood is not declared under classes"),
        ({"jurisdictions": {"US": {"voice": "perhaps"}}}, "jurisdictions.US.voice"),
        ({"jurisdictions": {False: {}}}, 'write "NO" in quotes'),
        ({"approved_by": ""}, "approved_by"),
        ({"approved_on": "soon"}, "approved_on"),
        ({"version": "two words"}, "version"),
        ({"classes": {"new": {"meaning": "x", "biometric": False}}}, "no verdict for new"),
    ],
)
def test_a_policy_that_says_too_much_or_nonsense_is_refused(
    edited: Callable[..., Path], parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        SignalPolicy.load(edited(**parts))
    assert said in str(refused.value)
    assert "policy.yaml" in str(refused.value)


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="policy is required"):
        SignalPolicy.load(tmp_path / "policy.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("version: [1", encoding="utf-8")
    with pytest.raises(PolicyError, match="not YAML"):
        SignalPolicy.load(broken)
