"""Signatures of webhooks, made and verified. Source: Standard Webhooks 1.0.0, scheme v1 (HMAC-SHA256).

Signed is `id.timestamp.body`; the header may hold several signatures, one a secret, so that secrets can be changed
while both sides run. Receivers verify with any library of Standard Webhooks, or so:

    expected = base64(hmac_sha256(base64_decode(secret without "whsec_"), f"{id}.{timestamp}.{body}"))
    any part of `webhook-signature` equals "v1," + expected, compared in constant time,
    and `webhook-timestamp` is at most five minutes away from now.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from engine.core.errors import ConfigurationError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX, _SCHEME = "whsec_", "v1"
_FEWEST, _MOST = 24, 64  # bytes of a key, as the standard asks
_LONGEST_HEADER = 4096
_MOST_SIGNATURES = 16  # looked at in one header: each costs a comparison


def key_of(secret: str, where: str) -> bytes:
    """The key in a secret: base64 of 24 to 64 bytes, with or without `whsec_` before it.

    Raises:
        ConfigurationError: it is no such key. Its value is not shown.
    """
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _FEWEST <= len(key) <= _MOST:
        raise ConfigurationError(
            "the signing secret is not base64 of 24 to 64 bytes",
            where=where,
            remedy="make one: echo whsec_$(head -c 32 /dev/urandom | base64)",
        )
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"{_SCHEME},{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def signed_headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; one signature a key, the newest key's first."""
    made = " ".join(signature(key, message_id, timestamp, body) for key in keys)
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: made}


def stamped(headers: Mapping[str, str], now: float, tolerance: float) -> tuple[str, int] | None:
    """Id and timestamp of a request whose headers may be those of a webhook of now; None: they are not.

    Args:
        now: seconds since 1970 UTC.
        tolerance: seconds that the sender's clock and ours, and the way, may make.
    """
    message_id, stamp, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not message_id or not given or len(message_id) > 255 or len(given) > _LONGEST_HEADER:
        return None
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or abs(now - int(stamp)) > tolerance:
        return None
    return message_id, int(stamp)


def is_signed(keys: Sequence[bytes], given: str, message_id: str, timestamp: int, body: bytes) -> bool:
    """Whether one of the signatures is by one of the keys; in constant time for each."""
    expected = [signature(key, message_id, timestamp, body).encode() for key in keys]
    found = False
    for one in given.split(" ")[:_MOST_SIGNATURES]:
        for good in expected:
            found |= hmac.compare_digest(one.encode("utf-8", "surrogateescape"), good)
    return found
