"""Segments and the envelopes around them, as received: every byte of the input is in one of these values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from engine.core.errors import DataTypeError, RequiredFieldError
from engine.protocols.x12.delimiters import DEFAULT_SEPARATORS, Separators
from engine.protocols.x12.findings import Finding, Severity

_PLACE = re.compile(r"([A-Z][A-Z0-9]{1,2}?)(?:\[([1-9][0-9]{0,5})\])?-?([0-9]{2})(?:[-.]([1-9][0-9]?))?").fullmatch


class EnvelopePolicy(StrEnum):
    """What a partner's wrong counts, control numbers and the like lead to."""

    STRICT = "strict"  # refused, with the code that says why
    TOLERANT = "tolerant"  # taken in; the acknowledgement says "accepted, with errors"


class Segment(NamedTuple):
    """`parts[0]` is the segment id as received, `parts[1]` element 01; `lead` the white space before it."""

    id: str
    parts: list[str]
    position: int = 0
    lead: str = ""

    def get(self, element: int) -> str:
        """The element's text, from 1; empty when absent."""
        return self.parts[element] if element < len(self.parts) else ""


@dataclass(frozen=True, slots=True)
class TransactionSet:
    """ST to SE. `segments` holds them all, the empty ones (`~~`) too; `trailer` is None when SE is missing.

    Scripts read it by places: `get("BEG03")`, `get("PO1[2]-04")`, `get("SLN05-1")` for a component.
    `supplier_number` is our number of the partner who sent it; empty when the partner is not a supplier of ours.
    """

    header: Segment
    segments: tuple[Segment, ...]
    trailer: Segment | None
    findings: tuple[Finding, ...] = ()
    separators: Separators = DEFAULT_SEPARATORS
    supplier_number: str = ""

    @property
    def code(self) -> str:
        """ST01, e.g. `850`."""
        return self.header.get(1)

    @property
    def control_number(self) -> str:
        return self.header.get(2)

    def all(self, segment_id: str) -> tuple[Segment, ...]:
        return tuple(s for s in self.segments if s.id == segment_id)

    def get(self, path: str) -> str | None:
        """The text at a place, None when absent or empty.

        Raises:
            DataTypeError: the path is no place in a set.
        """
        segment_id, occurrence, element, component = _place(path)
        segment = next(islice((s for s in self.segments if s.id == segment_id), occurrence - 1, None), None)
        text = segment.get(element) if segment else ""
        if component and text:
            parts = text.split(self.separators.component) if self.separators.component else [text]
            text = parts[component - 1] if component <= len(parts) else ""
        return text or None

    def require(self, path: str) -> str:
        """Raises RequiredFieldError at the path when nothing is there."""
        text = self.get(path)
        if text is None:
            raise RequiredFieldError("must be given", where=path)
        return text

    def encode(self) -> bytes:
        """ST to SE with the separators it came with, in UTF-8."""
        element, end = self.separators.element, self.separators.segment
        return "".join(element.join(s.parts) + end for s in self.segments if s.id).encode()


@lru_cache(maxsize=1024)
def _place(path: str) -> tuple[str, int, int, int]:
    """Segment id, its occurrence, element and component (0 for none) of `PO1[2]-04` or `SLN05-1`."""
    match = _PLACE(path)
    if match is None:
        remedy = "write segment and element: BEG03, PO1[2]-04, SLN05-1"
        raise DataTypeError("not a place in an X12 set", where=path, remedy=remedy)
    return match[1], int(match[2] or 1), int(match[3]), int(match[4] or 0)


@dataclass(frozen=True, slots=True)
class Group:
    """GS to GE. `header` is None for sets that stand in no group."""

    header: Segment | None
    sets: tuple[TransactionSet, ...]
    trailer: Segment | None
    findings: tuple[Finding, ...] = ()

    def header_element(self, element: int) -> str:
        return self.header.get(element) if self.header else ""

    @property
    def functional_id(self) -> str:
        """GS01, e.g. `PO`."""
        return self.header_element(1)

    @property
    def control_number(self) -> str:
        return self.header_element(6)

    @property
    def version(self) -> str:
        """GS08, e.g. `004010` or `005010X221A1`."""
        return self.header_element(8)


@dataclass(frozen=True, slots=True)
class Interchange:
    """ISA to IEA. `segments` holds every segment in order, also those that stand nowhere sensible.

    Args:
        lead: what stood before ISA: white space, a byte order mark, or stray text.
        unterminated: the last segment ends with the file and not with a terminator.
    """

    separators: Separators
    segments: tuple[Segment, ...]
    groups: tuple[Group, ...]
    acknowledgements: tuple[Segment, ...]
    trailer: Segment | None
    lead: str = ""
    unterminated: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def header(self) -> Segment:
        return self.segments[0]

    @property
    def control_number(self) -> str:
        """ISA13."""
        return self.header.get(13)

    @property
    def version(self) -> str:
        """ISA12, e.g. `00401`."""
        return self.header.get(12)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Its own, its groups' and its sets', in that order of depth."""
        found = list(self.findings)
        for group in self.groups:
            found += group.findings
            for one in group.sets:
                found += one.findings
        return tuple(found)


@dataclass(frozen=True, slots=True)
class File:
    """All interchanges of one received file, and the text after the last one."""

    interchanges: tuple[Interchange, ...]
    tail: str
    charset: str
    policy: EnvelopePolicy
    remarks: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.remarks + tuple(f for one in self.interchanges for f in one.all_findings)

    @property
    def accepted(self) -> bool:
        """Whether the envelopes allow every set to be taken in under this file's policy."""
        return not any(is_refused(f, self.policy) for f in self.findings)


def is_refused(finding: Finding, policy: EnvelopePolicy) -> bool:
    if finding.severity is not Severity.ERROR:
        return False
    return policy is EnvelopePolicy.STRICT or not finding.tolerable
