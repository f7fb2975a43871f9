"""How a script sees a body: one view a message, by format. A view has `get(path)`; its `message` goes to the script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from engine.ports.connector import Reason
from engine.ports.journal import NewDocument
from engine.ports.script import Program


class View(msgspec.Struct, frozen=True):
    """`message` is what the transform gets, `get` how `index:` and `filter:` read it."""

    message: Any
    get: Callable[[str], str | None]


class BytesMessage:
    """A body without a known format."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get(self, path: str) -> str | None:
        return None

    def encode(self) -> bytes:
        return self.body


def open_views(program: Program, zone: ZoneInfo, body: bytes) -> tuple[View, ...]:
    """Raises MessageError (StructureError, CharsetError …) when the body is not of the channel's format."""
    return _OPENERS[program.format](program, zone, body)


def _hl7(program: Program, zone: ZoneInfo, body: bytes) -> tuple[View, ...]:
    from engine.protocols.hl7v2.message import Hl7Message

    message = Hl7Message.parse(body, program.charset, zone)
    return (View(message, message.get),)


def _json(program: Program, zone: ZoneInfo, body: bytes) -> tuple[View, ...]:
    from engine.protocols.json_message import JsonMessage

    message = JsonMessage.parse(body)
    return (View(message, message.get),)


def _bytes(program: Program, zone: ZoneInfo, body: bytes) -> tuple[View, ...]:
    message = BytesMessage(body)
    return (View(message, message.get),)


def _x12(program: Program, zone: ZoneInfo, body: bytes) -> tuple[View, ...]:
    from engine.script.x12 import open_sets

    return tuple(View(m, m.get) for m in open_sets(program, body))


_OPENERS: dict[str, Callable[[Program, ZoneInfo, bytes], tuple[View, ...]]] = {
    "hl7v2": _hl7,
    "json": _json,
    "bytes": _bytes,
    "x12": _x12,
}


class Envelope(msgspec.Struct, frozen=True):
    """What the envelope of a body asks for beside its messages: acknowledgements, and a refusal of the whole."""

    acknowledgements: Sequence[NewDocument] = ()
    refusal: Reason | None = None
