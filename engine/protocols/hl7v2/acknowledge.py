"""Acknowledgements: which are due, how they are written, what one says.

Source: HL7 v2.9 chapter 2, sections 2.9.2 (original mode), 2.9.3 (enhanced mode), MSA, ERR; tables 0008, 0155, 0357.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from engine.core.errors import StructureError
from engine.protocols.hl7v2.datatypes import write_moment
from engine.protocols.hl7v2.delimiters import STANDARD, Delimiters
from engine.protocols.hl7v2.escapes import escape
from engine.protocols.hl7v2.header import Header
from engine.protocols.hl7v2.message import Hl7Message
from engine.protocols.hl7v2.segment import Segment

Outcome = Literal["ok", "error", "reject"]
AcceptCode = Literal["CA", "CE", "CR"]
ApplicationCode = Literal["AA", "AE", "AR"]
Code = AcceptCode | ApplicationCode

_ACCEPT: dict[Outcome, AcceptCode] = {"ok": "CA", "error": "CE", "reject": "CR"}
_APPLICATION: dict[Outcome, ApplicationCode] = {"ok": "AA", "error": "AE", "reject": "AR"}
# Table 0155: on which outcomes an acknowledgement is wanted. An empty field counts as NE once the other is valued.
_WANTED: dict[str, frozenset[str]] = {
    "AL": frozenset({"ok", "error", "reject"}),
    "ER": frozenset({"error", "reject"}),
    "SU": frozenset({"ok"}),
    "NE": frozenset(),
    "": frozenset(),
}
CODES = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})

# Table 0357, the conditions that the engine reports.
SEGMENT_SEQUENCE, REQUIRED_FIELD, DATA_TYPE, TABLE_VALUE = "100", "101", "102", "103"
UNSUPPORTED_TYPE, UNSUPPORTED_EVENT, UNSUPPORTED_VERSION, DUPLICATE_KEY = "200", "201", "203", "205"
INTERNAL = "207"
_WORDS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}


class AckPlan(NamedTuple):
    """What to send: first the accept acknowledgement, then the application's; None is not sent."""

    accept_code: AcceptCode | None
    application_code: ApplicationCode | None

    @property
    def codes(self) -> tuple[Code, ...]:
        return tuple(code for code in self if code is not None)


class AckError(NamedTuple):
    """One ERR: a condition of table 0357, the place it is about, and words without any value."""

    code: str
    text: str
    where: str | None = None


class Acknowledgement(NamedTuple):
    """What a received acknowledgement says; `control_id` is MSA-2, the message that it is about."""

    code: Code
    control_id: str
    text: str | None
    errors: tuple[AckError, ...]

    @property
    def positive(self) -> bool:
        return self.code in ("AA", "CA")

    @property
    def is_accept_level(self) -> bool:
        """The far side only took the message in; an application acknowledgement may follow."""
        return self.code.startswith("C")


def is_enhanced(msh15: str | None, msh16: str | None) -> bool:
    return bool(msh15 or msh16)


@lru_cache(maxsize=256)
def plan(msh15: str | None, msh16: str | None, outcome: Outcome, application_outcome: Outcome | None = None) -> AckPlan:
    """Which acknowledgements a message gets.

    A negative accept acknowledgement ends the exchange: no application acknowledgement follows it. Where MSH-15 asks
    for none, the same outcome is told at application level if MSH-16 asks for it.

    Args:
        outcome: of taking the message in.
        application_outcome: of processing it, when that is known apart; otherwise the same.

    Raises:
        StructureError: a value that table 0155 does not have.
    """
    if not is_enhanced(msh15, msh16):
        return AckPlan(None, _APPLICATION[outcome if outcome != "ok" else application_outcome or outcome])
    accept = _ACCEPT[outcome] if outcome in _wanted(msh15, "MSH-15") else None
    if outcome != "ok" and accept is not None:
        return AckPlan(accept, None)
    final = application_outcome or outcome if outcome == "ok" else outcome
    return AckPlan(accept, _APPLICATION[final] if final in _wanted(msh16, "MSH-16") else None)


def _wanted(condition: str | None, where: str) -> frozenset[str]:
    wanted = _WANTED.get(condition or "")
    if wanted is None:
        raise StructureError("not an acknowledgement condition of table 0155", where=where)
    return wanted


def build(
    header: Header,
    code: Code,
    control_id: str,
    moment: datetime,
    text: str | None = None,
    errors: tuple[AckError, ...] = (),
) -> bytes:
    """Write an acknowledgement of the message that has this header, in its version, separators and character set.

    Args:
        control_id: of the acknowledgement itself (its MSH-10). The same id and moment give the same bytes.
        moment: when it is made; aware.
        text: MSA-3.
        errors: one ERR each.
    """
    delimiters = header.delimiters
    own_id = control_id.encode("ascii") if control_id.isalnum() else _text(control_id, delimiters)
    before, between, after = frame_of(header)
    separator = delimiters.field
    body = b"".join((before, stamp(moment), between, own_id, after, code.encode(), separator, header.field(10)))
    if text:
        body += separator + _text(text, delimiters)
    body += b"\r"
    for segment in _errs(errors, header.field(12), delimiters) if errors else ():
        body += separator.join(segment) + b"\r"
    codec = header.layout.codec
    return body if codec is None else body.decode().encode(codec.codec)


Frame = tuple[bytes, bytes, bytes]
"""What an acknowledgement has before its MSH-7, between that and MSH-10, and from there to MSA-1."""

_FRAMES: dict[bytes, Frame] = {}  # by what the header gives to them, in the standard separators
_FRAMES_LIMIT = 1024


def frame_of(header: Header) -> Frame:
    """All messages of a sender get acknowledgements that differ in time, ids and code only."""
    if header.delimiters is not STANDARD:
        return _make_frame(header)
    fields = header.layout.rows[0]
    key = b"|".join((*fields[3:7], header.field(9), *fields[11:13], b"", header.field(18)))
    known = _FRAMES.get(key)
    if known is None:
        known = _make_frame(header)
        if len(_FRAMES) < _FRAMES_LIMIT:
            _FRAMES[key] = known
    return known


def _make_frame(header: Header) -> Frame:
    delimiters, old = header.delimiters, header.field
    separator, version = delimiters.field, old(12)
    before = separator.join([b"MSH", delimiters.encoding_characters, old(5), old(6), old(3), old(4), b""])
    kind = _type(old(9), version, delimiters.component, delimiters.repetition)
    after = [b"", old(11) or b"P", version or b"2.5"]
    if charset := old(18):
        after += [b"", b"", b"", b"", b"", charset]
    return before, separator.join([b"", b"", kind, b""]), separator.join(after) + b"\rMSA" + separator


def read_plain(body: bytes) -> Acknowledgement | None:
    """A positive acknowledgement in common separators, without errors, read at a fraction of the cost of `read`.

    None: it may be anything else; ask `read`. Most acknowledgements of a day are of this kind.
    """
    if body[:4] != b"MSH|" or b"\rERR" in body or b"\\" in body[9:]:
        return None
    _, found, rest = body.partition(b"\rMSA|")
    parts = rest.partition(b"\r")[0].split(b"|", 3)
    if not found or len(parts) < 2 or parts[0] not in _PLAIN or not parts[1].isalnum():
        return None
    if len(parts) > 2 and parts[2]:
        return None
    return Acknowledgement(_PLAIN[parts[0]], parts[1].decode("ascii"), None, ())


_PLAIN: dict[bytes, Code] = {b"AA": "AA", b"CA": "CA"}


def read(body: bytes, charset: str | None = None) -> Acknowledgement:
    """What an acknowledgement says.

    Raises:
        StructureError: it has no MSA, no known code in MSA-1, or nothing in MSA-2.
        CharsetError: it is not of its character set.
    """
    message = Hl7Message.parse(body, charset)
    msa = message.first("MSA")
    if msa is None:
        raise StructureError("an acknowledgement has a segment MSA", where="MSA")
    code, control_id = msa.get(1), msa.get(2)
    if code not in CODES:
        raise StructureError("not an acknowledgement code of table 0008", where="MSA-1")
    if control_id is None:
        raise StructureError("the acknowledgement names no message", where="MSA-2")
    errors = tuple(_read_err(err) for err in message.all("ERR"))
    return Acknowledgement(code, control_id, msa.get(3), errors)  # type: ignore[arg-type]  # checked above


# ------------------------------------------------------------------ inside
def stamp(moment: datetime) -> bytes:
    """MSH-7 for this moment."""
    if moment.tzinfo is UTC:
        return _stamp_of_second(int(moment.timestamp()))
    return write_moment(moment).encode()


@lru_cache(maxsize=256)
def _stamp_of_second(second: int) -> bytes:
    return write_moment(datetime.fromtimestamp(second, UTC)).encode()


@lru_cache(maxsize=1024)
def _type(msh9: bytes, msh12: bytes, separator: bytes, repetition: bytes) -> bytes:
    """`ACK`, from 2.3 with the trigger event, from 2.4 with the structure."""
    first = msh9.partition(repetition)[0] if repetition else msh9
    event = [*first.split(separator), b""][1]
    version = _version(msh12)
    if not event or version < (2, 3):
        return b"ACK"
    return b"ACK" + separator + event + (separator + b"ACK" if version >= (2, 4) else b"")


@lru_cache(maxsize=256)
def _version(msh12: bytes) -> tuple[int, ...]:
    numbers = re.findall(rb"\d{1,4}", re.split(rb"[^0-9.]", msh12, maxsplit=1)[0])
    return tuple(map(int, numbers)) or (2, 5)


def _text(text: str, delimiters: Delimiters) -> bytes:
    """Our own words: ASCII, so that every character set has them."""
    ascii_only = text.encode("ascii", "backslashreplace").decode("ascii")
    if not delimiters.escape:
        ascii_only = "".join(c for c in ascii_only if c.isalnum() or c in " .,:()-_")
    return escape(ascii_only, delimiters, "MSA-3").encode("ascii")


_PLACE = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})(?:\[(?P<sequence>\d+)\])?"
    r"(?:-(?P<field>\d+)(?:\[(?P<repetition>\d+)\])?(?:\.(?P<component>\d+)(?:\.(?P<subcomponent>\d+))?)?)?"
)


def _location(where: str | None) -> list[str]:
    """Segment, its sequence, field, repetition, component, subcomponent: as many as are known."""
    match = _PLACE.fullmatch(where or "")
    if match is None:
        return []
    parts = [match["segment"], match["sequence"] or "1", match["field"] or ""]
    parts += [match["repetition"] or ("1" if match["field"] else ""), match["component"] or ""]
    parts.append(match["subcomponent"] or "")
    while not parts[-1]:
        parts.pop()
    return parts


def _errs(errors: tuple[AckError, ...], version: bytes, delimiters: Delimiters) -> list[list[bytes]]:
    """From 2.5 one ERR each, with ERR-2 to ERR-8; before, one ERR whose first field repeats."""
    if _version(version) >= (2, 5):
        return [_err(error, delimiters) for error in errors]
    each = [_old_err(error, delimiters) for error in errors]
    return [[b"ERR", delimiters.repetition.join(each) if delimiters.repetition else each[0]]]


def _err(error: AckError, delimiters: Delimiters) -> list[bytes]:
    place = delimiters.component.join(part.encode() for part in _location(error.where))
    condition = delimiters.component.join(_condition(error, delimiters))
    return [b"ERR", b"", place, condition, b"E", b"", b"", b"", _text(error.text, delimiters)]


def _old_err(error: AckError, delimiters: Delimiters) -> bytes:
    place = [part.encode() for part in [*_location(error.where)[:3], "", "", ""][:3]]
    condition = (delimiters.subcomponent or b" ").join(_condition(error, delimiters))
    return delimiters.component.join([*place, condition])


def _condition(error: AckError, delimiters: Delimiters) -> list[bytes]:
    return [_text(part, delimiters) for part in (error.code, _WORDS.get(error.code, "Error"), "HL70357")]


def _read_err(err: Segment) -> AckError:
    if err.get(3) is not None:
        parts = [err.get((2, number)) or "" for number in range(1, 7)]
        return AckError(err.get(3) or INTERNAL, err.get(8) or err.get((3, 2)) or "", _written(parts))
    parts = [err.get((1, number)) or "" for number in range(1, 4)]
    return AckError(err.get((1, 4)) or INTERNAL, err.get((1, 4, 2)) or "", _written(parts))


def _written(parts: list[str]) -> str | None:
    """`RQD[2]-5.1` from segment, sequence, field, repetition, component, subcomponent."""
    segment, sequence, field, repetition, component, subcomponent = (*parts, "", "", "", "")[:6]
    if not segment:
        return None
    text = segment + (f"[{sequence}]" if sequence else "")
    if field:
        text += f"-{field}" + (f"[{repetition}]" if repetition not in ("", "1") else "")
    if component:
        text += f".{component}" + (f".{subcomponent}" if subcomponent else "")
    return text
