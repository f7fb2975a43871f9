"""What the engine and the store's writing process say to each other over a pair of sockets.

A frame is its length in eight bytes and a MessagePack body.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from engine.core import errors
from engine.core.errors import IsthmusError, StoreError
from engine.core.texts import storable
from engine.ports.journal import Appended, NewMessage, Outcome, Settlement

_HEAD = struct.Struct(">Q")
T = TypeVar("T")


class Submitted(msgspec.Struct, array_like=True):
    """What the engine hands in at once. Each entry gets one answer: messages first, then outcomes, then settlements.
    None is good news: written as it was handed in.

    Empty, it is a request to finish everything before it, housekeeping included, and then to answer once.
    """

    at: int  # microseconds since 1970 UTC
    told: int  # lost commits that the engine had heard of
    leases: dict[str, int]  # name and token of those that every commit needs
    messages: list[NewMessage]
    outcomes: list[list[Outcome]]
    settlements: list[list[Settlement]]

    @property
    def answers(self) -> int:
        return len(self.messages) + len(self.outcomes) + len(self.settlements) or 1

    @property
    def weight(self) -> int:
        return len(self.messages) + sum(map(len, self.outcomes)) + sum(map(len, self.settlements))


class Failure(msgspec.Struct, array_like=True, tag=True):
    """An error of the engine's own."""

    kind: str
    what: str
    where: str | None
    remedy: str | None

    @staticmethod
    def of(error: IsthmusError) -> Failure:
        return Failure(type(error).__name__, error.what, error.where, error.remedy)

    def error(self) -> IsthmusError:
        kind = getattr(errors, self.kind, StoreError)
        found: IsthmusError = kind(self.what, where=self.where, remedy=self.remedy)
        return found


class Stored(msgspec.Struct, array_like=True, tag=True):
    """A verdict on a message."""

    appended: Appended


class Answered(msgspec.Struct, array_like=True):
    """Answers to the entries of one or more `Submitted`, in their order."""

    lost: int  # commits that failed so far
    submissions: int  # how many `Submitted` these are the answers to
    values: list[Stored | Failure | None]


def encode(frame: Any) -> bytes:
    try:
        body = _ENCODER.encode(frame)
    except UnicodeEncodeError:  # half a character, somewhere; the store could not keep it either
        body = _ENCODER.encode(_whole(msgspec.to_builtins(frame, builtin_types=(bytes,))))
    return _HEAD.pack(len(body)) + body


_ENCODER = msgspec.msgpack.Encoder()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(one) for key, one in value.items()}
    return value


class Frames(Generic[T]):
    """Bytes as they arrive become frames."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._buffer = bytearray()

    def feed(self, data: bytes | memoryview) -> Iterator[T]:
        """The frames that are complete with this."""
        buffer, start = self._buffer, 0
        buffer += data
        while len(buffer) - start >= _HEAD.size:
            (length,) = _HEAD.unpack_from(buffer, start)
            end = start + _HEAD.size + length
            if len(buffer) < end:
                break
            yield self._decoder.decode(memoryview(buffer)[start + _HEAD.size : end])
            start = end
        del buffer[:start]
