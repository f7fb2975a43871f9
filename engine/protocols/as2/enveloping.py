"""Encryption for a partner's certificate: CMS EnvelopedData. Source: RFC 5652 § 6, RFC 3370, RFC 3560, RFC 3565."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from engine.protocols.as2 import der
from engine.protocols.as2.algorithms import CIPHER_OF, CIPHER_OIDS, CIPHERS, DIGEST_OIDS
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.keys import Identity
from engine.protocols.as2.signing import means

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_MOST_RECIPIENTS = 20


def random_bytes_needed(cipher: str) -> int:
    """How many `encrypt` takes for this cipher."""
    return sum(CIPHERS[cipher][1:])


def encrypt(content: bytes, recipient: x509.Certificate, cipher: str, random: bytes, *, oaep: bool = False) -> bytes:
    """DER.

    Args:
        random: fresh bytes from a good source, `random_bytes_needed(cipher)` of them.
        oaep: RSA-OAEP with SHA-256 in place of PKCS #1 v1.5.

    Raises:
        ValueError: the certificate has no RSA key.
    """
    key_size = CIPHERS[cipher][1]
    key, vector = random[:key_size], random[key_size:]
    padder = PKCS7(len(vector) * 8).padder()
    cbc = Cipher(_algorithm(cipher, key), CBC(vector)).encryptor()
    sealed = b"".join((cbc.update(padder.update(content)), cbc.update(padder.finalize()), cbc.finalize()))
    enveloped = der.sequence(
        der.integer(0),
        der.set_of(_recipient(recipient, key, oaep)),
        der.sequence(
            der.oid("1.2.840.113549.1.7.1"),
            der.algorithm(CIPHER_OIDS[cipher], der.octets(vector)),
            der.tagged(0x80, sealed),
        ),
    )
    return der.content_info("1.2.840.113549.1.7.3", enveloped)


def _recipient(certificate: x509.Certificate, key: bytes, oaep: bool) -> bytes:
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise ValueError("the certificate has no RSA key to encrypt for")
    if oaep:
        sha256 = der.algorithm(DIGEST_OIDS["sha-256"])
        mask = der.algorithm("1.2.840.113549.1.1.8", sha256)
        parameters = der.sequence(der.explicit(0, sha256), der.explicit(1, mask))
        kind = der.algorithm("1.2.840.113549.1.1.7", parameters)
        sealed = public.encrypt(key, _oaep(hashes.SHA256(), hashes.SHA256()))
    else:
        kind = der.algorithm("1.2.840.113549.1.1.1")
        sealed = public.encrypt(key, padding.PKCS1v15())
    return der.sequence(der.integer(0), der.issuer_and_serial(certificate), kind, der.octets(sealed))


def decrypt(enveloped: bytes, ours: Sequence[Identity], allowed: Sequence[str]) -> tuple[bytes, str]:
    """Content, and the cipher's name. All our certificates are tried: one may be on its way out.

    Raises:
        As2Error: decryption-failed for whatever is wrong, in the same words, so that nobody learns from a receipt
            how far it came; insufficient-message-security for a cipher that was not agreed.
    """
    try:
        info = cms.ContentInfo.load(enveloped)
        if info["content_type"].native != "enveloped_data":
            raise cannot_be_opened()
        content = info["content"]["encrypted_content_info"]
        algorithm = content["content_encryption_algorithm"]
        cipher = CIPHER_OF.get(algorithm["algorithm"].native)
        if cipher is None or cipher not in allowed:
            raise As2Error(
                "the cipher is not agreed", Modifier.INSUFFICIENT, where="content encryption",
                remedy="ask the partner for aes-256-cbc, or add its cipher to `ciphers`",
            )  # fmt: skip
        key = _content_key(list(info["content"]["recipient_infos"]), ours)
        return _opened(cipher, key, algorithm["parameters"].native, content["encrypted_content"].native), cipher
    except As2Error:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        raise cannot_be_opened() from None


def cannot_be_opened() -> As2Error:
    return As2Error(
        "the message cannot be decrypted",
        Modifier.DECRYPTION,
        where="enveloped data",
        remedy="ask the partner which of our certificates it encrypts for",
    )


def _content_key(recipients: list[Any], ours: Sequence[Identity]) -> bytes:
    for recipient in recipients[:_MOST_RECIPIENTS]:
        if recipient.name != "ktri":
            continue
        for one in ours:
            if isinstance(one.key, rsa.RSAPrivateKey) and means(recipient.chosen["rid"], one.certificate):
                sealed = recipient.chosen["encrypted_key"].native
                return one.key.decrypt(sealed, _key_padding(recipient.chosen["key_encryption_algorithm"]))
    raise cannot_be_opened()


def _key_padding(algorithm: Any) -> padding.PKCS1v15 | padding.OAEP:
    if algorithm["algorithm"].native != "rsaes_oaep":
        return padding.PKCS1v15()
    parameters = algorithm["parameters"]
    mask = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    return _oaep(_HASHES[parameters["hash_algorithm"]["algorithm"].native](), _HASHES[mask]())


def _oaep(algorithm: hashes.HashAlgorithm, mask: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(mask), algorithm=algorithm, label=None)


def _opened(cipher: str, key: bytes, vector: bytes, sealed: bytes) -> bytes:
    if len(key) != CIPHERS[cipher][1]:
        raise cannot_be_opened()
    cbc = Cipher(_algorithm(cipher, key), CBC(vector)).decryptor()
    unpadder = PKCS7(len(vector) * 8).unpadder()
    padded = cbc.update(sealed) + cbc.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _algorithm(cipher: str, key: bytes) -> AES | TripleDES:
    return TripleDES(key) if cipher == "3des" else AES(key)
