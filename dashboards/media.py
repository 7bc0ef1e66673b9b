"""Recordings and captions through routes of our own, because Streamlit's ``/media/`` has no login.

A link names tenant, session and recording; the file behind it comes from the media table, never from the link.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from dashboards.access import Reader, bearer, source, visitor
from dashboards.looks import note, note_refusal
from dashboards.masking import scanner
from dashboards.reader import Edition, ask, current_edition
from governance import tickets
from governance.access import Thing, authorize
from governance.privacy.captions import masked_captions
from governance.secrets import derive, secret_key
from governance.settings import Settings

TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
}
FULL = "full"  # of captions: with the personal data in them
HEADERS = {"cache-control": "private, no-store", "accept-ranges": "bytes"}


# What was played under which ticket: a player asks for hundreds of ranges, and they are one look.
_PLAYED: set[object] = set()


class NotPlayableError(Exception):
    """The recording cannot be handed out; the text says why."""


def reference(session_id: str, uri: str) -> str:
    """A recording's name in links: a digest, so that a link tells nothing of where the file lies."""
    return hashlib.sha256(json.dumps([session_id, uri]).encode()).hexdigest()[:32]


def ticket_key(settings: Settings) -> bytes:
    """The key that marks media links."""
    return derive(secret_key(settings), "media-tickets")


def _object(kind: str, tenant: str, session_id: str, name: str, *, in_full: bool) -> str:
    return json.dumps([kind, tenant, session_id, name, *([FULL] if in_full else [])])


def link(
    kind: str, settings: Settings, reader: Reader, edition: Edition, session_id: str, uri: str, *, in_full: bool = False
) -> str:
    """The address of a recording (kind ``recordings``) or its captions (``captions``), with its ticket.

    It stays the same for a window of time: a link that changed on every rerun would restart the video. ``in_full`` says
    that the reader has given a reason to see names, which the page has logged; without it captions are masked.
    """
    name = reference(session_id, uri)
    wanted = _object(kind, edition.tenant, session_id, name, in_full=in_full)
    mark = tickets.ticket(ticket_key(settings), reader.name, wanted, datetime.now(UTC))
    words = {"words": FULL} if in_full else {}
    where = urlencode({"tenant": edition.tenant, "session": session_id} | words, quote_via=quote)
    return f"/{kind}/{name}?{where}&{mark}"


def recording_file(uri: str, roots: list[Path]) -> Path:
    """The local file of a recording's uri, if it lies below one of ``roots``.

    Raises:
        NotPlayableError: not a file address, outside the roots (links followed), or not there.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise NotPlayableError("only recordings on this machine can be played here")
    path = Path(unquote(parts.path) if parts.scheme else uri).resolve()
    if not any(path.is_relative_to(root) for root in roots):
        raise NotPlayableError("the recording lies outside the folders that may be played from")
    if not path.is_file():
        raise NotPlayableError("the recording is no longer there")
    return path


def captions_file(relative: str | None, settings: Settings) -> Path:
    """The WebVTT file below the home's exports.

    Raises:
        NotPlayableError: no captions were written, or the path leaves the exports.
    """
    root = settings.exports.resolve()
    path = (root / (relative or "")).resolve()
    if not relative or not path.is_relative_to(root) or not path.is_file():
        raise NotPlayableError("this recording has no captions")
    return path


def roots(settings: Settings) -> list[Path]:
    """Folders that recordings may be played from."""
    return [settings.home.resolve(), *(Path(root).resolve() for root in settings.recording_roots)]


def lookup(edition: Edition | None, session_id: str, name: str) -> dict[str, Any]:
    """The row of the media table that a link means.

    Raises:
        NotPlayableError: nothing is published, or the session has no such recording.
    """
    if edition is None:
        raise NotPlayableError("nothing is published")
    rows = ask(
        edition,
        """
        select m.uri, m.kind, m.status, m.captions_path, s.learner_key, s.region
        from media as m join sessions as s using (tenant, session_id)
        where m.tenant = $tenant and m.session_id = $session
        """,
        {"tenant": edition.tenant, "session": session_id},
    ).to_dicts()
    for row in rows:
        if reference(session_id, row["uri"]) == name:
            return row
    raise NotPlayableError("there is no such recording")


class _RefusedError(Exception):
    """A request for a recording that is turned away; the text is the answer, ``why`` the log's code."""

    def __init__(self, status: int, text: str, why: str) -> None:
        super().__init__(text)
        self.status = status
        self.why = why


def _serve(kind: str, request: Request) -> Response:
    settings = Settings()
    peer = request.client.host if request.client else None
    reader = visitor(settings, peer, request.headers)
    try:
        return _answer(kind, request, settings, reader)
    except _RefusedError as refused:
        tenant, what = request.query_params.get("tenant", ""), request.path_params["name"]
        where = source(peer, request.headers)
        note_refusal(settings, reader, "play_recording", refused.why, where, f"{kind}/{what}", tenant)
        return PlainTextResponse(str(refused), refused.status)
    except NotPlayableError as reason:
        return PlainTextResponse(str(reason), 404)


def _answer(kind: str, request: Request, settings: Settings, reader: Reader | None) -> Response:
    tenant, session_id = (request.query_params.get(name, "") for name in ("tenant", "session"))
    name, in_full = request.path_params["name"], request.query_params.get("words") == FULL
    if reader is None:
        raise _RefusedError(403, "you may not open recordings", "nobody")
    try:
        wanted = _object(kind, tenant, session_id, name, in_full=in_full)
        user = tickets.check(ticket_key(settings), wanted, request.query_params, datetime.now(UTC))
    except tickets.TicketRefused as refused:
        raise _RefusedError(refused.status, str(refused), "ticket") from refused
    who = bearer(reader, user)
    if who is None:
        raise _RefusedError(403, "the link belongs to somebody else", "ticket")
    row = lookup(current_edition(settings.marts, tenant), session_id, name)
    thing = Thing.session(tenant, session_id, row["learner_key"], row["region"])
    decision = authorize(who, "play_recording", thing)
    if not decision.allowed:
        raise _RefusedError(403, "you may not open recordings", decision.why)
    note(settings, _PLAYED, who, "play_recording", thing, decision, what=f"{kind} {request.query_params['expires']}")
    if kind == "captions":
        return _captions(settings, who, thing, captions_file(row["captions_path"], settings), in_full=in_full)
    path = recording_file(row["uri"], roots(settings))
    kind_of = TYPES.get(path.suffix.lower(), "video/mp4" if row["kind"] == "video" else "audio/mpeg")
    return FileResponse(path, media_type=kind_of, headers=HEADERS)


def _captions(settings: Settings, reader: Reader, thing: Thing, file: Path, *, in_full: bool) -> Response:
    """Captions, masked unless the reader may see names; that a reason was given, the ticket of the link says."""
    reason = "given on the page" if in_full else None
    if authorize(reader, "see_names", thing, reason=reason).allowed:
        return FileResponse(file, media_type="text/vtt", headers=HEADERS)
    masked = masked_captions(file.read_text("utf-8"), scanner(settings, thing.tenant))
    return PlainTextResponse(masked, media_type="text/vtt", headers=HEADERS)


def recording(request: Request) -> Response:
    """A recording, whole or in ranges."""
    return _serve("recordings", request)


def captions(request: Request) -> Response:
    """A recording's captions as WebVTT."""
    return _serve("captions", request)


# Plain functions: Starlette runs them in its thread pool, so that a slow disk does not hold up the pages.
ROUTES = [Route("/recordings/{name}", recording), Route("/captions/{name}", captions)]
