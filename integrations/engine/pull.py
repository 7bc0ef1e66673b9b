"""The engine's REST API: conversations by id and page by page, made, ended, and deleted for good.

The engine retries lost callbacks by nobody's word, so that what is missing some minutes after the end is
fetched. What ``conversation`` returns goes into ``delivery.prepare`` under the channel ``pull``.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

ATTEMPTS = 5
BACKOFF_S = 0.5
LONGEST_WAIT_S = 60.0
PAGE_SIZE = 100
LOST_AFTER_S = 6 * 3600.0  # no call lasts that long: a session silent for so long has lost its shutdown
GIVE_UP_AFTER = timedelta(days=30)  # the engine keeps failed recordings about so long, and nothing else longer
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class PullError(Exception):
    """The engine did not answer as it should; the text says what and how to mend it.

    ``permanent`` is True where trying again changes nothing.
    """

    permanent = False


class PullRefusedError(PullError):
    """The engine refused for good: a wrong key, a bad request."""

    permanent = True


class PullClient:
    """Reads conversations; retries what is worth retrying, with jitter, honouring Retry-After.

    Example:
        >>> client = PullClient("https://tavusapi.com", key)  # doctest: +SKIP
        >>> row = client.conversation("c0a11ce")  # doctest: +SKIP
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        timeout = httpx.Timeout(30.0, connect=10.0)
        headers = {"x-api-key": key, "accept": "application/json"}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout, transport=transport)
        self._sleep = sleep
        self._jitter = jitter

    def __enter__(self) -> "PullClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def conversation(self, conversation_id: str, verbose: bool = True) -> dict[str, Any] | None:
        """One conversation, None where the engine has none of this id.

        Raises:
            PullRefusedError: wrong key, bad request.
            PullError: no usable answer after several tries.
        """
        params = {"verbose": "true"} if verbose else {}
        response = self._request("GET", f"/v2/conversations/{conversation_id}", params)
        return None if response.status_code == httpx.codes.NOT_FOUND else _object(response)

    def conversations(self, status: str | None = None, page_size: int = PAGE_SIZE) -> Iterator[dict[str, Any]]:
        """All conversations, page by page in the engine's order; each once, even if pages shift meanwhile."""
        seen: set[str] = set()
        page, offered = 1, 0
        while True:
            params = {"limit": page_size, "page": page} | ({} if status is None else {"status": status})
            body = _object(self._request("GET", "/v2/conversations", params))
            rows = body.get("data")
            if not isinstance(rows, list):
                raise PullError("the engine's list of conversations has no `data`; check ROLECALL_ENGINE_URL")
            for row in rows:
                if isinstance(row, dict) and row.get("conversation_id") not in seen:
                    seen.add(str(row.get("conversation_id")))
                    yield row
            offered += len(rows)
            total = body.get("total_count")
            if not rows or (isinstance(total, int) and offered >= total):
                return
            page += 1

    def delete(self, conversation_id: str) -> bool:
        """Delete a conversation and its assets for good; False where it was gone already."""
        response = self._request("DELETE", f"/v2/conversations/{conversation_id}", {"hard": "true"})
        return response.status_code != httpx.codes.NOT_FOUND

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a conversation; asked once, since a second try after a time-out might make and bill two.

        Raises:
            PullRefusedError: wrong key, or the engine refuses the request.
            PullError: no usable answer; whether a conversation was made is unknown.
        """
        path = "/v2/conversations"
        try:
            response = self._http.post(path, json=dict(body))
        except httpx.TransportError as error:
            raise PullError(f"the engine did not answer: {type(error).__name__} on {path}") from error
        if response.status_code in RETRY_STATUS:
            raise PullError(f"the engine is busy: status {response.status_code} on {path}")
        made = _object(_judged(response, path))
        if not isinstance(made.get("conversation_id"), str) or not isinstance(made.get("conversation_url"), str):
            raise PullError("the engine made a conversation without id or address; check ROLECALL_ENGINE_URL")
        return made

    def end(self, conversation_id: str) -> None:
        """End a conversation; one that is over or unknown stays so."""
        self._request("POST", f"/v2/conversations/{conversation_id}/end", {})

    def _request(self, method: str, path: str, params: Mapping[str, str | int]) -> httpx.Response:
        problem = ""
        for attempt in range(ATTEMPTS):
            retry_after = None
            try:
                response = self._http.request(method, path, params=dict(params))
            except httpx.TransportError as error:
                problem = f"{type(error).__name__} on {path}"
            else:
                if response.status_code not in RETRY_STATUS:
                    return _judged(response, path)
                problem = f"status {response.status_code} on {path}"
                retry_after = _retry_after(response, datetime.now(UTC))
            if attempt + 1 < ATTEMPTS:
                self._sleep(self._wait(attempt, retry_after))
        raise PullError(f"the engine gave no usable answer in {ATTEMPTS} tries: {problem}; try again later")

    def _wait(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return min(LONGEST_WAIT_S, retry_after) + self._jitter() * BACKOFF_S
        return min(LONGEST_WAIT_S, BACKOFF_S * 2**attempt) * (0.5 + self._jitter())


def due(sessions: Iterable[Mapping[str, Any]], now: datetime, after_s: float) -> list[str]:
    """Engine session ids to pull now, those that wait longest first.

    Args:
        sessions: ``engine_session_id, ended_at, last_received_at, complete`` and, where known, ``pulled_at`` and
            ``pulls`` (how often it was pulled since its last new part). Times are aware datetimes or None.
        now: the present moment.
        after_s: seconds after the end until the first pull; later pulls wait twice as long each time.
    """
    waiting: list[tuple[datetime, str]] = []
    for session in sessions:
        if session.get("complete"):
            continue
        ended, last = session.get("ended_at"), session["last_received_at"]
        since = ended or last + timedelta(seconds=LOST_AFTER_S - after_s)
        pulled, pulls = session.get("pulled_at"), session.get("pulls") or 0
        first = since + timedelta(seconds=after_s)
        moment = first if pulled is None else max(first, pulled + timedelta(seconds=after_s * 2 ** min(pulls, 12)))
        if moment <= now <= max(since, last) + GIVE_UP_AFTER:
            waiting.append((moment, session["engine_session_id"]))
    return [session for _, session in sorted(waiting)]


def _judged(response: httpx.Response, path: str) -> httpx.Response:
    code = response.status_code
    if code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise PullRefusedError(f"the engine refused the key (status {code}); check ROLECALL_ENGINE_KEY")
    if code >= httpx.codes.BAD_REQUEST and code != httpx.codes.NOT_FOUND:
        raise PullRefusedError(f"the engine refused {path} (status {code}): {_message(response)}")
    return response


def _message(response: httpx.Response) -> str:
    """The engine writes `error` or `message`."""
    try:
        body = response.json()
    except ValueError:
        return "no reason given"
    said = (body.get("error") or body.get("message")) if isinstance(body, dict) else None
    return str(said)[:200] if said else "no reason given"


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        raise PullError("the engine answered with something other than JSON; check ROLECALL_ENGINE_URL") from None
    if not isinstance(body, dict):
        raise PullError("the engine answered with something other than an object; check ROLECALL_ENGINE_URL")
    return body


def _retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Seconds that the engine asks for: a number or an HTTP date."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment - now).total_seconds()) if moment.tzinfo is not None else None
