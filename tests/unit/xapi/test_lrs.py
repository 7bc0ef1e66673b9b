"""Answers of LRSs that no peer of the tests gives: versions, gzip refused, no right to void, ids left out."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from support.http_stub import Asked, Said, serving
from support.sync import record

from integrations.sync.base import Fate, Presence, SyncError, Verdict
from integrations.xapi.destinations import Destination
from integrations.xapi.lrs import Lrs, transport_of
from integrations.xapi.vocabulary import Verb

IDS = [f"00000000-0000-5000-8000-{number:012d}" for number in range(3)]
Answer = Callable[[Asked], Said]


@contextmanager
def opened(answer: Answer, **given: Any) -> Iterator[tuple[Lrs, list[Asked]]]:
    """A destination at a server that answers so, and what the server was asked."""
    heard: list[Asked] = []

    def noted(asked: Asked) -> Said:
        heard.append(asked)
        return answer(asked)

    with serving(noted) as address:
        destination = Destination(url=f"{address}/xapi", auth="none", **given)
        lrs = Lrs(destination, transport_of("stub", destination))
        try:
            yield lrs, heard
        finally:
            lrs.close()


def telling(versions: Sequence[str] | None) -> Answer:
    """An LRS whose ``/about`` offers these."""

    def answer(asked: Asked) -> Said:
        if not asked.path.endswith("/about"):
            return Said(200, b'{"statements": [], "more": ""}')
        return Said(404) if versions is None else Said(200, orjson.dumps({"version": versions}))

    return answer


@pytest.mark.parametrize(
    ("offered", "version", "note"),
    [(["1.0.3"], "1.0.3", None), (["1.0.3", "2.0.0"], "1.0.3", "speaks 2.0 too"), (["1.0.3", "2.0.0"], "2.0", None),
     (None, "1.0.3", "does not tell its versions")],
)  # fmt: skip
def test_the_version_that_is_offered(offered: list[str] | None, version: str, note: str | None) -> None:
    with opened(telling(offered), version=version) as (lrs, heard):
        notes = lrs.preflight().notes
    assert (notes == ()) if note is None else (note in notes[0])
    assert {each.headers["x-experience-api-version"] for each in heard} == {"2.0.0" if version == "2.0" else "1.0.3"}


def test_a_version_that_is_not_offered_is_said_before_anything_is_sent() -> None:
    said = r"speaks xAPI 1\.0\.3, 1\.0\.1, not 2\.0"
    with opened(telling(["1.0.3", "1.0.1"]), version="2.0") as (lrs, heard), pytest.raises(SyncError, match=said):
        lrs.preflight()
    assert {each.method for each in heard} == {"GET"}


@pytest.mark.parametrize("status", [400, 415, 500])
def test_an_lrs_that_takes_no_gzip_gets_it_plain_from_then_on(status: int) -> None:
    def answer(asked: Asked) -> Said:
        return Said(status) if "content-encoding" in asked.headers else Said(204)

    with opened(answer, gzip=True) as (lrs, heard):
        for _ in range(2):
            assert [each.fate for each in _results(lrs, _batch(40))] == [Fate.STORED] * 40
    assert ["content-encoding" in each.headers for each in heard] == [True, False, False]


def test_a_busy_lrs_goes_on_getting_gzip() -> None:
    busy = iter([Said(429, headers={"retry-after": "1"}), Said(204)])
    with opened(lambda _: next(busy), gzip=True) as (lrs, heard):
        first = lrs.apply(_batch(40))
        lrs.apply(_batch(40))
    assert not isinstance(first, Sequence)
    assert (first.verdict, first.retry_after_s) == (Verdict.THROTTLED, 1)
    assert [orjson.loads(gzip.decompress(each.body))[0]["id"] for each in heard] == [IDS[0], IDS[0]]


def test_no_right_to_void_is_told_from_wrong_credentials() -> None:
    with opened(lambda _: Said(403, b"no")) as (lrs, _):
        plain, mixed, alone = (lrs.apply(each) for each in (_batch(2), [*_batch(2), _voiding()], [_voiding()]))
    for answer, verdict in ((plain, Verdict.DENIED), (mixed, Verdict.REFUSED), (alone, Verdict.REFUSED)):
        assert not isinstance(answer, Sequence)
        assert answer.verdict is verdict
    assert not isinstance(alone, Sequence)
    assert alone.reason == "it does not let us void: no"


def test_an_id_that_a_success_leaves_out_is_in_doubt() -> None:
    with opened(lambda _: Said(200, orjson.dumps([IDS[0].upper(), IDS[2]]))) as (lrs, _):
        assert [each.fate for each in _results(lrs, _batch(3))] == [Fate.STORED, Fate.UNKNOWN, Fate.STORED]


def test_what_is_there_in_whatever_shape_it_is_shown() -> None:
    same, other = ({"id": key, "verb": {"id": "https://v"}, "stored": "2026-11-26T00:00:00Z"} for key in IDS[:2])
    shown = {IDS[0]: {"statements": [same]}, IDS[1]: {**other, "result": {"success": True}}}

    def answer(asked: Asked) -> Said:
        found = next((body for key, body in shown.items() if key in asked.path), None)
        return Said(404) if found is None or "voided" in asked.path else Said(200, orjson.dumps(found))

    with opened(answer) as (lrs, _):
        seen = [each.presence for each in lrs.read_back(_batch(3))]
        gone = lrs.missing(IDS)
    assert seen == [Presence.SAME, Presence.OTHER, Presence.ABSENT]
    assert gone == [IDS[2]]


def test_an_lrs_that_cannot_be_read_leaves_it_open() -> None:
    with opened(lambda _: Said(502)) as (lrs, _):
        assert lrs.read_back(_batch(1))[0].presence is Presence.UNKNOWN
        with pytest.raises(SyncError, match="answered 502"):
            lrs.missing(IDS)


def test_an_address_without_a_url_is_said() -> None:
    with pytest.raises(SyncError, match="has no url"):
        transport_of("stub", Destination())


def _batch(count: int) -> list[Any]:
    return [
        record(key, orjson.dumps({"id": key, "verb": {"id": "https://v"}}))
        for key in (*IDS, *(f"00000000-0000-5000-9000-{number:012d}" for number in range(count)))[:count]
    ]


def _voiding() -> Any:
    key = "00000000-0000-5000-a000-000000000000"
    return record(key, orjson.dumps({"id": key, "verb": {"id": Verb.VOIDED.value}}))


def _results(lrs: Lrs, batch: Sequence[Any]) -> Sequence[Any]:
    found = lrs.apply(batch)
    assert isinstance(found, Sequence)
    return found
