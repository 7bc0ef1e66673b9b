"""The electronic signature of a report: PAdES with the installation's key, and its strict check.

A usual validator looks at what is signed. Ours also looks at the few bytes that no signature covers, those of the
signature itself and of its time stamp: they must be written as we write them, so that any changed byte is found.
"""

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from governance.audit.envelope import is_shortest, is_written_so
from governance.audit.keys import SigningKey, fingerprint
from governance.audit.stamps import TIMEOUT_S, Authority, Stamp, TimestampError, check_token, quietly, strict

FIELD = "Rolecall"
RESERVED = 16_384  # bytes kept for the signature


@dataclass(frozen=True)
class Signature:
    """What a signature check found; ``wrong`` is ``None`` where the file is as it was signed.

    ``stamped_at`` and ``stamped_by`` are the time stamp's time and certificate, where it carries one.
    """

    wrong: str | None
    certificate: str | None = None
    stamped_at: datetime | None = None
    stamped_by: str | None = None


def sign(
    pdf: bytes, key: SigningKey, *, reason: str, timestamp_url: str | None = None, authority: Authority = ()
) -> bytes:
    """The PDF with a PAdES signature over all of it, time-stamped where ``timestamp_url`` names an authority.

    Raises:
        TimestampError: The authority does not answer, or with a stamp that a verification would refuse.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers, timestamps
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    certificate = asn1_x509.Certificate.load(key.certificate.public_bytes(serialization.Encoding.DER))
    private = key.private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = SimpleCertificateStore()
    signer = signers.SimpleSigner(
        signing_cert=certificate, signing_key=keys.PrivateKeyInfo.load(private), cert_registry=store
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256", reason=reason, name="Rolecall"
    )
    stamper = timestamps.HTTPTimeStamper(timestamp_url, timeout=TIMEOUT_S) if timestamp_url else None
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    try:
        signed = signers.PdfSigner(metadata, signer, timestamper=stamper).sign_pdf(writer, bytes_reserved=RESERVED)
    except timestamps.TimestampRequestError as error:
        raise TimestampError.of(error) from error
    if stamper is not None and (wrong := check(signed.getvalue(), authority).wrong) is not None:
        raise TimestampError(f"ROLECALL_TIMESTAMP_URL: its stamp on the report cannot be used: {wrong}")
    return signed.getvalue()


def check(pdf: bytes, authority: Authority = ()) -> Signature:
    """Whether a signed PDF is as it was signed, by nothing but the file; its time stamp leads to the ``authority``."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        found = list(reader.embedded_signatures)
    except (PdfError, ValueError, TypeError, KeyError, IndexError, RecursionError, AttributeError) as error:
        return Signature(f"it cannot be read as a PDF ({type(error).__name__})")
    if len(found) != 1:
        return Signature(f"it carries {len(found)} signatures, one is expected")
    try:
        return _check(pdf, found[0], authority)
    except Exception as error:  # a broken structure raises whatever it likes: that is a finding, not a failure
        return Signature(f"its signature cannot be read ({type(error).__name__})")


def _check(pdf: bytes, embedded: Any, authority: Authority) -> Signature:
    from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    wrong = _unsigned_bytes(pdf, embedded)
    if wrong is not None:
        return Signature(wrong)
    certificate = embedded.signer_cert
    context = ValidationContext(trust_roots=[certificate], allow_fetching=False)
    with quietly():  # it looks at the stamp too, which ``_stamp`` does with the right certificates
        status = validate_pdf_signature(embedded, signer_validation_context=context)
    if not (status.intact and status.valid):
        return Signature("its content is not what was signed")
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        return Signature("something was added after it was signed")
    stamp = _stamp(embedded, authority)
    if stamp.wrong is not None:
        return Signature(f"its time stamp {stamp.wrong}")
    shown = fingerprint(x509.load_der_x509_certificate(certificate.dump()))
    return Signature(None, shown, stamp.at, stamp.certificate)


def _stamp(embedded: Any, authority: Authority) -> Stamp:
    """What the time stamp over the signature says; nothing at all where there is none."""
    beside = embedded.signer_info["unsigned_attrs"]  # at most the stamp, see ``_as_we_write_it``
    if not beside.native:
        return Stamp(None)
    token = beside[0]["values"][0]["content"]
    if not strict(token, authority):
        return Stamp("was altered")
    signature = embedded.signer_info["signature"].native
    return check_token(
        token, lambda name: hashlib.new(name, signature).digest(), embedded.self_reported_timestamp, authority
    )


def _unsigned_bytes(pdf: bytes, embedded: Any) -> str | None:
    """What is wrong with the bytes that hold the signature, which the signature itself does not cover."""
    start, length, resumed, rest = (int(value) for value in embedded.byte_range)
    gap = pdf[start + length : resumed]
    if start != 0 or resumed + rest != len(pdf) or gap[:1] != b"<" or gap[-1:] != b">":
        return "its signature does not cover the whole file"
    digits = gap[1:-1]
    info = cms.ContentInfo.load(bytes.fromhex(digits.decode("ascii")), strict=False)
    der = info.dump()  # before anything in it is looked at, which would make it be put together anew
    written = der.hex().upper().encode()
    if digits[: len(written)] != written or digits[len(written) :].strip(b"0"):
        return "the bytes of its signature were altered"
    if not (is_shortest(der) and _as_we_write_it(info)):
        return "the bytes of its signature were altered"
    return None


def _as_we_write_it(info: Any) -> bool:
    """Whether the parts of the signature that it does not cover itself are those that we write."""
    found: Any = info["content"]
    if info["content_type"].native != "signed_data" or not is_written_so(found, "data"):
        return False
    signer = found["signer_infos"][0]
    beside = signer["unsigned_attrs"]
    return (
        len(found["certificates"]) == 1
        and signer["digest_algorithm"]["algorithm"].native == "sha256"
        and found["encap_content_info"]["content"].native is None
        and signer["signature_algorithm"]["algorithm"].native == "sha256_ecdsa"
        and (not beside.native or _is_one_stamp(beside))
    )


def _is_one_stamp(attributes: Any) -> bool:
    return (
        len(attributes) == len(attributes[0]["values"]) == 1
        and attributes[0]["type"].native == "signature_time_stamp_token"
    )
