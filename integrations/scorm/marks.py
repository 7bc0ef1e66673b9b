"""Texts that prove they are ours: package tokens, learner tokens and personal codes.

All are HMACs under keys derived from the installation's secret. A package's token says which destination and scenario
it opens; a learner's token says who the LMS's id belongs to, until when, and which binding it was issued for.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime

from governance.seals import seal, unseal
from governance.secrets import derive

PACKAGE, LEARNER = "p", "l"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O or U to misread
CODE_LENGTH = 12  # 60 bits
LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})


@dataclass(frozen=True)
class PackageMark:
    """What a package may ask about."""

    destination: str
    scenario_id: str
    issue: int


@dataclass(frozen=True)
class LearnerMark:
    """Whose results a browser may ask for: the binding of an LMS's id, until a moment (epoch seconds)."""

    destination: str
    scheme: str
    external_id: str
    binding: int
    expires: int


def package_token(secret: bytes, mark: PackageMark) -> str:
    """The token that a package carries."""
    return seal(derive(secret, "scorm-package"), PACKAGE, [mark.destination, mark.scenario_id, mark.issue])


def package_mark(secret: bytes, token: str) -> PackageMark | None:
    """What a package's token stands for; None when we did not make it."""
    scope = unseal(derive(secret, "scorm-package"), PACKAGE, token)
    return None if scope is None else PackageMark(*scope)


def learner_token(secret: bytes, mark: LearnerMark) -> str:
    """The token that a learner's attempt keeps in ``suspend_data``."""
    scope = [mark.destination, mark.scheme, mark.external_id, mark.binding, mark.expires]
    return seal(derive(secret, "scorm-learner"), LEARNER, scope)


def learner_mark(secret: bytes, token: str, now: datetime) -> LearnerMark | None:
    """What a learner's token stands for; None when we did not make it or its time is over."""
    scope = unseal(derive(secret, "scorm-learner"), LEARNER, token)
    mark = None if scope is None else LearnerMark(*scope)
    return mark if mark is not None and mark.expires > now.timestamp() else None


def new_code() -> str:
    """A personal code, in groups of four that can be read out."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def code_digest(secret: bytes, destination: str, code: str) -> str:
    """What is stored of a code: typed in whatever case, with or without its dashes, it is the same."""
    plain = "".join(letter for letter in code.upper().translate(LOOKALIKES) if letter in ALPHABET)
    text = json.dumps([destination, plain]).encode()
    return hmac.new(derive(secret, "scorm-claim"), text, hashlib.sha256).hexdigest()


def pseudonym(secret: bytes, external_id: str) -> str:
    """An LMS's id as the access log has it: the same for the same id, and nobody's name."""
    return (
        "id:" + hmac.new(derive(secret, "scorm-log"), external_id.encode("utf-8", "replace"), "sha256").hexdigest()[:16]
    )
