"""Detached signatures over a MIME entity: CMS SignedData. Source: RFC 5652 § 5, RFC 5751.

A signature is checked against the certificates that were agreed with the partner, whatever it carries itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from engine.protocols.as2.algorithms import DIGESTS, digest, digest_name
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.keys import Identity, der

_MOST_SIGNERS = 4


def sign(content: bytes, signer: Identity, name: str, at: datetime) -> bytes:
    """The signature's DER, with the signer's certificate in it.

    Args:
        name: digest in our spelling.
        at: signing time.
    """
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": core.UTCTime(at)})]}),
            cms.CMSAttribute({"type": "message_digest", "values": [digest(name, content)]}),
        ]
    )
    signature, algorithm = _signature(attributes.dump(), signer, name)
    certificate = asn1_x509.Certificate.load(der(signer.certificate))
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": issuer_and_serial(certificate)}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": DIGESTS[name][0]}),
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
            "signature": signature,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": DIGESTS[name][0]})],
            "encap_content_info": {"content_type": "data"},
            "certificates": [certificate],
            "signer_infos": [info],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def issuer_and_serial(certificate: asn1_x509.Certificate) -> cms.IssuerAndSerialNumber:
    return cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number})


def _signature(data: bytes, signer: Identity, name: str) -> tuple[bytes, str]:
    algorithm = DIGESTS[name][1]()
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return signer.key.sign(data, padding.PKCS1v15(), algorithm), "rsassa_pkcs1v15"
    return signer.key.sign(data, ec.ECDSA(algorithm)), f"{DIGESTS[name][0]}_ecdsa"


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
        ours = [(info, one) for info in infos for one in certificates if _names(info["sid"], one)]
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


def _names(sid: Any, certificate: x509.Certificate) -> bool:
    """Whether this signer identifier means this certificate."""
    ours = asn1_x509.Certificate.load(der(certificate))
    if sid.name == "issuer_and_serial_number":
        same = sid.chosen["serial_number"].native == ours.serial_number
        return bool(same and sid.chosen["issuer"].hashable == ours.issuer.hashable)
    return bool(ours.key_identifier and sid.chosen.native == ours.key_identifier)


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
