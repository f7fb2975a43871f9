"""Compression: CMS CompressedData with zlib, bounded when it is read. Source: RFC 3274, RFC 5402."""

from __future__ import annotations

import zlib

from asn1crypto import cms

from engine.core.errors import SizeLimitError
from engine.protocols.as2.faults import As2Error, Modifier


def compress(content: bytes) -> bytes:
    """DER."""
    compressed = cms.CompressedData(
        {
            "version": "v0",
            "compression_algorithm": {"algorithm": "zlib"},
            "encap_content_info": {"content_type": "data", "content": zlib.compress(content)},
        }
    )
    return bytes(cms.ContentInfo({"content_type": "compressed_data", "content": compressed}).dump())


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
