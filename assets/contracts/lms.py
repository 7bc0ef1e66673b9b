"""What LMSs say, held against our own scored sessions: forged, differing and late results show here."""

from assets.contracts.table import Table, column, must

TENANT = must("tenant", "varchar", "Customer")
CONNECTOR = must("connector", "varchar", "LMS connector")
CLASSES = "matched, stale, differs, no_session, unissued, not_in_lms or unmatched"

LMS_RECONCILIATION = Table(
    layer="marts",
    name="lms_reconciliation",
    grain=(
        "one row per grade that an LMS holds for a scenario, per pass there that has neither grade nor reason, per"
        " learner whose scored scenario has none there, per attempt that names a result which was not issued so, and"
        " per person of an LMS whom no learner matches"
    ),
    key=("tenant", "connector", "class", "record"),
    columns=(
        TENANT,
        CONNECTOR,
        must("class", "varchar", CLASSES),
        must("severity", "varchar", "high: possibly forged; medium: somebody has to look; low: expected, or known"),
        must("record", "varchar", "The LMS's record, learner and scenario where it has none, or the person's digest"),
        column("learner_key", "varchar", "Keyed pseudonym of the learner", personal="pseudonym"),
        column("scenario_id", "varchar", "Scenario that the activity holds"),
        column("lms_score", "double", "What the LMS holds, 0 to 1"),
        column("our_score", "double", "The latest session's score, 0 to 1; of the result itself where one is named"),
        column("best_score", "double", "The best session's score, 0 to 1"),
        column("session_id", "varchar", "The session that the LMS's score equals, else the latest scored one"),
        column("lms_at", "timestamptz", "When the LMS says that it graded"),
        column("session_at", "timestamptz", "When that session started"),
        column("overridden", "boolean", "A person changed the grade in the LMS"),
        column("lms_passed", "boolean", "The LMS says that the learner passed: an attempt or a completion there"),
        column("outcomes", "bigint", "Records of an unmatched person"),
        must("reason", "varchar", "What was found, in words"),
    ),
    partitioned=False,
)

LMS_UNMATCHED = Table(
    layer="marts",
    name="lms_unmatched",
    grain="one row per entity of an LMS connector and person in it whom no learner matches",
    key=("tenant", "connector", "entity", "person"),
    columns=(
        TENANT,
        CONNECTOR,
        must("entity", "varchar", "Its entry below `read` in the connector's file"),
        must("person", "varchar", "Keyed digest of what names the person, or `nobody`", personal="pseudonym"),
        must("outcomes", "bigint", "Records that wait for the person to be known"),
    ),
    partitioned=False,
)

LMS_ISSUED = Table(
    layer="marts",
    name="lms_issued",
    grain="one row per signed result that the results service released to an LMS",
    key=("tenant", "result_id"),
    columns=(
        TENANT,
        must("result_id", "varchar", "Its id, which the attempt in the LMS names"),
        must("learner_key", "varchar", "Keyed pseudonym of the learner", personal="pseudonym"),
        must("scenario_id", "varchar", "Scenario rehearsed"),
        must("scaled", "double", "Score released, 0 to 1"),
        must("signature", "varchar", "The beginning of its signature, which the attempt repeats"),
        must("issued_at", "timestamptz", "When it was first released"),
    ),
    partitioned=False,
)
