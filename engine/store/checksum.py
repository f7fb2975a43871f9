"""Digests: the checksum of everything large that is stored, and short stand-ins for keys that are too long."""

from __future__ import annotations

from hashlib import blake2b

from engine.core.texts import storable


def checksum(body: bytes) -> bytes:
    """BLAKE2b-128, as `NewMessage.digest`."""
    return blake2b(body, digest_size=16).digest()


_LONGEST_KEY = 500  # characters; PostgreSQL indexes at most 2,700 bytes
_KEPT = 200


def indexable(text: str) -> str:
    """A natural id or key as it is indexed: itself, or when very long its start and a digest of the whole.

    What a database cannot keep in text becomes a symbol.
    """
    if len(text) > _LONGEST_KEY:
        text = text[:_KEPT] + checksum(text.encode("utf-8", "surrogatepass")).hex()
    return storable(text)
