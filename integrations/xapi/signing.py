"""Signed statements: a JWS over the statement, carried as its attachment (xAPI 1.0.3 Data 2.6).

The signature covers the exact bytes of the statement before the attachment is added. It proves who issued it and that
it was not altered, as long as the reader verifies it: an LRS that accepts it has compared contents, not trusted a key.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import Certificate

from integrations.xapi.equality import same
from integrations.xapi.vocabulary import Attachment

ALGORITHM = "RS256"
CONTENT_TYPE = "application/octet-stream"
SMALLEST_KEY = 2048


class SigningError(ValueError):
    """The key cannot sign, or a signature does not hold; the text says why."""


class Signed(NamedTuple):
    """The statement with its signature attachment, and the attachment's bytes (a JWS in compact form)."""

    statement: bytes
    signature: bytes
    sha2: str


def private_key(pem: bytes, password: bytes | None = None) -> RSAPrivateKey:
    """An RSA key of 2048 bits or more from PEM."""
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError) as error:
        raise SigningError(f"the signing key cannot be read: {error}") from error
    if not isinstance(key, RSAPrivateKey):
        raise SigningError("the signing key is not RSA; xAPI allows RS256, RS384 and RS512 alone")
    if key.key_size < SMALLEST_KEY:
        raise SigningError(f"the signing key has {key.key_size} bits; give it at least {SMALLEST_KEY}")
    return key


def sign(statement: bytes, key: RSAPrivateKey, certificates: Sequence[Certificate] = ()) -> Signed:
    """Sign a statement; ``certificates`` (the signer's first) go into the header as ``x5c``.

    RS256 signs the same bytes to the same signature, so that a repeat sends what was sent before.
    """
    parsed = orjson.loads(statement)
    if any(each["usageType"] == Attachment.SIGNATURE for each in parsed.get("attachments", ())):
        raise SigningError("the statement is signed already")
    chain = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates]
    headers = {"x5c": chain} if chain else None
    token = jwt.PyJWS().encode(statement, key, algorithm=ALGORITHM, headers=headers).encode()
    sha2 = hashlib.sha256(token).hexdigest()
    attachment = {
        "usageType": Attachment.SIGNATURE.value,
        "display": {"en": "Signature"},
        "contentType": CONTENT_TYPE,
        "length": len(token),
        "sha2": sha2,
    }
    parsed["attachments"] = [*parsed.get("attachments", ()), attachment]
    return Signed(orjson.dumps(parsed), token, sha2)


def verify(signed: Signed, key: RSAPublicKey) -> bytes:
    """The bytes that were signed: they are what is proven.

    The statement may come from an LRS, which adds and respells what does not count (``integrations.xapi.equality``).

    Raises:
        SigningError: the signature is not the key's, or it does not belong to this statement.
    """
    try:
        payload = jwt.PyJWS().decode(signed.signature, key, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise SigningError(f"the signature does not hold: {error}") from error
    shown, proven = orjson.loads(signed.statement), orjson.loads(payload)
    own = hashlib.sha256(signed.signature).hexdigest()
    others = [each["sha2"] for each in shown.get("attachments", ()) if each["usageType"] == Attachment.SIGNATURE]
    if others != [own]:
        raise SigningError("the statement refers to another signature")
    if shown.get("id") != proven.get("id") or not same(proven, shown):
        raise SigningError("the statement was altered after it was signed")
    return payload
