"""The key that signs roots, reports and bundles, and its certificate.

By default both are made once and kept in the home; an installation that answers to an auditor gives its own by
``ROLECALL_AUDIT_KEY``: a PEM file with a private key and its certificate.
"""

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from governance.settings import Settings

YEARS = 10
ALGORITHM = ec.ECDSA(hashes.SHA256())


class KeyProblemError(Exception):
    """The signing key cannot be used; the message says why and what to do."""


class SigningKey:
    """A private key on P-256 with its certificate."""

    def __init__(self, private: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.private = private
        self.certificate = certificate

    @property
    def pem(self) -> bytes:
        """The certificate, which is all that a verifier needs."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate: what an auditor compares by telephone."""
        return fingerprint(self.certificate)

    def sign(self, data: bytes) -> str:
        """An ECDSA signature in hexadecimal digits."""
        return self.private.sign(data, ALGORITHM).hex()


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate in hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def signed_by(certificate: x509.Certificate, signature: str, data: bytes) -> bool:
    """Whether the certificate's key made this signature over this data."""
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    try:
        public.verify(bytes.fromhex(signature), data, ALGORITHM)
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_key(settings: Settings) -> SigningKey:
    """The installation's key, made on first use.

    Raises:
        KeyProblemError: The file is not there, or holds no P-256 key with its certificate.
    """
    path = settings.audit_key or settings.home / "audit" / "signing-key.pem"
    if settings.audit_key is None and not path.exists():
        _make(path)
    try:
        data = path.read_bytes()
        private = serialization.load_pem_private_key(data, None)
        certificate = x509.load_pem_x509_certificate(data)
    except (OSError, ValueError, TypeError) as error:
        raise KeyProblemError(
            f"{path}: cannot be used as signing key ({error}); ROLECALL_AUDIT_KEY names a PEM file with an"
            " unencrypted key and its certificate"
        ) from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != certificate.public_key():
        raise KeyProblemError(f"{path}: key and certificate do not belong together, or the key is not on P-256")
    return SigningKey(private, certificate)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rolecall audit")])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        try:
            os.link(draft, path)  # never replaces a key in use
        except FileExistsError:
            return
    finally:
        draft.unlink()
