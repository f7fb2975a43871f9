"""Detached signatures over a MIME entity: CMS SignedData. Source: RFC 5652 § 5, RFC 5751.

A signature is checked against the certificates that were agreed with the partner, whatever it carries itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from engine.protocols.as2 import der
from engine.protocols.as2.algorithms import DIGEST_OIDS, DIGESTS, digest, digest_name
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.keys import Identity, encoded

_MOST_SIGNERS = 4
_DATA = "1.2.840.113549.1.7.1"
_WITH_CURVES = {  # ECDSA with each digest (RFC 5754; MD5 has none)
    "sha1": "1.2.840.10045.4.1",
    "sha-256": "1.2.840.10045.4.3.2",
    "sha-384": "1.2.840.10045.4.3.3",
    "sha-512": "1.2.840.10045.4.3.4",
}


def sign(content: bytes, signer: Identity, name: str, at: datetime) -> bytes:
    """The signature's DER, with the signer's certificate in it.

    Args:
        name: digest in our spelling.
        at: signing time.
    """
    attributes = (
        _named("1.2.840.113549.1.9.3", der.oid(_DATA)),
        _named("1.2.840.113549.1.9.5", der.time(at)),
        _named("1.2.840.113549.1.9.4", der.octets(digest(name, content))),
    )
    hashed = der.algorithm(DIGEST_OIDS[name])
    signature, algorithm = _signature(der.set_of(*attributes), signer, name)
    info = der.sequence(
        der.integer(1),
        der.issuer_and_serial(signer.certificate),
        hashed,
        der.explicit(0, *sorted(attributes)),
        algorithm,
        der.octets(signature),
    )
    signed = der.sequence(
        der.integer(1),
        der.set_of(hashed),
        der.sequence(der.oid(_DATA)),
        der.explicit(0, encoded(signer.certificate)),
        der.set_of(info),
    )
    return der.content_info("1.2.840.113549.1.7.2", signed)


def _named(dotted: str, value: bytes) -> bytes:
    """An attribute."""
    return der.sequence(der.oid(dotted), der.set_of(value))


def _signature(data: bytes, signer: Identity, name: str) -> tuple[bytes, bytes]:
    """The signature and its algorithm."""
    algorithm = DIGESTS[name][1]()
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return signer.key.sign(data, padding.PKCS1v15(), algorithm), der.algorithm("1.2.840.113549.1.1.1")
    kind = der.algorithm(_WITH_CURVES[name], b"")
    return signer.key.sign(data, ec.ECDSA(algorithm)), kind


def verify(content: bytes, signature: bytes, certificates: Sequence[x509.Certificate], allowed: Sequence[str]) -> str:
    """The digest's name, when one of the certificates signed exactly this content.

    Raises:
        As2Error: authentication-failed (nobody we know), integrity-check-failed (content was changed),
            insufficient-message-security (a digest that was not agreed).
    """
    try:
        infos = _signer_infos(signature)
        if not 1 <= len(infos) <= _MOST_SIGNERS:
            raise _unreadable()
        ours = [(info, one) for info in infos for one in certificates if means(info["sid"], one)]
        if not ours:
            raise As2Error(
                "no agreed certificate made this signature",
                Modifier.AUTHENTICATION,
                where="signature",
                remedy="add the partner's new certificate when it has changed",
            )
        return _verified(*ours[0], content, allowed)
    except As2Error:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        raise _unreadable() from None  # asn1crypto parses late, and says so in many ways


def _signer_infos(signature: bytes) -> list[Any]:
    info = cms.ContentInfo.load(signature)
    if info["content_type"].native != "signed_data":
        raise _unreadable()
    return list(info["content"]["signer_infos"])


def means(identifier: Any, certificate: x509.Certificate) -> bool:
    """Whether the identifier of a signer or recipient is of this certificate."""
    if identifier.name == "issuer_and_serial_number":
        if identifier.chosen["serial_number"].native != certificate.serial_number:
            return False
        issuer = identifier.chosen["issuer"]
        ours = certificate.issuer.public_bytes()
        # Some software writes the same name in another kind of string.
        return bool(issuer.dump() == ours or issuer.hashable == asn1_x509.Name.load(ours).hashable)
    try:
        ours = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return False
    return bool(identifier.chosen.native == ours)


def _verified(info: Any, certificate: x509.Certificate, content: bytes, allowed: Sequence[str]) -> str:
    name = digest_name(info["digest_algorithm"]["algorithm"].native)
    if name is None or name not in allowed:
        raise As2Error(
            "the signature's digest is not agreed",
            Modifier.INSUFFICIENT,
            where="micalg",
            remedy="ask the partner for sha-256, or add its digest to `digests`",
        )
    data = content
    if isinstance(info["signed_attrs"].native, list):
        if not hmac.compare_digest(_attribute(info, "message_digest"), digest(name, content)):
            raise _changed()
        data = info["signed_attrs"].untag().dump()
    try:
        _check(certificate, info, data, name)
    except InvalidSignature:
        raise _changed() from None
    return name


def _attribute(info: Any, name: str) -> bytes:
    found = [one["values"] for one in info["signed_attrs"] if one["type"].native == name]
    if len(found) != 1 or len(found[0]) != 1:
        raise _unreadable()
    return bytes(found[0][0].native)


def _check(certificate: x509.Certificate, info: Any, data: bytes, name: str) -> None:
    """Raises InvalidSignature."""
    public, algorithm = certificate.public_key(), DIGESTS[name][1]()
    kind, signature = info["signature_algorithm"]["algorithm"].native, info["signature"].native
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, data, _padding(kind, algorithm), algorithm)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, data, ec.ECDSA(algorithm))
        else:
            raise InvalidSignature
    except UnsupportedAlgorithm:
        raise InvalidSignature from None


def _padding(kind: str, algorithm: hashes.HashAlgorithm) -> padding.PKCS1v15 | padding.PSS:
    if kind == "rsassa_pss":
        return padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
    return padding.PKCS1v15()


def _changed() -> As2Error:
    return As2Error(
        "the content is not what was signed",
        Modifier.INTEGRITY,
        where="signature",
        remedy="something between us changes messages: look at proxies, then ask for it again",
    )


def _unreadable() -> As2Error:
    return As2Error("the signature cannot be read", Modifier.AUTHENTICATION, where="signature")
