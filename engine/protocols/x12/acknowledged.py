"""What partners answer us: their TA1, 997 and 999 as values, by the control numbers that we gave."""

from __future__ import annotations

from dataclasses import dataclass

from engine.protocols.x12.outcome import Verdict, judge
from engine.protocols.x12.reader import read
from engine.protocols.x12.segments import EnvelopePolicy, File, Segment, TransactionSet

_ANSWERS = ("997", "999")
_MOST_NOTES = 20  # a note is for people; the message holds the rest
_VERDICTS = {"A": "accepted", "E": "accepted_with_errors"}


@dataclass(frozen=True, slots=True)
class SetAcknowledgement:
    """AK2 to AK5. `codes` are AK502 ff.; `faults` are AK3/AK4 as places with codes, e.g. `BEG03[2]: 1`."""

    code: str
    control_number: str
    verdict: str
    codes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An answer to an interchange (TA1) or to a group (997, 999).

    Args:
        kind: `TA1`, `997` or `999`.
        control_number: our ISA13 for a TA1, our GS06 otherwise, as the partner wrote it.
        verdict: the letter of TA104 or AK901; empty when the partner left it out.
        codes: TA105 or AK905 ff.
    """

    kind: str
    control_number: str
    verdict: str
    functional_id: str = ""
    codes: tuple[str, ...] = ()
    sets: tuple[SetAcknowledgement, ...] = ()

    @property
    def number(self) -> int | None:
        """The control number as we count; None when it is none."""
        text = self.control_number
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def outcome(self) -> str:
        """`accepted`, `accepted_with_errors` or `rejected`; partly accepted is rejected: something must be resent."""
        return _VERDICTS.get(self.verdict, "rejected")

    @property
    def note(self) -> str | None:
        """Codes and places for a person, e.g. `AK905 5; 850 0001 R AK502 5; BEG[2]-3: 1`. Holds no values."""
        codes = [f"{'TA105' if self.kind == 'TA1' else 'AK905'} {code}" for code in self.codes]
        for one in self.sets:
            if one.verdict != "A":
                told = " ".join([one.code, one.control_number, one.verdict, *(f"AK502 {code}" for code in one.codes)])
                codes += [told, *one.faults]
        return "; ".join(codes[:_MOST_NOTES]) or None


def acknowledgements_in(body: bytes, policy: EnvelopePolicy = EnvelopePolicy.STRICT) -> tuple[Acknowledgement, ...]:
    """What a body tells of interchanges that we sent. What the policy refuses tells nothing.

    Raises:
        FramingError: it holds no interchange.
    """
    found: list[Acknowledgement] = []
    for interchange in read(body, policy).interchanges:
        outcome = judge(interchange, policy)
        if outcome.verdict is not Verdict.REJECTED:
            found += [_interchange_answer(segment) for segment in interchange.acknowledgements]
        found += [_group_answer(one) for _, one in outcome.accepted_sets() if one.code in _ANSWERS]
    return tuple(found)


def read_acknowledgements(file: File) -> tuple[Acknowledgement, ...]:
    """Every TA1, 997 and 999 of a file, in order, whatever its faults."""
    found: list[Acknowledgement] = []
    for interchange in file.interchanges:
        found += [_interchange_answer(segment) for segment in interchange.acknowledgements]
        found += [_group_answer(one) for group in interchange.groups for one in group.sets if one.code in _ANSWERS]
    return tuple(found)


def _interchange_answer(segment: Segment) -> Acknowledgement:
    note = segment.get(5)
    return Acknowledgement("TA1", segment.get(1), segment.get(4), codes=(note,) if note not in ("", "000") else ())


def _group_answer(one: TransactionSet) -> Acknowledgement:
    head = next((s for s in one.segments if s.id == "AK1"), None)
    end = next((s for s in one.segments if s.id == "AK9"), None)
    return Acknowledgement(
        kind=one.code,
        control_number=head.get(2) if head else "",
        verdict=end.get(1) if end else "",
        functional_id=head.get(1) if head else "",
        codes=_present(end, 5),
        sets=tuple(_set_answers(one)),
    )


def _present(segment: Segment | None, first: int) -> tuple[str, ...]:
    return tuple(part for part in segment.parts[first:] if part) if segment else ()


def _set_answers(one: TransactionSet) -> list[SetAcknowledgement]:
    found: list[SetAcknowledgement] = []
    head: Segment | None = None
    faults: list[str] = []
    place = ""
    for segment in one.segments:
        match segment.id:
            case "AK2":
                head, faults = segment, []
            case "AK3" | "IK3":
                place = f"{segment.get(1)}[{segment.get(2)}]"
                faults += [f"{place}: {code}" for code in _present(segment, 4)]
            case "AK4" | "IK4":
                faults.append(f"{place}-{segment.get(1)}: {segment.get(3)}")
            case "AK5" | "IK5" if head is not None:
                codes = _present(segment, 2)
                answer = SetAcknowledgement(head.get(1), head.get(2), segment.get(1), codes, tuple(faults))
                found.append(answer)
                head = None
    return found
