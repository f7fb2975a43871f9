"""Compression: CMS CompressedData with zlib, bounded when it is read. Source: RFC 3274, RFC 5402."""

from __future__ import annotations

import zlib

from asn1crypto import cms

from engine.core.errors import SizeLimitError
from engine.protocols.as2 import der
from engine.protocols.as2.faults import As2Error, Modifier


def compress(content: bytes) -> bytes:
    """DER."""
    inside = der.sequence(der.oid("1.2.840.113549.1.7.1"), der.explicit(0, der.octets(zlib.compress(content))))
    zipped = der.algorithm("1.2.840.113549.1.9.16.3.8", b"")
    return der.content_info("1.2.840.113549.1.9.16.1.9", der.sequence(der.integer(0), zipped, inside))


def decompress(compressed: bytes, most: int) -> bytes:
    """Never more than `most` bytes.

    Raises:
        As2Error: decompression-failed.
        SizeLimitError: it would be larger.
    """
    try:
        info = cms.ContentInfo.load(compressed)
        if info["content_type"].native != "compressed_data":
            raise _not_possible()
        packed = info["content"]["encap_content_info"]["content"].native
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, most + 1)
    except As2Error:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, zlib.error):
        raise _not_possible() from None
    if len(content) > most:
        raise SizeLimitError("larger than the limit when it is decompressed", where="compressed data")
    if not unpacking.eof:
        raise _not_possible()
    return content


def _not_possible() -> As2Error:
    return As2Error("the message cannot be decompressed", Modifier.DECOMPRESSION, where="compressed data")
