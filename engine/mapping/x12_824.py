"""824 to ApplicationAdvice and back. Copies of bad data (TED07, TED08) are neither read nor written: they may be of
anybody. Source: X12 824 in 004010/005010; Insight and IBM invoice 824 guides (BGN, OTI, TED, NTE).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from engine.canonical import Identifier
from engine.canonical.advice import AdviceAction, AdvisedDocument, AdvisedFault, ApplicationAdvice
from engine.core.errors import DataTypeError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping.x12_parties import read_parties, write_parties
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

_SUPPLIERS = ("SU", "SE", "VN", "PE", "RE")  # N101 that names the supplier
_PARTY_MEMBERS = frozenset(("N2", "N3", "N4", "REF", "PER"))
_WIDTH = 60  # TED02
# The second letter of OTI01; the first says of what (T set, I item, G group, B batch).
_ACTIONS = {
    "A": AdviceAction.ACCEPTED,
    "C": AdviceAction.ACCEPTED_WITH_CHANGES,
    "E": AdviceAction.ACCEPTED_WITH_ERRORS,
    "P": AdviceAction.PARTLY,
    "R": AdviceAction.REJECTED,
    "H": AdviceAction.ON_HOLD,
}
_OF_A_SET = {action: f"T{letter}" for letter, action in _ACTIONS.items()}


@sets.told_by_place
def application_advice_from_824(one: TransactionSet, supplier_number: str | None = None) -> ApplicationAdvice:
    """Read what the other side did with our documents.

    Args:
        supplier_number: when the channel knows it; else the partner's who sent it, else the supplier of N1.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make an advice.
    """
    heading, loops, details = _cut(one)
    begin = sets.first(heading, "BGN")
    return sets.build(
        ApplicationAdvice,
        advice_number=sets.required(begin, 2, "BGN02"),
        supplier_number=supplier_number or one.supplier_number or _supplier(loops),
        advised_on=sets.day(sets.required(begin, 3, "BGN03"), "BGN03"),
        purpose=sets.required(begin, 1, "BGN01"),
        parties=read_parties(loops),
        documents=tuple(_read_document(detail, n) for n, detail in enumerate(details, 1)),
    )


def _cut(one: TransactionSet) -> tuple[list[Segment], list[list[Segment]], list[list[Segment]]]:
    """Heading, its N1 loops, and the OTI loops."""
    heading: list[Segment] = []
    loops: list[list[Segment]] = []
    details: list[list[Segment]] = []
    for segment in one.segments:
        if segment.id == "OTI":
            details.append([segment])
        elif details:
            details[-1].append(segment)
        elif segment.id == "N1":
            loops.append([segment])
        elif loops and segment.id in _PARTY_MEMBERS:
            loops[-1].append(segment)
        else:
            heading.append(segment)
    return heading, loops, details


def _supplier(loops: Sequence[Sequence[Segment]]) -> str:
    found = next((loop[0].get(4).strip() for loop in loops if loop[0].get(1) in _SUPPLIERS), "")
    if not found:
        raise RequiredFieldError("the supplier is not named", where="N1 SU", remedy="set it in the channel or partner")
    return found


def _read_document(detail: Sequence[Segment], number: int) -> AdvisedDocument:
    head = detail[0]
    code = sets.required(head, 1, f"OTI01[{number}]")
    action = _ACTIONS.get(code[-1]) if len(code) == 2 else None
    if action is None:
        raise DataTypeError("not an answer that 824 has", where=f"OTI01[{number}]")
    references = ((s.get(1).strip(), s.get(2).strip()) for s in detail if s.id == "REF")
    return sets.build(
        AdvisedDocument,
        f"OTI[{number}]",
        action=action,
        code=code if code != _OF_A_SET[action] else None,
        scheme=sets.required(head, 2, f"OTI02[{number}]"),
        number=sets.required(head, 3, f"OTI03[{number}]"),
        group_number=head.get(8).strip() or None,
        set_number=head.get(9).strip() or None,
        transaction_set=head.get(10).strip() or None,
        references=tuple(Identifier(scheme=scheme, value=value) for scheme, value in references if scheme and value),
        faults=tuple(_read_fault(s, n) for n, s in enumerate((s for s in detail if s.id == "TED"), 1)),
    )


def _read_fault(segment: Segment, number: int) -> AdvisedFault:
    return sets.build(
        AdvisedFault,
        f"TED[{number}]",
        code=sets.required(segment, 1, f"TED01[{number}]"),
        text=segment.get(2).strip()[:_WIDTH].strip() or None,
        segment=segment.get(3).strip() or None,
        position=_count(segment, 4, number),
        element=_count(segment, 5, number),
    )


def _count(segment: Segment, element: int, number: int) -> int | None:
    """A position; of a composite (005010 and later write `3:1`) its first part."""
    text = segment.get(element).strip()
    digits = text[: next((i for i, c in enumerate(text) if not c.isdigit()), len(text))]
    if text and not (digits.isascii() and digits):
        raise DataTypeError("not a position", where=f"TED{element:02d}[{number}]")
    return int(digits) if digits else None


def application_advice_to_824(advice: ApplicationAdvice, today: date | None = None) -> OutboundSet:
    """Write what we did with the other side's documents.

    Args:
        today: the day of an advice that names none.

    Raises:
        RequiredFieldError: no day is given. DataTypeError: a value that X12 cannot hold; the place says which.
    """
    day = advice.advised_on or today
    if day is None:
        raise RequiredFieldError("the day of the advice must be given", where="BGN03")
    segments: list[SegmentValues] = [("BGN", advice.purpose, advice.advice_number, f"{day:%Y%m%d}")]
    segments += write_parties(advice.parties)
    for document in advice.documents:
        segments += _write_document(document)
    return OutboundSet("824", tuple(segments))


def _write_document(one: AdvisedDocument) -> list[SegmentValues]:
    envelope = (one.group_number or "", one.set_number or "", one.transaction_set or "")
    segments: list[SegmentValues] = [
        ("OTI", one.code or _OF_A_SET[one.action], one.scheme, one.number, "", "", "", "", *envelope)
    ]
    segments += [("REF", reference.scheme, reference.value) for reference in one.references]
    for fault in one.faults:
        place = (fault.segment or "", str(fault.position or ""), str(fault.element or ""))
        segments.append(("TED", fault.code, sets.free_text(fault.text), *place))
    return segments


def advice_on(
    one: TransactionSet, number: str, code: str, text: str, place: str | None = None, scheme: str = "IV"
) -> ApplicationAdvice:
    """The rejection of the document that this set brought, for its sender.

    Args:
        number: the document's own number, e.g. BIG02; `scheme` is its list: IV invoice, PO order.
        code: X12 element 647, e.g. `011` not matching.
        text: why, in at most 60 characters that hold no person's data.
        place: where in the set: a segment id with its element (`BIG04`), when one place is to blame.
    """
    fault = sets.build(AdvisedFault, "TED", code=code, text=text, **_placed(one, place))
    document = sets.build(
        AdvisedDocument,
        "OTI",
        action=AdviceAction.REJECTED,
        scheme=scheme,
        number=number,
        transaction_set=one.code,
        faults=(fault,),
    )
    return sets.build(
        ApplicationAdvice,
        "BGN",
        advice_number=number,
        supplier_number=one.supplier_number or "",
        documents=(document,),
        purpose="44",
    )


def _placed(one: TransactionSet, place: str | None) -> dict[str, object]:
    if place is None:
        return {}
    segment, element = place[:-2], place[-2:]
    found = next((n for n, s in enumerate((s for s in one.segments if s.id), 1) if s.id == segment), None)
    return {"segment": segment, "position": found, "element": int(element)}
