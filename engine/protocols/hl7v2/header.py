"""The header alone, for the receive stage: who sent what, and which acknowledgements it wants."""

from __future__ import annotations

import re

from engine.core.errors import CharsetError
from engine.protocols.hl7v2.charsets import DECLARED
from engine.protocols.hl7v2.delimiters import STANDARD
from engine.protocols.hl7v2.heading import Heading
from engine.protocols.hl7v2.lines import Layout, lay_out, lay_out_header

_ACKNOWLEDGEMENTS = ("ACK", "MCF")
_TYPES: dict[bytes, str] = {}  # MSH-9 as written with the standard separators to its message type
_TYPES_LIMIT = 2048
_find_msa = re.compile(rb"\rMSA").search  # half the time of `in`


class Header(Heading):
    """MSH of a message, readable like the message itself (`header.get("MSH-10")`); other segments are absent.

    The properties that the receive stage needs for every message have a short way here.
    """

    __slots__ = ()

    def field(self, number: int) -> bytes:
        """A field's bytes as they stand in MSH; empty when it is not there."""
        row = self.layout.rows[0]
        return row[number] if number < len(row) else b""  # type: ignore[return-value]  # the header is always split

    @property
    def control_id(self) -> str | None:
        written = self.field(10)
        return written.decode() if written.isalnum() else self.get("MSH-10") if written else None

    @property
    def message_type(self) -> str:
        written = self.field(9)
        if self.delimiters is not STANDARD:
            return super().message_type
        known = _TYPES.get(written)
        if known is None:
            known = super().message_type
            if len(_TYPES) < _TYPES_LIMIT:
                _TYPES[written] = known
        return known

    @property
    def accept_ack(self) -> str | None:
        written = self.field(15)
        return written.decode() if written.isalnum() else self.get("MSH-15") if written else None

    @property
    def application_ack(self) -> str | None:
        written = self.field(16)
        return written.decode() if written.isalnum() else self.get("MSH-16") if written else None

    @property
    def is_called_acknowledgement(self) -> bool:
        """Its type alone says that it is an answer."""
        return self.message_type.startswith(_ACKNOWLEDGEMENTS)

    @property
    def is_acknowledgement(self) -> bool:
        """It is itself an answer, and answers are not answered: its type says so or it carries MSA."""
        if self.is_called_acknowledgement or _find_msa(self._body):
            return True
        return b"\n" in self._body and b"\nMSA" in self._body


def peek(body: bytes, charset: str | None = None) -> Header:
    """Read the header without looking at the rest.

    Args:
        charset: the channel's word against MSH-18.

    Raises:
        StructureError: at `MSH`, `MSH-1` or `MSH-2`: not a header.
        CharsetError: at `MSH-18`: an unknown character set.
    """
    layout = lay_out_header(body, charset)
    if layout is None:
        whole = lay_out(body, charset)
        layout = Layout(whole.rows[:1], whole.delimiters, whole.charset, whole.prefix, None, whole.codec)
    return Header(body, layout, None)


def plain_control_id(body: bytes) -> str | None:
    """MSH-10 of a message in the standard separators, read at a fraction of the cost of `peek`.

    None: it may have another notation, character set or form of control id, or none; ask `peek`.
    """
    end = body.find(b"\r")
    line = body[:end] if end >= 0 else body
    fields = line.split(b"|")
    if len(fields) <= _CONTROL_ID or fields[0] != b"MSH" or fields[1] != _STANDARD_NOTATION:
        return None
    written = fields[_CONTROL_ID]
    if (len(fields) > _CHARSET and fields[_CHARSET] not in DECLARED) or b"\n" in line:
        return None
    return written.decode("ascii") if written.isalnum() else None


_CONTROL_ID, _CHARSET = 9, 17  # MSH-10 and MSH-18 in a list that lacks MSH-1
_STANDARD_NOTATION = b"^~\\&"


def check_charset(body: bytes, header: Header) -> None:
    """Prove that every byte of the message is of its character set.

    Raises:
        CharsetError: at the field of the first byte that is not.
    """
    charset = header.charset
    if charset.transparent and body.isascii():
        return
    try:
        body.decode(charset.codec)
    except UnicodeDecodeError as error:
        where = _place(body[: error.start], header.delimiters.field) if charset.transparent else None
        raise CharsetError(
            f"the bytes are not {charset.codec}",
            where=where,
            remedy="let the sender declare its character set in MSH-18, or set `charset` on the channel",
        ) from None


def _place(before: bytes, separator: bytes) -> str:
    """The field in which these bytes end."""
    lines = before.replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r")
    name = lines[-1].partition(separator)[0]
    occurrence = sum(line.partition(separator)[0] == name for line in lines)
    number = lines[-1].count(separator) + (name == b"MSH")
    return f"{name[:3].decode('ascii', 'backslashreplace')}[{occurrence}]-{number}"
