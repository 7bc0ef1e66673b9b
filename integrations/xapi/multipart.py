"""A POST body with signatures beside the statements: ``multipart/mixed`` (xAPI 1.0.3 Communication 1.5.2)."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from integrations.xapi.signing import CONTENT_TYPE, Signed


def mixed(statements: Sequence[bytes], signed: Iterable[Signed]) -> tuple[str, bytes]:
    """Content type and body. The same parts give the same bytes: the boundary is their digest."""
    array = b"[" + b",".join(statements) + b"]"
    parts = list({each.sha2: each for each in signed}.values())
    boundary = sha256(array + b"".join(each.sha2.encode() for each in parts)).hexdigest()[:40]
    line = f"--{boundary}\r\n".encode()
    pieces = [line, b"Content-Type: application/json\r\n\r\n", array, b"\r\n"]
    for each in parts:
        head = (
            f"Content-Type: {CONTENT_TYPE}\r\nContent-Transfer-Encoding: binary\r\n"
            f"X-Experience-API-Hash: {each.sha2}\r\n\r\n"
        )
        pieces += [line, head.encode(), each.signature, b"\r\n"]
    return f"multipart/mixed; boundary={boundary}", b"".join([*pieces, f"--{boundary}--\r\n".encode()])
