"""AS2 partners for tests: identities made for one run, written as PEM where files are needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from engine.protocols.as2.keys import Identity

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@cache
def partner(name: str, *, expired: bool = False, curve: bool = False) -> Identity:
    """The same for the same name within a run: RSA keys take their time."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=300))
        .not_valid_after(NOW + timedelta(days=-1 if expired else 3000))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(made, key)


def certificate_pem(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(identity: Identity, password: str | None = None) -> str:
    sealing: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        sealing = serialization.BestAvailableEncryption(password.encode())
    kind = serialization.PrivateFormat.PKCS8
    return identity.key.private_bytes(serialization.Encoding.PEM, kind, sealing).decode()


def write(folder: Path, name: str, identity: Identity) -> str:
    """The certificate as `<name>.pem` in the folder; returns the file's name."""
    (folder / f"{name}.pem").write_bytes(certificate_pem(identity))
    return f"{name}.pem"
