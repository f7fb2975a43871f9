"""What crosses between the engine and its workers: length-prefixed MessagePack frames and a progress page.

Nothing is pickled: a worker that was taken over can send data, never code.
"""

from __future__ import annotations

import mmap
import socket
import struct
from enum import IntEnum
from typing import NamedTuple

import msgspec

from engine.ports.script import Limits, Program, WorkItem, WorkResult

_HEAD = struct.Struct("<IB")
_PLACE, _SINCE = struct.Struct("<qq"), struct.Struct("<d")
PROGRESS_BYTES = 4096


class Kind(IntEnum):
    PROGRAM = 1
    WORK = 2
    RESULTS = 3
    FORGET = 4


class ProgramFrame(msgspec.Struct, frozen=True, array_like=True):
    program: Program
    limits: Limits


class WorkFrame(msgspec.Struct, frozen=True, array_like=True):
    batch: int
    items: list[WorkItem]


class ResultFrame(msgspec.Struct, frozen=True, array_like=True):
    """`last` closes the batch; `retire` tells that this worker must be replaced (its memory ran out)."""

    batch: int
    results: list[WorkResult]
    last: bool
    retire: bool = False


encode = msgspec.msgpack.Encoder().encode
program_decoder = msgspec.msgpack.Decoder(ProgramFrame)
work_decoder = msgspec.msgpack.Decoder(WorkFrame)
result_decoder = msgspec.msgpack.Decoder(ResultFrame)


def frame(kind: Kind, value: object) -> bytes:
    body = encode(value)
    return _HEAD.pack(len(body), kind) + body


def parse_head(data: bytes | bytearray | memoryview) -> tuple[int, Kind]:
    length, kind = _HEAD.unpack_from(data)
    return length, Kind(kind)


HEAD_BYTES = _HEAD.size


def read_frame(connection: socket.socket) -> tuple[Kind, bytes] | None:
    """Blocking; None at the end of the stream."""
    head = _read_exactly(connection, HEAD_BYTES)
    if head is None:
        return None
    length, kind = parse_head(head)
    body = _read_exactly(connection, length)
    return None if body is None else (kind, body)


def _read_exactly(connection: socket.socket, count: int) -> bytes | None:
    parts = bytearray(count)
    view, have = memoryview(parts), 0
    while have < count:
        got = connection.recv_into(view[have:])
        if not got:
            return None
        have += got
    return bytes(parts)


class Mark(NamedTuple):
    """Where a worker is: position in its batch (-1: idle), and since when (CLOCK_MONOTONIC seconds)."""

    batch: int
    position: int
    since: float


class Progress:
    """A shared page: the worker writes before each message, the engine reads when the worker died or hangs."""

    def __init__(self, descriptor: int) -> None:
        self._page = mmap.mmap(descriptor, PROGRESS_BYTES)

    def write(self, batch: int, position: int, since: float) -> None:
        # The time first: a reader between the two must never see a new place with an old time.
        _SINCE.pack_into(self._page, _PLACE.size, since)
        _PLACE.pack_into(self._page, 0, batch, position)

    def read(self) -> Mark:
        batch, position = _PLACE.unpack_from(self._page, 0)
        return Mark(batch, position, _SINCE.unpack_from(self._page, _PLACE.size)[0])

    def close(self) -> None:
        self._page.close()
