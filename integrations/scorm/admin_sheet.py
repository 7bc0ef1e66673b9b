"""The page that goes with a package: what an administrator has to set in the LMS, product by product."""

from html import escape
from typing import NamedTuple

from integrations.scorm import manifest
from integrations.scorm.package import Built, Order, title


class Advice(NamedTuple):
    """One LMS and its settings, in the order in which its forms ask."""

    product: str
    settings: tuple[tuple[str, str], ...]


def render(order: Order, built: Built, file_name: str) -> bytes:
    """The sheet as one HTML file without any further file."""
    where = order.destination
    facts = (
        ("Package", file_name),
        ("Edition", f"SCORM {manifest.VERSIONS[order.edition]}"),
        ("Destination", f"{where.title} ({order.name})"),
        ("Scenario", f"{order.scenario.id}, version {order.scenario.version}"),
        ("SHA-1", built.sha1),
        ("SHA-256", built.sha256),
        ("Asks for results at", where.base_url),
        ("Allowed origins", ", ".join(where.origins)),
        ("After a failure", f"status {where.fail_status}; the score is written all the same"),
        ("Which session counts", f"the {where.counts} one"),
    )
    sections = "".join(_section(each) for each in advice(order))
    identity = _IDENTITY[where.identity].format(base_url=escape(where.base_url))
    heading = escape(title(order.scenario))
    return _PAGE.format(title=heading, facts=_table(facts), sections=sections, identity=identity).encode()


def advice(order: Order) -> list[Advice]:
    """Settings per LMS, for this edition and this destination's rules."""
    one, latest = order.edition == "1.2", order.destination.counts == "latest"
    grading = "Highest attempt" if one or not latest else "Last attempt"
    why = " (Moodle's last attempt leaves a failed 1.2 attempt out)" if one and latest else ""
    return [
        Advice(
            "Moodle",
            (
                ("Package", "upload this ZIP; display: new window or current window"),
                ("Grading method", "Highest grade, maximum grade 100"),
                ("Attempts management: number of attempts", "Unlimited"),
                ("Attempts grading", grading + why),
                ("Force new attempt", "When previous attempt completed, passed or failed"),
                ("Lock after final attempt", "No"),
                ("Activity completion", "Require status: Passed (a failed 2004 attempt counts as completed otherwise)"),
                ("Mastery score overrides status", "No"),
            ),
        ),
        Advice(
            "SAP SuccessFactors Learning",
            (
                ("Content object", "add the ZIP; launch method: AICC/SCORM wrapper of the same origin"),
                ("Failure", "recorded only with fail_status: failed; set it in the destination"),
                ("Add to history on failure", "Yes, where failed attempts have to be seen"),
            ),
        ),
        Advice(
            "D2L Brightspace",
            (
                ("Grade", "set the grade item to 100 points, from raw score"),
                ("Destination", "finish: after_report, since D2L writes the grade when the session is ended"),
            ),
        ),
        Advice(
            "Open edX (SCORM XBlock)",
            (
                ("Problem weight", "the points that the unit gives"),
                ("Note", "a failed attempt gives grade 0 there, whatever the score"),
            ),
        ),
        Advice(
            "360Learning, Docebo, Cornerstone",
            (
                ("Attempts", "allow repeated attempts; a completed status ends the attempt"),
                ("Score to pass", "leave empty; the package says passed or failed itself"),
            ),
        ),
        Advice(
            "Any other", (("Mastery or passing score", "leave empty"), ("Open in", "a window with the LMS behind it"))
        ),
    ]


def _section(each: Advice) -> str:
    return f"<h2>{escape(each.product)}</h2>{_table(each.settings)}"


def _table(rows: tuple[tuple[str, str], ...]) -> str:
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f"<table>{body}</table>"


_IDENTITY = {
    "claim": (
        "Each learner types a personal code once. Make the codes with <code>rolecall scorm codes</code> and hand each"
        " to its learner alone."
    ),
    "sso": (
        "Each learner logs in once with the company's account. Give the login provider the further redirect address"
        " <code>{base_url}/v1/scorm/sso/return</code>. Personal codes work as well."
    ),
    "mapped": (
        "Learners are known by the id that the LMS hands over. Load the map with"
        " <code>rolecall scorm identities</code>; an id that is not in it gets no score."
    ),
}
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Settings for {title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #d5dce3; }}
th {{ width: 32%; font-weight: 600; }}
td {{ overflow-wrap: anywhere; }}
</style></head>
<body>
<h1>{title}</h1>
<p>Upload the ZIP as it is. Keep this sheet: the digests say which package a course has.</p>
{facts}
<h2>Who a learner is</h2>
<p>{identity}</p>
<h1>Settings per LMS</h1>
{sections}
</body>
</html>
"""
