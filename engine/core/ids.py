"""Message and delivery ids: 63-bit integers that sort by time and are known before the row is written.

Layout: 42 bits of milliseconds since 2020-01-01 UTC, 6 bits of node, 15 bits of counter: 32,768 ids a
millisecond and node. People see them as 13 characters of Crockford base32 (`1M9K4ZQ0C8R3T`), which
survives JSON and a telephone call.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH_MS = 1_577_836_800_000
_COUNTER_BITS, _NODE_BITS = 15, 6
_COUNTER_LIMIT = 1 << _COUNTER_BITS
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {c: i for i, c in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)  # two characters at once: it is on the hot path
TEXT_LENGTH = 13


class IdSource:
    """Hands out increasing ids, also when the wall clock is set back."""

    def __init__(self, node: int = 0) -> None:
        if not 0 <= node < 1 << _NODE_BITS:
            raise ValueError(f"node must be 0 to {(1 << _NODE_BITS) - 1}")
        self._node = node << _COUNTER_BITS
        self._last_ms, self._counter = 0, 0

    def next(self) -> int:
        ms = time.time_ns() // 1_000_000 - _EPOCH_MS
        if ms > self._last_ms:
            self._last_ms, self._counter = ms, 0
        elif self._counter + 1 < _COUNTER_LIMIT:
            self._counter += 1
        else:
            self._last_ms, self._counter = self._last_ms + 1, 0
        return self._last_ms << (_COUNTER_BITS + _NODE_BITS) | self._node | self._counter


def id_time(message_id: int) -> datetime:
    """When the id was made, aware UTC, to the millisecond."""
    ms = (message_id >> (_COUNTER_BITS + _NODE_BITS)) + _EPOCH_MS
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def first_id_at(moment: datetime) -> int:
    """The smallest id that can have been made at this time: turns a time range into an id range."""
    ms = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) - _EPOCH_MS
    return max(ms, 0) << (_COUNTER_BITS + _NODE_BITS)


@lru_cache(maxsize=8192)  # the id of a message is written several times in a row
def id_text(message_id: int) -> str:
    pairs = _PAIRS
    return (
        _ALPHABET[message_id >> 60 & 31]
        + pairs[message_id >> 50 & 1023]
        + pairs[message_id >> 40 & 1023]
        + pairs[message_id >> 30 & 1023]
        + pairs[message_id >> 20 & 1023]
        + pairs[message_id >> 10 & 1023]
        + pairs[message_id & 1023]
    )


def parse_id(text: str) -> int:
    """The id that `id_text` wrote; accepts lower case and the look-alikes O, I and L.

    Raises:
        ValueError: not 13 characters of base32.
    """
    if len(text) != TEXT_LENGTH:
        raise ValueError("a message id has 13 characters")
    value = 0
    for c in text.upper():
        if c not in _VALUE:
            raise ValueError("a message id has the characters 0-9 and A-Z without U")
        value = value << 5 | _VALUE[c]
    return value
