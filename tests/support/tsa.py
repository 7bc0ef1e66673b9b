"""Time-stamp authorities of one's own: OpenSSL's over real HTTP, and one that stamps what time it is told to."""

import base64
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from support.http_stub import Asked, Said, serving

CONFIG = """
[tsa]
default_tsa = local
[local]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Tsa:
    """An authority below a certificate authority of its own; ``ca`` is the PEM file to trust."""

    def __init__(self, folder: Path, *, usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING) -> None:
        folder.mkdir(parents=True)
        self.folder, self.ca = folder, folder / "ca.pem"
        self._one_at_a_time = threading.Lock()  # OpenSSL keeps the serial number in a file
        root_key, root = _certificate("Root of stamps", None, None, None)
        self.key, self.certificate = _certificate("Stamps", root_key, root, usage)
        self.ca.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        (folder / "tsa.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "tsa.key").write_bytes(_private(self.key, serialization.Encoding.PEM))
        (folder / "serial").write_text("01\n")
        (folder / "ts.cnf").write_text(CONFIG.format(folder=folder))

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Address of the authority, OpenSSL behind it, while it runs."""
        with serving(self._answer) as address:
            yield address

    def stamp(self, data: bytes, at: datetime | None = None) -> str:
        """The answer over ``data`` in base 64, at any time."""
        digest = hashes.Hash(hashes.SHA256())
        digest.update(data)
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest.finalize()}
        request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
        stamper = DummyTimeStamper(
            asn1_x509.Certificate.load(self.certificate.public_bytes(serialization.Encoding.DER)),
            keys.PrivateKeyInfo.load(_private(self.key, serialization.Encoding.DER)),
            fixed_dt=at or datetime.now(UTC),
        )
        return base64.b64encode(stamper.request_tsa_response(request).dump()).decode()

    def _answer(self, asked: Asked) -> Said:
        query, reply = self.folder / "query.tsq", self.folder / "reply.tsr"
        command = ["openssl", "ts", "-reply", "-config", str(self.folder / "ts.cnf"), "-queryfile", str(query)]
        with self._one_at_a_time:
            query.write_bytes(asked.body)
            subprocess.run([*command, "-out", str(reply)], check=True, capture_output=True)
            return Said(body=reply.read_bytes(), headers={"content-type": "application/timestamp-reply"})


def _certificate(
    name: str, by: rsa.RSAPrivateKey | None, issuer: x509.Certificate | None, usage: x509.ObjectIdentifier | None
) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return key, builder.sign(by or key, hashes.SHA256())


def _private(key: rsa.RSAPrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
