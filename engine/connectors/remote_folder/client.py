"""What a watched or written folder needs of the client of a file server, whatever it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

from engine.core.errors import TransportError


class LogInError(TransportError):
    """The server does not let us in: key, certificate or password is not accepted there."""

    code = "T052"


class LostError(Exception):
    """The connection is gone, or the server does not answer. What was asked may have been done."""


class Status(IntEnum):
    """Why a server says no, in the codes of SFTP; other servers' answers are put into these."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    UNSUPPORTED = 8


class StatusError(Exception):
    """The server said no; `code` is of the protocol. Its words are not kept: they may hold anything."""

    def __init__(self, code: int) -> None:
        super().__init__(f"status {code}")
        self.code = code

    @property
    def words(self) -> str:
        """For people."""
        known = {Status.NO_SUCH_FILE: "no such file or folder", Status.PERMISSION_DENIED: "permission denied"}
        return known.get(Status(self.code), "failure") if self.code in set(Status) else "failure"


class Attributes(NamedTuple):
    """Of a file; None: the server does not say. `modified` in whole seconds since 1970."""

    size: int | None = None
    mode: int | None = None
    modified: int | None = None


class Entry(NamedTuple):
    """One line of a listing."""

    name: str
    attributes: Attributes


class RemoteClient(Protocol):
    """A server that lets us in. Every method raises StatusError when it says no, LostError when it says nothing."""

    @property
    def lost(self) -> str | None:
        """Why nothing more can be asked; None: all is well."""
        ...

    async def listing(self, folder: str) -> list[Entry]:
        """What is in a folder, without `.` and `..`, in no order."""
        ...

    async def make_folder(self, path: str) -> None:
        """Make one folder below one that is there."""
        ...

    async def look_at(self, path: str) -> Attributes | None:
        """None: nothing is there."""
        ...

    async def rename(self, path: str, target: str) -> None:
        """Never over an existing file: that is Status.FAILURE."""
        ...

    async def remove(self, path: str) -> None:
        """Remove one file."""
        ...

    async def fetch(self, path: str, looks: Attributes, content: bytearray, size: int) -> bool:
        """Append what `content` lacks of `size` bytes; what came before an error stays there for the next try.

        Returns whether the file looked as `looks` all the while.
        """
        ...

    async def store(self, path: str, content: bytes) -> None:
        """Write a whole file, over what is there."""
        ...

    async def beginning(self, path: str, most: int) -> bytes | None:
        """The first bytes of a file; None: there is none."""
        ...


class RemoteConnection(Protocol):
    """Gives the client of a server that lets us in."""

    async def client(self) -> RemoteClient:
        """Raises TransportError: nothing was asked of the server yet."""
        ...

    async def close(self) -> None:
        """Leaves no socket and no thread."""
        ...


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """What was asked at once, in this order; raises the first failure when all have their answers."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes
