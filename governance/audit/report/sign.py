"""The electronic signature of a report: PAdES with the installation's key, and its strict check.

A usual validator looks at what is signed. Ours also looks at the few bytes that no signature covers, those of the
signature itself: it must be written as we write it, so that any changed byte of the file is found.
"""

import io
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from governance.audit.keys import SigningKey, fingerprint

FIELD = "Rolecall"
RESERVED = 16_384  # bytes kept for the signature


@dataclass(frozen=True)
class Signature:
    """What a signature check found; ``wrong`` is ``None`` where the file is as it was signed."""

    wrong: str | None
    certificate: str | None = None


def sign(pdf: bytes, key: SigningKey, *, reason: str, timestamp_url: str | None = None) -> bytes:
    """The PDF with a PAdES signature over all of it, time-stamped where an authority is configured."""
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
    stamper = timestamps.HTTPTimeStamper(timestamp_url) if timestamp_url else None
    signed = signers.PdfSigner(metadata, signer, timestamper=stamper).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)), bytes_reserved=RESERVED
    )
    return signed.getvalue()


def check(pdf: bytes) -> Signature:
    """Whether a signed PDF is as it was signed, by nothing but the file."""
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
        return _check(pdf, found[0])
    except Exception as error:  # a broken structure raises whatever it likes: that is a finding, not a failure
        return Signature(f"its signature cannot be read ({type(error).__name__})")


def _check(pdf: bytes, embedded: Any) -> Signature:
    from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    wrong = _unsigned_bytes(pdf, embedded)
    if wrong is not None:
        return Signature(wrong)
    certificate = embedded.signer_cert
    context = ValidationContext(trust_roots=[certificate], allow_fetching=False)
    status = validate_pdf_signature(embedded, signer_validation_context=context)
    if not (status.intact and status.valid):
        return Signature("its content is not what was signed")
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        return Signature("something was added after it was signed")
    return Signature(None, fingerprint(x509.load_der_x509_certificate(certificate.dump())))


def _unsigned_bytes(pdf: bytes, embedded: Any) -> str | None:
    """What is wrong with the bytes that hold the signature, which the signature itself does not cover."""
    start, length, resumed, rest = (int(value) for value in embedded.byte_range)
    gap = pdf[start + length : resumed]
    if start != 0 or resumed + rest != len(pdf) or gap[:1] != b"<" or gap[-1:] != b">":
        return "its signature does not cover the whole file"
    digits = gap[1:-1]
    info = cms.ContentInfo.load(bytes.fromhex(digits.decode("ascii")), strict=False)
    written = info.dump().hex().upper().encode()
    if digits[: len(written)] != written or digits[len(written) :].strip(b"0") or not _as_we_write_it(info):
        return "the bytes of its signature were altered"
    return None


def _as_we_write_it(info: Any) -> bool:
    """Whether the parts of the signature that it does not cover itself are those that we write."""
    found: Any = info["content"]
    signers, digests, certificates = found["signer_infos"], found["digest_algorithms"], found["certificates"]
    if not (info["content_type"].native == "signed_data" and len(signers) == len(digests) == len(certificates) == 1):
        return False
    signer = signers[0]
    return (
        found["version"].native == "v1"
        and signer["version"].native == "v1"
        and digests[0].dump() == signer["digest_algorithm"].dump()
        and digests[0]["algorithm"].native == "sha256"
        and found["encap_content_info"]["content_type"].native == "data"
        and found["encap_content_info"]["content"].native is None
        and signer["signature_algorithm"]["algorithm"].native == "sha256_ecdsa"
        and info.dump() == info.copy().dump(force=True)
    )
