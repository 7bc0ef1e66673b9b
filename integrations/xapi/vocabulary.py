"""Every IRI that a statement of ours can hold, once.

Verbs and types come from registered vocabularies (ADL, acrossx, the Tin Can registry). Own IRIs, all below ``BASE``,
stand only where none of those says what is meant. An IRI that went into a statement is never changed or reused.
"""

from enum import StrEnum

BASE = "https://w3id.org/rolecall"
PROFILE = f"{BASE}/xapi"
PROFILE_VERSION = f"{PROFILE}/v1"
IDS = f"{BASE}/id"  # activities and accounts of tenants: <IDS>/<tenant>/…

ADL = "http://adlnet.gov/expapi"
PROFILE_CONTEXT = "https://w3id.org/xapi/profiles/context"
PROFILE_ONTOLOGY = "https://w3id.org/xapi/profiles#1.0"


class Verb(StrEnum):
    """Verbs; ``DEVIATED`` is ours, since no registered verb says that a line was crossed."""

    ATTEMPTED = f"{ADL}/verbs/attempted"
    COMPLETED = f"{ADL}/verbs/completed"
    TERMINATED = f"{ADL}/verbs/terminated"
    PASSED = f"{ADL}/verbs/passed"
    FAILED = f"{ADL}/verbs/failed"
    SCORED = f"{ADL}/verbs/scored"
    MASTERED = f"{ADL}/verbs/mastered"
    VOIDED = f"{ADL}/verbs/voided"
    EVALUATED = "https://w3id.org/xapi/acrossx/verbs/evaluated"
    DEVIATED = f"{PROFILE}/verbs/deviated"


DISPLAY: dict[Verb, str] = {verb: verb.rpartition("/")[2] for verb in Verb}


class Type(StrEnum):
    """Activity types; guardrail and competency are ours."""

    SIMULATION = f"{ADL}/activities/simulation"
    ATTEMPT = f"{ADL}/activities/attempt"
    ASSESSMENT = f"{ADL}/activities/assessment"
    OBJECTIVE = f"{ADL}/activities/objective"
    CATEGORY = f"{ADL}/activities/profile"
    GUARDRAIL = f"{PROFILE}/activity-types/guardrail"
    COMPETENCY = f"{PROFILE}/activity-types/competency"


class Extension:
    """Context and result extensions, all ours. Plain texts: they are keys of JSON objects."""

    SCENARIO_VERSION = f"{PROFILE}/extensions/scenario-version"
    RUBRIC_VERSION = f"{PROFILE}/extensions/rubric-version"
    RUBRIC_UNCATALOGUED = f"{PROFILE}/extensions/rubric-uncatalogued"
    SCORER_KIND = f"{PROFILE}/extensions/scorer-kind"
    SCORER_ID = f"{PROFILE}/extensions/scorer-id"
    SCORER_VERSION = f"{PROFILE}/extensions/scorer-version"
    POLICY_VERSION = f"{PROFILE}/extensions/policy-version"
    ATTEMPT = f"{PROFILE}/extensions/attempt"
    ASSIGNED = f"{PROFILE}/extensions/assigned"
    END_REASON = f"{PROFILE}/extensions/end-reason"
    BLOCKERS_HIT = f"{PROFILE}/extensions/blockers-hit"
    BLOCKER = f"{PROFILE}/extensions/blocker"
    COMPETENCY = f"{PROFILE}/extensions/competency"
    EVIDENCE = f"{PROFILE}/extensions/evidence"
    OFFSET = f"{PROFILE}/extensions/offset"
    ALIGNMENT = f"{PROFILE}/extensions/alignment"
    SEVERITY = f"{PROFILE}/extensions/severity"
    REGULATION = f"{PROFILE}/extensions/regulation"
    MASTERY_LEVEL = f"{PROFILE}/extensions/mastery-level"
    ATTEMPTS_TO_MASTERY = f"{PROFILE}/extensions/attempts-to-mastery"


class Attachment(StrEnum):
    """Usage types of attachments."""

    RECORDING = "http://id.tincanapi.com/attachment/supporting_media"
    SIGNATURE = f"{ADL}/attachments/signature"


class Relevant(StrEnum):
    """How an agent or group of a 2.0 context relates to the learner; ours, since IEEE registers none."""

    MANAGER = f"{PROFILE}/relevant-types/manager"
    COHORT = f"{PROFILE}/relevant-types/cohort"


class Kind(StrEnum):
    """What a statement is about. A session has one statement of a kind and subject in force at a time."""

    ATTEMPT = "attempt"
    END = "end"
    VERDICT = "verdict"
    CRITERION = "criterion"
    OBJECTIVE = "objective"
    GUARDRAIL = "guardrail"
    REVIEW = "review"
    MASTERY = "mastery"
    VOIDING = "voiding"


class Template(StrEnum):
    """Last part of a statement template's IRI: how it came out."""

    ATTEMPTED = "session-attempted"
    COMPLETED = "session-completed"
    TERMINATED = "session-terminated"
    PASSED = "session-passed"
    FAILED = "session-failed"
    CRITERION = "criterion-scored"
    OBJECTIVE = "objective-completed"
    GUARDRAIL = "guardrail-deviated"
    REVIEW = "session-evaluated"
    MASTERY = "competency-mastered"
    VOIDING = "statement-voided"

    @property
    def iri(self) -> str:
        """The template's IRI in the profile."""
        return f"{PROFILE}/templates/{self.value}"
