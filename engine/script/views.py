"""How a script sees a body: one view a message, by format. A view has `get(path)`; its `message` goes to the script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from engine.core.errors import ConfigurationError
from engine.mapping.fhir_message import FhirMessage
from engine.ports.script import Program
from engine.protocols.bytes_message import BytesMessage
from engine.protocols.hl7v2.message import Hl7Message
from engine.protocols.json_message import JsonMessage
from engine.protocols.tabular import TableLayout, TableReader, TabularMessage
from engine.protocols.xml.message import XmlMessage
from engine.script import hipaa


class View(msgspec.Struct, frozen=True):
    """`message` is what the transform gets, `get` how `index:` and `filter:` read it."""

    message: Any
    get: Callable[[str], str | None]


def open_view(program: Program, zone: ZoneInfo, body: bytes, attributes: Mapping[str, str] | None = None) -> View:
    """The view of a body that holds one message. X12 is opened by `engine.script.x12`.

    `attributes`: the message's; of a part of a table, `line` is where its rows stood in the file.

    Raises:
        MessageError: StructureError, CharsetError …: the body is not of the channel's format.
    """
    if program.format in _TABLES:
        message: Any = _table(program, body, (attributes or {}).get("line"))
    else:
        message = _PARSERS[program.format](program, zone, body)
    return View(message, message.get)


def prepare(program: Program) -> None:
    """Import what the format needs while the worker may still open files."""
    if program.format in _TABLES:
        _reader(program.layout or "")
    if program.format == "x12":
        hipaa.load(program.accept)
    for module in _NEEDS.get(program.format, ()):
        import_module(module)


def _table(program: Program, body: bytes, line: str | None) -> TabularMessage:
    """A part is told by its line: its file's trailer was checked at the door."""
    return _reader(program.layout or "").parse(body, int(line) if line and line.isdigit() else None)


@lru_cache(maxsize=256)
def _reader(layout: str) -> TableReader:
    try:
        return TableReader(msgspec.json.decode(layout, type=TableLayout))
    except msgspec.DecodeError:
        remedy = "name one of config/layouts at the source, and deploy the channel"
        raise ConfigurationError("the source has no layout", where="source.layout", remedy=remedy) from None


_TABLES = frozenset({"delimited", "fixed_width", "excel"})
_NEEDS = {
    "xml": ("engine.protocols.xml.tree",),
    "fhir": ("engine.mapping.fhir_ready",),
    "excel": ("engine.protocols.tabular.excel",),
}
_PARSERS: dict[str, Callable[[Program, ZoneInfo, bytes], Any]] = {
    "hl7v2": lambda program, zone, body: Hl7Message.parse(body, program.charset, zone),
    "json": lambda program, zone, body: JsonMessage.parse(body),
    "fhir": lambda program, zone, body: FhirMessage.parse(body, zone),
    "xml": lambda program, zone, body: XmlMessage.parse(
        body, program.namespaces, ignore_doctype=program.ignore_doctype
    ),
    "bytes": lambda program, zone, body: BytesMessage(body),
}
