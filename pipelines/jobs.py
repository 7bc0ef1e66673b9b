"""Jobs: what is launched together by hand, by sensor or by ``rolecall run``.

``rolecall run`` rebuilds without checks and then checks all that it rebuilt in one go, since each run of the checks
costs seconds whatever its days. The sensors' jobs check what they load. Days that have only outcomes run
nothing else: Dagster's records of an asset and day cost more than the work.
"""

import dagster as dg

SESSION_TABLES = ("sessions", "turns", "signals", "criterion_scores", "session_scores", "media")
SESSIONS = dg.AssetSelection.assets(["raw", "deliveries"], *(["core", name] for name in SESSION_TABLES))
OUTCOMES = dg.AssetSelection.assets(["core", "outcomes"])
REGISTRIES = dg.AssetSelection.assets(["core", "learners"], ["core", "launches"])
DAYS = dg.AssetSelection.groups("raw", "core") - REGISTRIES  # raw files that others land are checked here too
MARTS = dg.AssetSelection.groups("marts").materializable()
DELIVERIES = dg.AssetSelection.assets(["exports", "lrs_delivery"])
PACKAGES = dg.AssetSelection.assets(["exports", "scorm_packages"])
STATEMENTS = dg.AssetSelection.assets(["exports", "xapi_statements"])

rebuild_sessions = dg.define_asset_job(
    "rebuild_sessions", selection=SESSIONS.without_checks(), description="Sessions of a range of days, unchecked."
)
rebuild_outcomes = dg.define_asset_job(
    "rebuild_outcomes", selection=OUTCOMES.without_checks(), description="Outcomes of a range of days, unchecked."
)
check_days = dg.define_asset_job(
    "check_days", selection=DAYS - DAYS.without_checks(), description="The checks of raw and core over a range of days."
)
publish_marts = dg.define_asset_job(
    "publish_marts", selection=REGISTRIES | MARTS, description="Registries, marts, their checks and publishing."
)
load_sessions = dg.define_asset_job(
    "load_sessions",
    # The marts follow once every table of core has passed; a home without outcomes passes those checks here.
    selection=SESSIONS | (OUTCOMES - OUTCOMES.without_checks()),
    description="Sessions of a range of days, with their checks.",
)
load_outcomes = dg.define_asset_job(
    "load_outcomes", selection=OUTCOMES, description="Outcomes of a range of days, with their checks."
)
load_registries = dg.define_asset_job(
    "load_registries", selection=REGISTRIES, description="Learners and launches, with their checks."
)
everything = dg.define_asset_job(
    "rebuild_everything",
    selection=SESSIONS | OUTCOMES | REGISTRIES | MARTS,
    description="Raw, core, marts, all checks and publishing of a range of days.",
)

statements = dg.define_asset_job(
    "issue_statements", selection=STATEMENTS, description="xAPI statements of a range of days, with their checks."
)

deliver = dg.define_asset_job(
    "deliver_statements", selection=DELIVERIES, description="xAPI statements to every enabled LRS, from the ledger."
)

read_crm = dg.define_asset_job(
    "read_crm",
    selection=dg.AssetSelection.assets(["raw", "crm_records"]),
    description="What changed at every enabled CRM and LMS, with its checks; stale days of outcomes follow.",
)
write_crm = dg.define_asset_job(
    "write_crm",
    selection=dg.AssetSelection.assets(["exports", "crm_writeback"]),
    description="Readiness to people's records of every enabled CRM, from the published marts.",
)
write_lms = dg.define_asset_job(
    "write_lms",
    selection=dg.AssetSelection.assets(["exports", "lms_writeback"]),
    description="Scores to every gradebook column of every enabled LMS, from the published marts.",
)
packages = dg.define_asset_job(
    "build_packages", selection=PACKAGES, description="SCORM packages of every destination, scenario and edition."
)

LOADS = [load_sessions, load_outcomes, load_registries]
JOBS = [
    rebuild_sessions,
    rebuild_outcomes,
    check_days,
    publish_marts,
    *LOADS,
    everything,
    statements,
    deliver,
    read_crm,
    write_crm,
    write_lms,
    packages,
]
