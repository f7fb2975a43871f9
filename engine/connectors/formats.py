"""How the bytes of a file or body become messages, and how a delivery becomes bytes.

A `Splitter` turns one file into messages, an `Encoder` one delivery into a file. Those of a format that
other modules own are imported when used: `x12_format` has `X12Splitter(context)` and
`X12Encoder(options, context)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, Protocol

import msgspec

from engine.core.errors import ConfigurationError, DestinationError
from engine.ports.connector import ConnectorContext, Outbound, Received


class Splitter(Protocol):
    def split(self, data: bytes, attributes: Mapping[str, str]) -> list[Received]:
        """The messages of one file, in order, with `attributes` on each.

        A part that is not a message comes back as a `Received` with a refusal; nothing is dropped. No I/O.
        `natural_id` None: the source gives one by its own policy.

        Raises:
            MessageError: nothing in the file can be told apart; the whole file is refused.
        """
        ...


class Encoded(msgspec.Struct, frozen=True):
    """A delivery as bytes. `names` are further fields for name templates (`control_number`).

    `plain`: what stays the same at every attempt when the body does not (PGP); None: the body itself.
    """

    body: bytes
    names: Mapping[str, str] = {}
    plain: bytes | None = None

    @property
    def identity(self) -> bytes:
        """What tells this delivery from another one under the same key."""
        return self.body if self.plain is None else self.plain


class Encoder(Protocol):
    async def encode(self, outbound: Outbound) -> Encoded:
        """The same bytes at every attempt for one idempotency key.

        Raises:
            DestinationError: it cannot be written in this format; names the place.
        """
        ...


class Whole:
    """The file is one message."""

    def split(self, data: bytes, attributes: Mapping[str, str]) -> list[Received]:
        return [Received(data, attributes=attributes)]


class Raw:
    """The body as it is."""

    async def encode(self, outbound: Outbound) -> Encoded:
        return Encoded(outbound.body)


class IndentedJson:
    """A document for people and for tools that read files: JSON, indented, newline at the end."""

    async def encode(self, outbound: Outbound) -> Encoded:
        try:
            return Encoded(msgspec.json.format(outbound.body, indent=2) + b"\n")
        except msgspec.DecodeError:
            raise DestinationError(
                "the body is not JSON", remedy="send a document, or set format: raw at this destination"
            ) from None


WRITTEN = Literal["raw", "json", "x12", "delimited", "fixed_width", "excel"]
"""What destinations of files may say as `format:`."""
FORMAT_WORDS = (
    "raw: the body as it is; json: indented; x12: a document as an interchange; delimited, fixed_width, excel: rows by "
    "the destination's layout."
)
_TABLES = ("delimited", "fixed_width", "excel")
_SPLITTERS = {
    "hl7v2": "engine.connectors.hl7v2_file:Hl7Splitter",
    "x12": "engine.connectors.x12_format:X12Splitter",
    "fhir": "engine.connectors.fhir.splitting:FhirSplitter",
    **dict.fromkeys(_TABLES, "engine.connectors.tabular_format:TabularSplitter"),
}
_ENCODERS = {
    "x12": "engine.connectors.x12_format:X12Encoder",
    **dict.fromkeys(_TABLES, "engine.connectors.tabular_format:TabularEncoder"),
}
_PLAIN: dict[str, type[Encoder]] = {"raw": Raw, "json": IndentedJson}


def splitter(name: str | None, context: ConnectorContext) -> Splitter:
    """By format name; None and formats that are not split: the whole file."""
    reference = _SPLITTERS.get(name or "")
    made: Splitter = _made(reference, context) if reference else Whole()
    return made


def encoder(name: str, options: Mapping[str, Any], context: ConnectorContext) -> Encoder:
    """By format name. `options` are the settings that only this format has (`partner`)."""
    reference = _ENCODERS.get(name)
    made: Encoder = _made(reference, {**options, "format": name}, context) if reference else _PLAIN[name]()
    return made


def _made(reference: str, *arguments: Any) -> Any:
    module, _, name = reference.partition(":")
    try:
        return getattr(import_module(module), name)(*arguments)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"the format is not installed: {error.name}", where=module) from None
