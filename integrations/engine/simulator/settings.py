"""What can be turned up or down in a simulation: how ugly the data is and how large the true effects are."""

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Uglies:
    """Shares between 0 and 1 of what goes wrong or comes in an odd shape; each is counted in truth.json."""

    # per session
    test_mode: float = 0.02
    no_show: float = 0.03
    technical_failure: float = 0.02
    learner_left: float = 0.05
    time_limit: float = 0.02
    no_launch: float = 0.03
    late_launch: float = 0.05
    new_naming: float = 0.4  # face and PAL instead of replica and persona
    twins: float = 0.5  # events sent under both names
    iso_times: float = 0.5  # transcript times as ISO text instead of epoch seconds
    no_timing: float = 0.05
    legacy_speech: float = 0.02  # USER_SPEECH: … VISUAL_SCENE: … in the learner's text
    system_turns: float = 0.5
    tool_turns: float = 0.08
    heartbeats: float = 0.2
    memory: float = 0.05
    perception: float = 0.4
    perception_unavailable: float = 0.1
    recording: float = 0.6
    two_recordings: float = 0.05
    copy_failed: float = 0.03
    old_recording: float = 0.15  # payload without provider and uri
    post_call_error: float = 0.03
    nested_body: float = 0.3  # request.body as JSON string with JSON strings inside
    string_body: float = 0.3
    rescored: float = 0.02
    unknown_criterion: float = 0.01
    out_of_range: float = 0.01
    unknown_event: float = 0.02
    guardrail_relay_only: float = 0.2
    pull_only: float = 0.02  # every webhook lost, found by the reconciling pull
    pull_too: float = 0.04
    relay: float = 0.2
    shuffled: float = 0.05
    uncatalogued: float = 0.02  # bundles: a rubric that the catalog does not know
    human: float = 0.25  # bundles: scored by a person as well
    # per delivery
    lost: float = 0.01
    late: float = 0.015
    duplicate: float = 0.03
    naive_time: float = 0.001
    malformed: float = 0.001
    # per variable of a completed objective
    not_found: float = 0.08

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} is a share between 0 and 1, not {getattr(self, field.name)}")

    @classmethod
    def none(cls) -> "Uglies":
        """Everything arrives once, in time and in one shape."""
        return cls(**{field.name: 0.0 for field in fields(cls)} | {"recording": 0.6, "perception": 0.4})


@dataclass(frozen=True)
class Effects:
    """True effects of 10 points of skill (0.1 on the 0 to 1 scale) on what happens at work."""

    log_deal: float = 0.05  # discovery → log of the amount of a won deal
    win_logit: float = 0.15  # discovery → log odds of winning
    csat: float = 0.06  # empathy → points on the five-point scale
    ramp_log_hazard: float = 0.20  # discovery → log hazard of the first quota
    stay_logit: float = 0.10  # empathy → log odds of staying

    @classmethod
    def zero(cls) -> "Effects":
        """Practice changes nothing: whatever a page shows then is an artefact."""
        return cls(**dict.fromkeys(asdict(cls()), 0.0))
