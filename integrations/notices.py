"""Telling people of a case: by webhook and by e-mail. Neither holds a name; the dashboards do, after a login."""

import logging
import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

import httpx

from governance.escalations import Case
from governance.redaction import hush_http
from governance.settings import Settings

LOG = logging.getLogger("rolecall.escalations")
TIMEOUT_S = 10.0


def notify(settings: Settings, case: Case) -> list[str]:
    """Send what is configured; which ways worked. A way that fails is logged: the case stands all the same."""
    told = []
    if settings.alert_webhook and _posted(settings.alert_webhook, case):
        told.append("webhook")
    if settings.smtp_url and settings.alert_to and _mailed(settings, case):
        told.append("e-mail")
    return told


def text_of(case: Case) -> str:
    """The case in one sentence."""
    rule = f" ({case.regulation})" if case.regulation else ""
    return (
        f"{case.severity.capitalize()} {case.signal.kind} {case.signal.name}{rule} in session {case.signal.session_id}"
        f" of {case.signal.tenant}; due {case.due_at:%Y-%m-%d %H:%M} UTC, case {case.case_id}"
    )


def _posted(url: str, case: Case) -> bool:
    body = {
        "text": text_of(case), "case": case.case_id, "tenant": case.signal.tenant, "session": case.signal.session_id,
        "severity": case.severity, "regulation": case.regulation, "due_at": case.due_at.isoformat(),
    }  # fmt: skip
    try:
        hush_http()  # the address of a webhook is its secret
        httpx.post(url, json=body, timeout=TIMEOUT_S).raise_for_status()
    except httpx.HTTPError as error:
        LOG.error("case %s could not be posted: %s", case.case_id, type(error).__name__)  # noqa: TRY400 - a secret address
        return False
    return True


def _mailed(settings: Settings, case: Case) -> bool:
    server = urlsplit(settings.smtp_url.get_secret_value() if settings.smtp_url else "")
    message = EmailMessage()
    message["Subject"] = f"Rolecall: {case.severity} case {case.case_id}"
    message["From"], message["To"] = settings.alert_from, str(settings.alert_to)
    message.set_content(text_of(case))
    secure = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    try:
        with secure(server.hostname or "", server.port or 0, timeout=TIMEOUT_S) as link:
            if server.username:
                if server.scheme == "smtp":
                    link.starttls()
                link.login(server.username, server.password or "")
            link.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        LOG.error("case %s could not be mailed: %s", case.case_id, type(error).__name__)  # noqa: TRY400
        return False
    return True
