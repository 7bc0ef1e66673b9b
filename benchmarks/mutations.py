"""Bodies that no engine would send: well-formed deliveries of every route, damaged in seeded ways."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import rig
from integrations.engine import callers, examples, receiver

ROUTES = {channel: "/v1" + path for channel, path in receiver.PATHS.items()} | {"launches": "/v1/launches"}
STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 2**70, 1e308, -0.0, "", " ", "\0", "\ud800", "NOTFOUND", "null", "[]", "{}",
    "2026-11-02T09:12:30", "9999-12-31T23:59:59Z", "0000-00-00", "1793610013", 1793610013.25, -6e13, 6e13,
    [], {}, [[]], [None], {"": ""}, {"properties": {}}, "x" * 5_000, "é" * 300, "\u202e", "😀", "../../etc/passwd",
    "'; drop table inbox; --", "<user_audio_analysis>calm</user_audio_analysis>", "VISUAL_SCENE: a person",
    "{\"a\": [1, 2", "\\u0000", "cvi:x", "a/b", "%00", ["a", {"b": [1.5, None]}], {"role": []},
)  # fmt: skip
ALPHABET = b'{}[]":,\\0e-.\x00\xff\xc3 \n"'


@dataclass(frozen=True)
class Shot:
    """One request of the fuzz run."""

    route: str
    raw: bytes


def shots(count: int, seed: int) -> Iterator[Shot]:
    """``count`` requests over every route; the same seed gives the same ones."""
    choose = random.Random(seed)
    for number in range(count):
        channel = choose.choice(list(ROUTES))
        yield Shot(ROUTES[channel], _request(choose, channel, _body(choose, channel, number)))


def _body(choose: random.Random, channel: str, number: int) -> bytes:
    """One damaged body; every tenth is left whole, so that good deliveries come between the bad."""
    document = copy.deepcopy(choose.choice(list(examples.BODIES[channel].values())))
    if isinstance(document, dict) and choose.random() < 0.7:
        document["conversation_id"] = f"f{number}"
    if choose.random() < 0.1:
        return _text(document)
    for _ in range(choose.choice((1, 1, 1, 2, 3, 8))):
        document = choose.choice(TREE)(choose, document)
    body = _text(document)
    if channel == "relay" and choose.random() < 0.4:
        body = b"\n".join(_text(_strange_value(choose, document)) for _ in range(choose.randint(1, 6)))
    for _ in range(choose.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 4))):
        body = choose.choice(BYTES)(choose, body)
    return body


def _request(choose: random.Random, channel: str, body: bytes) -> bytes:
    """Mostly the right token and signature, sometimes not."""
    headers = {"Content-Type": choose.choice(("application/json", "text/plain", "application/x-ndjson", "image/png"))}
    token: str | None = rig.TOKEN
    luck = choose.random()
    if luck < 0.03:
        token = None
    elif luck < 0.06:
        token = choose.choice(("wrong", "", "c..", "c.AAAA.AAAA", "é", "c." + "A" * 3_000, "\0"))
    elif luck < 0.1:
        token, headers["Authorization"] = None, f"Bearer {rig.TOKEN}"
    if channel == "tool":
        right = callers.signature_of(rig.TOOL_SECRET, body)
        headers["X-Tavus-Signature"] = choose.choice((right, right, right, right, "sha256=" + right, "00", ""))
    return rig.request(ROUTES[channel], body, headers, token, chunked=choose.random() < 0.2)


def _text(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


Place = tuple[Any, Any]
Tree = Callable[[random.Random, Any], Any]


def _places(document: Any) -> list[Place]:
    """Every (container, key) in the tree."""
    found: list[Place] = []
    stack = [document]
    while stack:
        node = stack.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in list(items):
            found.append((node, key))
            stack.append(value)
    return found


def _strange_value(choose: random.Random, document: Any) -> Any:
    document = copy.deepcopy(document)
    places = _places(document)
    if not places:
        return choose.choice(STRANGE)
    container, key = choose.choice(places)
    container[key] = copy.deepcopy(choose.choice(STRANGE))
    return document


def _remove(choose: random.Random, document: Any) -> Any:
    places = _places(document)
    if places:
        container, key = choose.choice(places)
        del container[key]
    return document


def _rename(choose: random.Random, document: Any) -> Any:
    places = [place for place in _places(document) if isinstance(place[0], dict)]
    if places:
        container, key = choose.choice(places)
        container[choose.choice(("x", "", "event_type", "properties", "transcript", "user_audio_analysis"))] = (
            container.pop(key)
        )
    return document


def _stringify(choose: random.Random, document: Any) -> Any:
    places = _places(document)
    if places:
        container, key = choose.choice(places)
        container[key] = json.dumps(container[key])
    return document


def _multiply(choose: random.Random, document: Any) -> Any:
    places = [place for place in _places(document) if isinstance(place[0][place[1]], (list, str))]
    if places:
        container, key = choose.choice(places)
        container[key] = container[key] * choose.choice((0, 2, 50))
    return document


def _bury(choose: random.Random, document: Any) -> Any:
    places = _places(document)
    depth = choose.choice((3, 20, 60))
    value: Any = "deep"
    for _ in range(depth):
        value = [value] if choose.random() < 0.5 else {"properties": value}
    if places:
        container, key = choose.choice(places)
        container[key] = value
        return document
    return value


def _replace(choose: random.Random, _document: Any) -> Any:
    return copy.deepcopy(choose.choice(STRANGE))


TREE: tuple[Tree, ...] = (
    _strange_value, _strange_value, _strange_value, _strange_value, _remove, _remove, _rename, _stringify,
    _multiply, _bury, _replace,
)  # fmt: skip


def _flip(choose: random.Random, body: bytes) -> bytes:
    if not body:
        return body
    place = choose.randrange(len(body))
    return body[:place] + bytes([choose.choice(ALPHABET)]) + body[place + 1 :]


def _cut(choose: random.Random, body: bytes) -> bytes:
    return body[: choose.randint(0, len(body))]


def _insert(choose: random.Random, body: bytes) -> bytes:
    place = choose.randint(0, len(body))
    extra = choose.choice((b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"[" * 2_000, b"\n\n", b"{}", b"NaN", b"1e999", b"//"))
    return body[:place] + extra + body[place:]


def _wrap(choose: random.Random, body: bytes) -> bytes:
    """Deeper than any stack: valid JSON that a recursive reader falls over."""
    depth = choose.choice((10, 500, 1_020, 5_000))
    return (
        b'{"properties":' * depth + body + b"}" * depth if choose.random() < 0.5 else b"[" * depth + body + b"]" * depth
    )


def _double(_choose: random.Random, body: bytes) -> bytes:
    return body + b"\n" + body


BYTES: tuple[Callable[[random.Random, bytes], bytes], ...] = (_flip, _flip, _flip, _cut, _insert, _wrap, _double)
