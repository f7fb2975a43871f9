"""What one partner's guide asks beyond the standard: segments and elements that must be there or must not, its codes.

Rules travel with a message as one line of text each, as an analyst would write them: `810 REF*VR required`,
`810 BIG07 codes DI|CR`, `856 TD501 also 7|9`. Codes that X12 knows for the faults are used (720 and 723).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.core.errors import DataTypeError
from engine.protocols.x12.findings import Finding, Level
from engine.protocols.x12.segments import Segment, TransactionSet

REQUIRED, FORBIDDEN, CODES, ALSO = "required", "forbidden", "codes", "also"
_MISSING, _NOT_IN_SET = 3, 6  # element 720
_ELEMENT_MISSING, _INVALID_CODE, _NOT_WANTED = 1, 7, 10  # element 723
_TARGET = re.compile(r"([A-Z][A-Z0-9]{1,2}?)(?:\*([^\s*~|]+)|([0-9]{2}))?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One agreement on one set.

    Args:
        element: from 01; 0 for the segment itself.
        qualifier: element 01 of the segments that are meant; empty for all.
        verb: required, forbidden, codes (only these), also (these beside the standard's).
    """

    set_code: str
    segment: str
    verb: str
    element: int = 0
    qualifier: str = ""
    codes: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        """`REF*VR`, `BIG07` or `SAC`."""
        if self.element:
            return f"{self.segment}{self.element:02d}"
        return f"{self.segment}*{self.qualifier}" if self.qualifier else self.segment

    def __str__(self) -> str:
        codes = f" {'|'.join(sorted(self.codes))}" if self.codes else ""
        return f"{self.set_code} {self.target} {self.verb}{codes}"


def rule(set_code: str, target: str, verb: str, codes: Iterable[str] = ()) -> Rule:
    """A rule from its words.

    Raises:
        DataTypeError: no place of a set, or codes for what is no element.
    """
    match, wanted = _TARGET.fullmatch(target), frozenset(codes)
    if match is None:
        raise DataTypeError("not a segment or element", where="at", remedy="write SAC, REF*VR or BIG07")
    element = int(match[3] or 0)
    if (verb in (CODES, ALSO)) != bool(wanted) or (wanted and not element):
        raise DataTypeError("codes belong to one element", where="codes", remedy="write the element: BIG07")
    return Rule(set_code, match[1], verb, element, match[2] or "", wanted)


def told(rules: Iterable[Rule]) -> str:
    """For an attribute of a message; `rules_of` reads it."""
    return "; ".join(map(str, rules))


def rules_of(text: str) -> tuple[Rule, ...]:
    """Raises DataTypeError for what `told` did not write."""
    return tuple(_read(one) for one in text.split("; ") if one)


def _read(text: str) -> Rule:
    set_code, target, verb, *codes = text.split(" ")
    return rule(set_code, target, verb, codes[0].split("|") if codes else ())


def overlaid(one: TransactionSet, standard: Sequence[Finding], rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """The standard's faults without those of codes that the partner has agreed on, and the faults by its own rules."""
    ours = [rule for rule in rules if rule.set_code == one.code]
    if not ours:
        return tuple(standard)
    segments = [s for s in one.segments if s.id]
    kept = [finding for finding in standard if not _agreed(finding, segments, ours)]
    return (*kept, *(fault for rule in ours for fault in _faults(rule, segments)))


def _agreed(finding: Finding, segments: Sequence[Segment], rules: Iterable[Rule]) -> bool:
    if finding.level is not Level.ELEMENT or finding.note != _INVALID_CODE or finding.component:
        return False
    value = segments[finding.position - 1].get(finding.element)
    place = (finding.segment_id, finding.element)
    return any(r.verb == ALSO and (r.segment, r.element) == place and value in r.codes for r in rules)


def _faults(rule: Rule, segments: Sequence[Segment]) -> Iterator[Finding]:
    meant = [
        (position, segment)
        for position, segment in enumerate(segments, 1)
        if segment.id == rule.segment and (not rule.qualifier or segment.get(1) == rule.qualifier)
    ]
    if rule.element:
        for number, (position, segment) in enumerate(meant, 1):
            note, text = _element(rule, segment.get(rule.element))
            if note:
                yield _element_fault(rule, note, text, number, position)
    elif rule.verb == REQUIRED and not meant:
        yield _segment_fault(rule, _MISSING, "the partner's guide asks for this segment", len(segments))
    elif rule.verb == FORBIDDEN:
        for position, _ in meant:
            yield _segment_fault(rule, _NOT_IN_SET, "the partner's guide does not have this segment", position)


def _element(rule: Rule, value: str) -> tuple[int, str]:
    if rule.verb == REQUIRED and not value:
        return _ELEMENT_MISSING, "the partner's guide asks for this element"
    if rule.verb == FORBIDDEN and value:
        return _NOT_WANTED, "the partner's guide does not have this element"
    if rule.verb == CODES and value and value not in rule.codes:
        return _INVALID_CODE, "not a code of the partner's guide"
    return 0, ""


def _segment_fault(rule: Rule, note: int, text: str, position: int) -> Finding:
    # As with a mandatory segment of the standard: what is not there cannot be tolerated.
    tolerable = rule.verb != REQUIRED
    return Finding(Level.SEGMENT, note, rule.target, position, text, tolerable=tolerable, segment_id=rule.segment)


def _element_fault(rule: Rule, note: int, text: str, number: int, position: int) -> Finding:
    where = rule.target + (f"[{number}]" if number > 1 else "")
    return Finding(
        Level.ELEMENT, note, where, position, text, segment_id=rule.segment, element=rule.element
    )  # fmt: skip
