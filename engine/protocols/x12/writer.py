"""Sets to an interchange, strictly: counts, control numbers and widths are filled in, and what we write validates.

Separators are the partner's; one that occurs in the data is replaced by another that does not, and ISA says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from engine.core.errors import DataTypeError, DocumentError
from engine.protocols.x12.delimiters import FIRST_WITH_REPETITION, Separators
from engine.protocols.x12.findings import Level
from engine.protocols.x12.overlay import Rule, overlaid
from engine.protocols.x12.partner import PartnerIdentity
from engine.protocols.x12.segments import Segment, TransactionSet
from engine.protocols.x12.validate import validate
from engine.protocols.x12.values import (
    OutboundGroup,
    OutboundSet,
    SegmentValues,
    is_blank,
    is_flat,
    is_repeated,
    joined,
)

_ELEMENT_CHOICES = "*|^+%"
_COMPONENT_CHOICES = ">:<@`"
_SEGMENT_CHOICES = "~'\x1c!"
_REPETITION_CHOICES = "^{\\}]"
_INNER = Separators(component="\x1d", repetition="\x1e")
_CONTROL = re.compile(r"[\x00-\x1c\x1f]")  # all but those of _INNER
_LARGEST_CONTROL_NUMBER = 999_999_999


def write_interchange(
    partner: PartnerIdentity,
    control_number: int,
    made_at: datetime,
    groups: Sequence[OutboundGroup] = (),
    acknowledgements: Sequence[SegmentValues] = (),
    *,
    charset: str = "utf-8",
) -> bytes:
    """One interchange from us to the partner.

    Args:
        control_number: ISA13, 1 to 999,999,999; from the ledger.
        made_at: ISA09/10 and GS04/05, in the zone the partner expects.
        acknowledgements: TA1 segments.

    Raises:
        DataTypeError: an element does not fit its type, or holds a control character; the place says which.
        DocumentError: a set breaks its definition, or no separators are left that the data does not hold.
    """
    if not 0 < control_number <= _LARGEST_CONTROL_NUMBER:
        raise DocumentError("a control number is one to nine digits, above zero", where="ISA13")
    for group in groups:
        for number, one in enumerate(group.sets, 1):
            check_set(one, group.version, number, partner.rules)
    segments = [*acknowledgements]
    for group in groups:
        segments += _group(partner, group, made_at)
    separators = _choose(partner, segments)
    header = _header(partner, control_number, made_at, separators)
    trailer: SegmentValues = ("IEA", str(len(groups)), f"{control_number:09d}")
    end = separators.segment + ("\n" if partner.line_break and separators.segment != "\n" else "")
    texts = [header, *(_text(s, separators) for s in segments), _text(trailer, separators)]
    try:
        return "".join(text + end for text in texts).encode(charset)
    except UnicodeEncodeError as error:
        raise DataTypeError(f"a character does not exist in {charset}", where="ISA") from error


def _header(partner: PartnerIdentity, control_number: int, made_at: datetime, separators: Separators) -> str:
    version = _interchange_version(partner)
    repetition = separators.repetition if version >= FIRST_WITH_REPETITION else "U"
    values = (
        *("ISA", "00", " " * 10, "00", " " * 10),
        *(partner.our_isa_qualifier, _padded(partner.our_isa_id, "ISA06")),
        *(partner.isa_qualifier, _padded(partner.isa_id, "ISA08")),
        *(f"{made_at:%y%m%d}", f"{made_at:%H%M}", repetition, version, f"{control_number:09d}"),
        *("1" if partner.request_ta1 else "0", partner.usage_indicator, separators.component),
    )
    return separators.element.join(values)


def _padded(value: str, where: str) -> str:
    if not 0 < len(value) <= 15:
        raise DocumentError("an interchange id has 1 to 15 characters", where=where)
    return value.ljust(15)


def _interchange_version(partner: PartnerIdentity) -> str:
    """ISA12 for GS08: 004010 is sent in a 00401 interchange."""
    return partner.version[:5]


def _group(partner: PartnerIdentity, group: OutboundGroup, made_at: datetime) -> Iterator[SegmentValues]:
    number = str(group.control_number)
    ids = (group.functional_id, partner.our_gs_id, partner.gs_id)
    yield ("GS", *ids, f"{made_at:%Y%m%d}", f"{made_at:%H%M}", number, "X", group.version)
    for index, one in enumerate(group.sets, 1):
        yield from _with_trailers(one, index)
    yield ("GE", str(len(group.sets)), number)


def _with_trailers(one: OutboundSet, number: int) -> list[SegmentValues]:
    """ST, the body, SE with its count."""
    control_number = f"{number:04d}"
    body = [_trimmed(segment) for segment in one.segments]
    header = _trimmed(("ST", one.code, control_number, one.convention))
    return [header, *body, ("SE", str(len(body) + 2), control_number)]


def _trimmed(segment: SegmentValues) -> SegmentValues:
    """Without empty elements at its end, which X12 does not allow."""
    end = len(segment)
    while end > 1 and is_blank(segment[end - 1]):
        end -= 1
    return segment[:end]


def check_set(one: OutboundSet, version: str, number: int = 1, rules: Iterable[Rule] = ()) -> None:
    """Our own set against its definition and the partner's rules: outbound is always strict.

    Raises as `write_interchange`.
    """
    segments = []
    for position, values in enumerate(_with_trailers(one, number), 1):
        # Composites are checked with separators that cannot be in the data: control characters are refused below.
        parts = list(values) if is_flat(values) else [joined(v, _INNER.component, _INNER.repetition) for v in values]
        if _CONTROL.search(_INNER.component.join(parts)):
            element = next(number for number, value in enumerate(parts) if _CONTROL.search(value))
            raise DataTypeError("holds a control character", where=f"{parts[0]}{element:02d}")
        segments.append(Segment(parts[0], parts, position))
    checked = TransactionSet(segments[0], tuple(segments), segments[-1], (), _INNER)
    findings = overlaid(checked, validate(checked, version, _INNER.component), rules)
    for finding in findings:
        if finding.level is Level.ELEMENT:
            raise DataTypeError(finding.text, where=finding.where)
        raise DocumentError(finding.text, where=finding.where)


def _choose(partner: PartnerIdentity, segments: Sequence[SegmentValues]) -> Separators:
    """The partner's separators where the data allows, else others."""
    used = set(partner.our_isa_id + partner.isa_id)
    for values in segments:
        used.update("".join(values) if is_flat(values) else "".join(joined(value, "", "") for value in values))
    wanted = partner.separators
    taken: set[str] = set()

    def pick(preferred: str, choices: str, where: str) -> str:
        for char in preferred + choices:
            if char not in used and char not in taken:
                taken.add(char)
                return char
        raise DocumentError("every separator that may stand here occurs in the data", where=where)

    element = pick(wanted.element, _ELEMENT_CHOICES, "ISA")
    segment = pick(wanted.segment[:1], _SEGMENT_CHOICES, "ISA16")
    component = pick(wanted.component, _COMPONENT_CHOICES, "ISA16")
    needs_repetition = _interchange_version(partner) >= FIRST_WITH_REPETITION
    repetition = pick(wanted.repetition, _REPETITION_CHOICES, "ISA11") if needs_repetition else ""
    return Separators(element, component, segment, repetition)


def _text(segment: SegmentValues, separators: Separators) -> str:
    if is_flat(segment):
        return separators.element.join(segment)
    if not separators.repetition and any(is_repeated(value) for value in segment):
        text = f"an element is repeated, which versions before {FIRST_WITH_REPETITION} do not know"
        raise DocumentError(text, where=str(segment[0]))
    return separators.element.join(joined(v, separators.component, separators.repetition) for v in segment)
