"""Digests and ciphers by the names that AS2 partners write. Source: RFC 5751 § 3.4.3.2, RFC 3851, RFC 4130 § 7.3."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes

DIGEST_OIDS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha-256": "2.16.840.1.101.3.4.2.1",
    "sha-384": "2.16.840.1.101.3.4.2.2",
    "sha-512": "2.16.840.1.101.3.4.2.3",
}
CIPHER_OIDS = {
    "aes-128-cbc": "2.16.840.1.101.3.4.1.2",
    "aes-192-cbc": "2.16.840.1.101.3.4.1.22",
    "aes-256-cbc": "2.16.840.1.101.3.4.1.42",
    "3des": "1.2.840.113549.3.7",
}
DIGESTS: dict[str, tuple[str, Callable[[], hashes.HashAlgorithm]]] = {  # our spelling: name in CMS, implementation
    "md5": ("md5", hashes.MD5),
    "sha1": ("sha1", hashes.SHA1),
    "sha-256": ("sha256", hashes.SHA256),
    "sha-384": ("sha384", hashes.SHA384),
    "sha-512": ("sha512", hashes.SHA512),
}
CIPHERS = {  # our spelling: name in CMS, key and initialization vector in bytes
    "aes-128-cbc": ("aes128_cbc", 16, 16),
    "aes-192-cbc": ("aes192_cbc", 24, 16),
    "aes-256-cbc": ("aes256_cbc", 32, 16),
    "3des": ("tripledes_3key", 24, 8),
}
CIPHER_OF = {cms: name for name, (cms, _, _) in CIPHERS.items()}
_PLAIN = {name.replace("-", ""): name for name in DIGESTS}


def digest_name(text: str) -> str | None:
    """`SHA256`, `sha-256`, `rsa-sha1` in our spelling; None: not one we know."""
    return _PLAIN.get(text.strip().strip('"').lower().removeprefix("rsa-").replace("-", ""))


def digest(name: str, data: bytes) -> bytes:
    return hashlib.new(DIGESTS[name][0], data, usedforsecurity=name not in ("md5", "sha1")).digest()


class Asked(NamedTuple):
    """The digest that a sender asked for: as it writes it, and as we do."""

    spelling: str
    name: str


def choose(spellings: Sequence[str], allowed: Sequence[str]) -> Asked | None:
    """The first that is known and allowed, as the sender's order is its preference."""
    for spelling in spellings:
        name = digest_name(spelling)
        if name is not None and name in allowed:
            return Asked(spelling.strip(), name)
    return None
