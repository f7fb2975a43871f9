"""The packets of SFTP version 3, which every server speaks: bytes in, bytes out, no I/O.

Source: draft-ietf-secsh-filexfer-02. Names of files are bytes there; as text they are UTF-8, odd bytes escaped as
surrogates, so that every name goes back as it came.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from engine.connectors.remote_folder.client import Attributes as Attributes
from engine.connectors.remote_folder.client import Entry as Entry
from engine.connectors.remote_folder.client import Status as Status

VERSION = 3
LONGEST_PACKET = 1024 * 1024  # bytes: what a server may send at once; the draft asks for 34,000 at least
_MOST_ATTRIBUTES = 64  # extended pairs of one file


class Ask(IntEnum):
    """What a client asks."""

    INIT = 1
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    STAT = 17
    RENAME = 18
    EXTENDED = 200


class Told(IntEnum):
    """What a server answers."""

    VERSION = 2
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105


class Open(IntEnum):
    """Flags of OPEN."""

    READ = 0x01
    WRITE = 0x02
    CREATE = 0x08
    TRUNCATE = 0x10


class MalformedError(Exception):
    """The server's bytes are not SFTP."""


class Answer(NamedTuple):
    """One packet of the server."""

    kind: int
    number: int
    content: bytes


def packet(kind: Ask, number: int, *parts: bytes) -> bytes:
    """One request; `number` comes back with its answer. INIT has the version in its place."""
    length = 5 + sum(map(len, parts))
    return b"".join((struct.pack(">IBI", length, kind, number), *parts))


def text(value: str) -> bytes:
    return string(value.encode("utf-8", "surrogateescape"))


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def u32(value: int) -> bytes:
    return struct.pack(">I", value)


def u64(value: int) -> bytes:
    return struct.pack(">Q", value)


NO_ATTRIBUTES = u32(0)


class Unpacker:
    """Cuts the server's stream into packets, however it arrives."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Answer]:
        """Raises MalformedError: a length that no packet has."""
        self._rest += data
        start = 0
        while len(self._rest) - start >= 4:
            (length,) = struct.unpack_from(">I", self._rest, start)
            if not 5 <= length <= LONGEST_PACKET:
                raise MalformedError("a packet of an impossible length")
            if len(self._rest) - start - 4 < length:
                break
            kind, number = struct.unpack_from(">BI", self._rest, start + 4)
            yield Answer(kind, number, bytes(self._rest[start + 9 : start + 4 + length]))
            start += 4 + length
        del self._rest[:start]


class Reader:
    """Takes values off the content of an answer. Every method raises MalformedError at its end."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def empty(self) -> bool:
        """All of it was taken."""
        return self._at >= len(self._content)

    def u32(self) -> int:
        """A number of four bytes."""
        return int.from_bytes(self._take(4), "big")

    def u64(self) -> int:
        """A number of eight bytes."""
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        """Bytes with their length before them."""
        return self._take(self.u32())

    def text(self) -> str:
        """A string as text."""
        return self.string().decode("utf-8", "surrogateescape")

    def attributes(self) -> Attributes:
        """A file's size, mode and time."""
        flags = self.u32()
        size = self.u64() if flags & 0x1 else None
        if flags & 0x2:  # owner and group
            self.u64()
        mode = self.u32() if flags & 0x4 else None
        modified = (self.u32(), self.u32())[1] if flags & 0x8 else None
        if flags & 0x80000000:
            self._skip_extended()
        return Attributes(size, mode, modified)

    def entries(self) -> list[Entry]:
        """The lines of a listing; the long form, meant for people, is left out."""
        found = []
        for _ in range(self.u32()):
            name, _long = self.text(), self.string()
            found.append(Entry(name, self.attributes()))
        return found

    def _skip_extended(self) -> None:
        pairs = self.u32()
        if pairs > _MOST_ATTRIBUTES:
            raise MalformedError("too many attributes")
        for _ in range(pairs * 2):
            self.string()

    def _take(self, length: int) -> bytes:
        taken = self._content[self._at : self._at + length]
        if len(taken) != length:
            raise MalformedError("an answer ends early")
        self._at += length
        return taken
