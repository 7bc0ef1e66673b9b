"""The parts of a CMS signature that it does not cover itself: they have to be written in the one way there is.

A signature covers its content, its signed attributes and, by their hash, its signer's certificate. Versions, names of
algorithms and lengths lie around these, and a reader may take them in more than one form.
"""

from typing import Any

VERSIONS = {"data": "v1", "tst_info": "v3"}  # RFC 5652, 5.1, for signers named by issuer and serial number
OF_SIGNED = ("version", "digest_algorithms", "encap_content_info")
OF_SIGNER = ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature")
BOUND = {"signing_certificate", "signing_certificate_v2"}
LONG = 0x80  # a length below fits into its own byte


def is_written_so(signed: Any, content_type: str) -> bool:
    """Whether ``SignedData`` over such a content, with one signer, could not be written otherwise.

    Certificates and unsigned attributes are the caller's.

    Raises:
        CMSExtractionError: The signer's certificate is not there.
    """
    from pyhanko.sign.general import extract_certificate_info

    signers, digests = signed["signer_infos"], signed["digest_algorithms"]
    if len(signers) != 1 or len(digests) != 1 or signed["crls"].native:
        return False
    signer = signers[0]
    named = signer["sid"].chosen  # readers compare names without regard to case
    parts = [*(signed[name] for name in OF_SIGNED), *(signer[name] for name in OF_SIGNER)]
    return (
        signed["version"].native == VERSIONS[content_type]
        and signer["version"].native == "v1"
        and signer["sid"].name == "issuer_and_serial_number"
        and named["issuer"].dump() == extract_certificate_info(signed).signer_cert.issuer.dump()
        and signed["encap_content_info"]["content_type"].native == content_type
        and digests[0].dump() == signer["digest_algorithm"].dump()
        and bool(BOUND & {each["type"].native for each in signer["signed_attrs"]})
        and all(part.dump() == part.copy().dump(force=True) for part in parts)
    )


def is_shortest(der: bytes) -> bool:
    """Whether every length is written in its shortest form and nothing lies beyond the last value.

    A tag of 0 is none: padding that a longer length would take in looks like that.
    """
    at = 0
    while at < len(der):
        constructed = der[at] & 0x20
        start, end = _contents(der, at)
        if not der[at] or end > len(der) or (constructed and not is_shortest(der[start:end])):
            return False
        at = end
    return True


def _contents(der: bytes, at: int) -> tuple[int, int]:
    """Where the contents of the value at a place begin and end; beyond the text where its length is no good."""
    length, start = der[at + 1] if at + 1 < len(der) else LONG, at + 2
    if length >= LONG:
        count = length - LONG
        length = int.from_bytes(der[start : start + count])
        start += count
        if length < LONG or length.bit_length() <= 8 * (count - 1):
            return start, len(der) + 1
    return start, start + length
