"""Tables in files: rows of a file become messages by the source's layout, documents rows by the destination's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.connectors.formats import Encoded
from engine.core.errors import ConfigurationError, DestinationError, IsthmusError
from engine.ports.connector import ConnectorContext, Outbound, Reason, Received
from engine.protocols.tabular.layout import TableLayout
from engine.protocols.tabular.reader import Part, TableReader
from engine.protocols.tabular.write import write

KINDS = frozenset({"delimited", "fixed_width", "excel"})
_ON_LOOP = 64 * 1024  # bytes of a document: more is written in a thread


class TabularSplitter:
    """One message a file, a row or a group of rows. A row that cannot be read is refused alone.

    Attribute `line`: where the message's first row stands in the file; not of a message that is the whole file.
    """

    def __init__(self, context: ConnectorContext) -> None:
        self._reader = TableReader(_layout_of(context, context.format))

    def split(self, data: bytes, attributes: Mapping[str, str]) -> list[Received]:
        """Raises MessageError: no table of this layout, or its trailer says that something is missing."""
        alone = self._reader.layout.records == "file"
        return [_received(part, attributes, alone) for part in self._reader.split(data)]


def _received(part: Part, attributes: Mapping[str, str], alone: bool) -> Received:
    facts = dict(attributes) if alone else {**attributes, "line": str(part.line)}
    error = part.problem
    refusal = None if error is None else Reason(error.code, error.what, error.where, error.remedy)
    return Received(part.body, attributes=facts, refusal=refusal)


class TabularEncoder:
    """A document, or rows of a script, as a file of the destination's layout."""

    def __init__(self, options: Mapping[str, Any], context: ConnectorContext) -> None:
        self._layout = _layout_of(context, options.get("format"))

    async def encode(self, outbound: Outbound) -> Encoded:
        """Raises DestinationError: a value has no place in such a file; names row and column."""
        if len(outbound.body) <= _ON_LOOP:
            return Encoded(self._file(outbound.body))
        return Encoded(await asyncio.to_thread(self._file, outbound.body))

    def _file(self, body: bytes) -> bytes:
        try:
            document = json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError, InvalidOperation):
            remedy = "send a document, or let the transform return Rows([...])"
            raise DestinationError("the body is neither a document nor rows", remedy=remedy) from None
        try:
            return write(document, self._layout)
        except IsthmusError as error:
            raise DestinationError(error.what, where=error.where, remedy=error.remedy) from None


def _layout_of(context: ConnectorContext, kind: str | None) -> TableLayout:
    if context.layout is None:
        remedy = "write layout: and a name of config/layouts"
        raise ConfigurationError(f"format: {kind} needs a layout", where=context.name, remedy=remedy)
    if kind in KINDS and context.layout.kind != kind:
        remedy = f"write format: {context.layout.kind}, or name another layout"
        raise ConfigurationError(f"the layout is not {kind}", where=context.name, remedy=remedy)
    return context.layout
