"""Signed results: a JWS (ES256) that the page checks with the public key in its package.

ES256 is the one algorithm that every browser of a company's fleet verifies. The key is derived from the installation's
secret, so that packages in the field survive a restart and a restored backup.
"""

import hashlib
import hmac
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from governance.secrets import derive

ALGORITHM = "ES256"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group P-256
PREFIX_LENGTH = 16  # characters of the signature that go into suspend_data


class SignatureError(ValueError):
    """A result's signature does not hold."""


def private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The installation's key for results."""
    seed = derive(secret, "scorm-results")
    # 512 bits before the remainder, so that no part of the range is likelier than another.
    wide = hmac.digest(seed, b"p256/1", hashlib.sha256) + hmac.digest(seed, b"p256/2", hashlib.sha256)
    return ec.derive_private_key(int.from_bytes(wide) % (ORDER - 1) + 1, ec.SECP256R1())


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half, as the package carries it: kty, crv, x, y and nothing else."""
    found = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: str(found[name]) for name in ("kty", "crv", "x", "y")}


def sign(result: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    """The JWS of a result in compact form."""
    return jwt.PyJWS().encode(orjson.dumps(result), key, algorithm=ALGORITHM)


def verify(token: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """What was signed.

    Raises:
        SignatureError: the signature is not the key's.
    """
    try:
        return orjson.loads(jwt.PyJWS().decode(token, key, algorithms=[ALGORITHM]))
    except jwt.InvalidTokenError as error:
        raise SignatureError(f"the signature does not hold: {error}") from error


def prefix(token: str) -> str:
    """The first characters of the signature: enough to find the issued result again."""
    return token.rpartition(".")[2][:PREFIX_LENGTH]
