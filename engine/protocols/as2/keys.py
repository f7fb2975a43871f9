"""Certificates and keys as they are kept: PEM or DER. Keys stay in memory only."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_FEWEST_BITS = 2048


class Identity(NamedTuple):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey


def certificates(data: bytes) -> list[x509.Certificate]:
    """Raises ValueError when there is none, or one cannot be read."""
    if b"-----BEGIN" in data:
        return x509.load_pem_x509_certificates(data)
    return [x509.load_der_x509_certificate(data)]


def identity(certificate: bytes, key: bytes, password: str | None) -> Identity:
    """Raises ValueError or TypeError in words without any value: not readable, too weak, or of another certificate."""
    first = certificates(certificate)[0]
    private = load_pem_private_key(key, password.encode() if password else None)
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the key is neither RSA nor of an elliptic curve")
    if private.public_key() != first.public_key():
        raise ValueError("certificate and key do not belong together")
    refuse_weak(first)
    return Identity(first, private)


def refuse_weak(certificate: x509.Certificate) -> None:
    """Raises ValueError."""
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _FEWEST_BITS:
        raise ValueError(f"an RSA key of less than {_FEWEST_BITS} bits")


def is_valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def encoded(certificate: x509.Certificate) -> bytes:
    """DER."""
    return certificate.public_bytes(Encoding.DER)
