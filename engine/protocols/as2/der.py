"""DER, written: just what messages need, since building it object by object costs more than signing. Source: X.690."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from cryptography import x509

_LAST_UTC_YEAR = 2049  # later years are written as GeneralizedTime (RFC 5652 § 11.3)


def tagged(tag: int, *parts: bytes) -> bytes:
    """Tag, length, content."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    return tagged(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return tagged(0x31, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """[number], constructed."""
    return tagged(0xA0 | number, *parts)


def octets(content: bytes) -> bytes:
    return tagged(0x04, content)


def integer(value: int) -> bytes:
    return tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


NULL = b"\x05\x00"


@cache
def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    return tagged(0x06, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(arc: int) -> bytes:
    digits = [arc & 0x7F]
    while arc := arc >> 7:
        digits.append(0x80 | (arc & 0x7F))
    return bytes(reversed(digits))


def time(at: datetime) -> bytes:
    if at.year <= _LAST_UTC_YEAR:
        return tagged(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
    return tagged(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def algorithm(dotted: str, parameters: bytes = NULL) -> bytes:
    return sequence(oid(dotted), parameters)


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    return sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number))


def content_info(dotted: str, content: bytes) -> bytes:
    return sequence(oid(dotted), explicit(0, content))
