"""Checking RFC 3161 time stamps without a network: that an authority saw these bytes, and when.

A stamp holds where it is over the digest asked about, where the certificate that it carries signed it for time
stamping, and where its time is that of the thing it stamps. Whose certificate that is, the stamp cannot say by itself:
``ROLECALL_TIMESTAMP_CERTIFICATE`` names the authority's, and then the stamp's has to lead to it.
"""

import asyncio
import base64
import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from asn1crypto import pem, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from governance.audit.envelope import is_written_so
from governance.settings import Settings

APART = timedelta(hours=1)  # clocks drift by minutes; what was made anew later is days apart
TIMEOUT_S = 20
GRANTED = ("granted", "granted_with_mods")
VARIABLE = "ROLECALL_TIMESTAMP_CERTIFICATE"


class AuthorityError(ValueError):
    """The certificates of the time-stamp authority cannot be read; the message says what to do."""


class TimestampError(Exception):
    """The time-stamp authority did not answer as it should; nothing was stamped."""

    @classmethod
    def of(cls, error: Exception) -> "TimestampError":
        """The error for a failed call."""
        return cls(f"ROLECALL_TIMESTAMP_URL: no time stamp ({type(error).__name__}); try again")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a check found: what is ``wrong`` (``None`` where it holds), the time, and its certificate's SHA-256."""

    wrong: str | None
    at: datetime | None = None
    certificate: str | None = None


Authority = Sequence[asn1_x509.Certificate]


def authority_of(settings: Settings) -> Authority:
    """The certificates that stamps have to lead to; none where none are configured, and any authority will do.

    Raises:
        AuthorityError: The file cannot be read, or holds no certificate.
    """
    return () if settings.timestamp_certificate is None else read_authority(settings.timestamp_certificate)


def read_authority(path: Path) -> Authority:
    """Certificates of a PEM file.

    Raises:
        AuthorityError: The file cannot be read, or holds no certificate.
    """
    try:
        blocks: Any = pem.unarmor(path.read_bytes(), multiple=True)
        found = [asn1_x509.Certificate.load(data) for kind, _, data in blocks if kind == "CERTIFICATE"]
        for each in found:
            each.native  # noqa: B018 - parses all of it, or raises
    except (OSError, ValueError) as error:
        raise AuthorityError(f"{path}: cannot be read ({error}); {VARIABLE} names a PEM file") from error
    if not found:
        raise AuthorityError(f"{path}: holds no certificate; {VARIABLE} names a PEM file with the authority's")
    return found


def ask(url: str, data: bytes) -> str:
    """An authority's answer over ``data``, in base 64, to be checked.

    Raises:
        TimestampError: It does not answer, or not to this request.
    """
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(data).digest()}
    nonce = secrets.randbits(63)
    request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True})
    headers = {"content-type": "application/timestamp-query"}
    try:
        answer = httpx.post(url, content=request.dump(), headers=headers, timeout=TIMEOUT_S).raise_for_status()
        token: Any = tsp.TimeStampResp.load(answer.content, strict=True)["time_stamp_token"]
        same = token["content"]["encap_content_info"]["content"].parsed["nonce"].native == nonce
    except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
        raise TimestampError.of(error) from error
    if not same:
        raise TimestampError("ROLECALL_TIMESTAMP_URL: the answer is to another request; try again")
    return base64.b64encode(answer.content).decode()


def check_response(encoded: str, data: bytes, made_at: datetime, authority: Authority = ()) -> Stamp:
    """Check an authority's answer, in base 64, over ``data``, which was made at ``made_at``."""
    try:
        answer: Any = tsp.TimeStampResp.load(base64.b64decode(encoded, validate=True), strict=True)
        if answer["status"]["status"].native not in GRANTED:
            return Stamp("was not granted")
        token = answer["time_stamp_token"]["content"]
        return check_token(token, lambda name: hashlib.new(name, data).digest(), made_at, authority)
    except (ValueError, TypeError, KeyError):
        return Stamp("cannot be read")


def check_token(token: Any, imprint: Callable[[str], bytes], made_at: datetime, authority: Authority = ()) -> Stamp:
    """Check a CMS ``SignedData`` token; ``imprint`` gives the digest that it should be over, by an algorithm's name.

    Raises:
        ValueError: It holds no time.
    """
    info = token["encap_content_info"]["content"].parsed
    if not isinstance(info, tsp.TSTInfo):
        raise ValueError("no TSTInfo")  # noqa: TRY004 - its content is wrong, not the caller's type
    told: Any = info
    at, asked = told["gen_time"].native, told["message_imprint"]
    if imprint(asked["hash_algorithm"]["algorithm"].native) != asked["hashed_message"].native:
        return Stamp("is over something else", at)
    status = _validated(token, imprint, at, authority)
    if status is None or not (status.intact and status.valid):
        return Stamp("does not hold: nobody signed its time", at)
    certificate, purposes = status.signing_cert.sha256.hex(), status.signing_cert.extended_key_usage_value
    if purposes is None or "time_stamping" not in purposes.native:
        return Stamp("does not hold: its certificate is not for time stamping", at, certificate)
    if authority and not status.trusted:
        return Stamp(f"does not hold: its certificate does not lead to one of {VARIABLE}", at, certificate)
    if abs(at - made_at) > APART:
        return Stamp(f"is of {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, hours away from it", at, certificate)
    return Stamp(None, at, certificate)


def _validated(token: Any, imprint: Callable[[str], bytes], at: datetime, authority: Authority) -> Any:
    """The status of a token as of its own time, since authorities' certificates expire; ``None`` for a broken one."""
    from pyhanko.sign.general import CMSExtractionError, extract_certificate_info
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
    from pyhanko.sign.validation.status import TimestampSignatureStatus
    from pyhanko_certvalidator import ValidationContext

    try:
        roots = list(authority) or [extract_certificate_info(token).signer_cert]
        context = ValidationContext(trust_roots=roots, moment=at, allow_fetching=False)
        with quietly():
            return TimestampSignatureStatus(**asyncio.run(validate_tst_signed_data(token, context, imprint)))
    except (SignatureValidationError, CMSExtractionError):
        return None


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pyHanko from logging a stack trace for what is a finding here, and told as one."""
    logger = logging.getLogger("pyhanko")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def strict(token: Any, authority: Authority = ()) -> bool:
    """Whether the parts of a token that its own signature does not cover could not be others.

    Of the certificates beside the signer's each has to be signed by another, by the authority's or by itself. Where no
    authority is configured, one whose issuer is not there is taken as it is: nothing here can tell what its bytes
    should be.
    """
    if not is_written_so(token, "tst_info"):
        return False
    return not token["signer_infos"][0]["unsigned_attrs"].native and _vouched(token, authority)


def _vouched(token: Any, authority: Authority) -> bool:
    from pyhanko.sign.general import extract_certificate_info

    found = extract_certificate_info(token)
    known = [x509.load_der_x509_certificate(each.dump()) for each in authority]
    others = [x509.load_der_x509_certificate(each.dump()) for each in found.other_certs]
    for each in others:
        issuers = [one for one in (*known, *others) if one.subject == each.issuer]
        if each not in known and (issuers or known) and not any(_issued(each, one) for one in issuers):
            return False
    return True


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
