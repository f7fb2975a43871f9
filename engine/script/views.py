"""How a script sees a body: one view a message, by format. A view has `get(path)`; its `message` goes to the script."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from engine.mapping.fhir_message import FhirMessage
from engine.ports.script import Program
from engine.protocols.hl7v2.message import Hl7Message
from engine.protocols.json_message import JsonMessage
from engine.protocols.xml.message import XmlMessage


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


def open_view(program: Program, zone: ZoneInfo, body: bytes) -> View:
    """The view of a body that holds one message. X12 is opened by `engine.script.x12`.

    Raises:
        MessageError: StructureError, CharsetError …: the body is not of the channel's format.
    """
    message = _PARSERS[program.format](program, zone, body)
    return View(message, message.get)


def prepare(program: Program) -> None:
    """Import what the format needs while the worker may still open files."""
    for module in _NEEDS.get(program.format, ()):
        import_module(module)


_NEEDS = {"xml": ("engine.protocols.xml.tree",), "fhir": ("engine.mapping.fhir_ready",)}
_PARSERS: dict[str, Callable[[Program, ZoneInfo, bytes], Any]] = {
    "hl7v2": lambda program, zone, body: Hl7Message.parse(body, program.charset, zone),
    "json": lambda program, zone, body: JsonMessage.parse(body),
    "fhir": lambda program, zone, body: FhirMessage.parse(body, zone),
    "xml": lambda program, zone, body: XmlMessage.parse(body, program.namespaces),
    "bytes": lambda program, zone, body: BytesMessage(body),
}
