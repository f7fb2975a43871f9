"""From findings to a verdict on the interchange, each group and each set: what we take in, and what we answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.protocols.x12.definition import definition
from engine.protocols.x12.findings import Finding, Level, Severity
from engine.protocols.x12.functional_groups import FUNCTIONAL_IDS, SET_OF_GROUP
from engine.protocols.x12.overlay import Rule, overlaid
from engine.protocols.x12.partner import PartnerIdentity
from engine.protocols.x12.segments import EnvelopePolicy, Group, Interchange, TransactionSet, is_refused
from engine.protocols.x12.validate import validate

Guide = Callable[[TransactionSet, str], tuple[Finding, ...] | None]
"""Faults of a set that we have no definition of, given GS08; None when the guide does not know it either."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a partner and we agreed on: the sets it sends, all when empty, and the rules of its guide.

    `taken`: the sets that are taken in where this one came, all when empty.
    """

    sets: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    taken: frozenset[str] = frozenset()

    def has(self, code: str) -> bool:
        if self.taken and code not in self.taken:
            return False
        return not self.sets or code in self.sets or code in SET_OF_GROUP["FA"]


class Verdict(StrEnum):
    """As AK501, AK901 and TA104 write it. PARTLY exists for groups only."""

    ACCEPTED = "A"
    ACCEPTED_WITH_ERRORS = "E"
    PARTLY = "P"
    REJECTED = "R"


@dataclass(frozen=True, slots=True)
class SetOutcome:
    transaction_set: TransactionSet
    verdict: Verdict
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    group: Group
    verdict: Verdict
    sets: tuple[SetOutcome, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> int:
        return sum(1 for one in self.sets if one.verdict is not Verdict.REJECTED)


@dataclass(frozen=True, slots=True)
class InterchangeOutcome:
    """`findings` are the interchange's own; `groups` is empty when it was rejected as a whole."""

    interchange: Interchange
    verdict: Verdict
    groups: tuple[GroupOutcome, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        found = list(self.findings)
        for group in self.groups:
            found += group.findings
            for one in group.sets:
                found += one.findings
        return tuple(found)

    def accepted_sets(self) -> Iterator[tuple[Group, TransactionSet]]:
        """What may have a business effect."""
        for group in self.groups:
            for one in group.sets:
                if one.verdict is not Verdict.REJECTED:
                    yield group.group, one.transaction_set


def judge(
    interchange: Interchange,
    policy: EnvelopePolicy = EnvelopePolicy.STRICT,
    *,
    partner: PartnerIdentity | None = None,
    repeated: bool = False,
    misaddressed: Iterable[int] = (),
    guide: Guide | None = None,
    agreed: Agreed | None = None,
) -> InterchangeOutcome:
    """Decide what is taken in.

    Args:
        policy: of the partner; a tolerant one turns faults of envelope and body into "accepted, with errors", except
            those that leave no set to take in (no SE, an unknown set, a mandatory segment missing).
        partner: whose interchange this must be; None checks no names.
        misaddressed: notes of `name_faults` that were found where the partner is known.
        guide: checks the sets that we have no definition of; without it they are not supported.
        agreed: which sets the partner sends, and what it agreed on beyond the standard; without it, all as they are.
        repeated: the ledger knows ISA13 of this partner already: TA105 025 and no business effect, under any policy.
    """
    own = [f for f in interchange.findings if f.level is Level.INTERCHANGE]
    own += [f for group in interchange.groups for f in group.findings if f.level is Level.INTERCHANGE]
    own += name_faults(interchange, partner) if partner else ()
    own += [_name_fault(note) for note in misaddressed if note in _NAMES]
    if repeated:
        text = "an interchange of this control number came before"
        own.insert(0, Finding(Level.INTERCHANGE, 25, "ISA13", 1, text, tolerable=False))
    verdict = _verdict(own, policy)
    remarks = tuple(f for f in interchange.findings if f.level is Level.REMARK)
    if verdict is Verdict.REJECTED:
        return InterchangeOutcome(interchange, verdict, (), tuple(own) + remarks)
    component = interchange.separators.component
    check = _Check(policy, component, guide, agreed or Agreed())
    groups = tuple(_judge_group(g, n, check) for n, g in enumerate(interchange.groups, 1))
    return InterchangeOutcome(interchange, verdict, groups, tuple(own) + remarks)


def _verdict(findings: list[Finding], policy: EnvelopePolicy) -> Verdict:
    if any(is_refused(f, policy) for f in findings):
        return Verdict.REJECTED
    if any(f.severity is Severity.ERROR for f in findings):
        return Verdict.ACCEPTED_WITH_ERRORS
    return Verdict.ACCEPTED


# TA105 note: ISA element, and what is wrong when it is not as agreed with the partner.
_NAMES = {
    5: (5, "not the partner's qualifier"),
    6: (6, "not the partner's id"),
    7: (7, "not our qualifier"),
    9: (8, "not our id"),
    20: (15, "test and production must not mix"),
}


def name_faults(interchange: Interchange, partner: PartnerIdentity) -> tuple[Finding, ...]:
    """ISA05 to ISA08 and ISA15 against what was agreed with the partner. No policy tolerates these."""
    theirs, ours = (partner.isa_qualifier, partner.isa_id), (partner.our_isa_qualifier, partner.our_isa_id)
    agreed = (*theirs, *ours, partner.usage_indicator)
    given = (interchange.header.get(element).strip() for element, _ in _NAMES.values())
    return tuple(_name_fault(note) for note, one, other in zip(_NAMES, agreed, given, strict=True) if one != other)


def _name_fault(note: int) -> Finding:
    element, text = _NAMES[note]
    return Finding(Level.INTERCHANGE, note, f"ISA{element:02d}", 1, text, tolerable=False)


@dataclass(frozen=True, slots=True)
class _Check:
    """What every set of an interchange is judged by."""

    policy: EnvelopePolicy
    component: str
    guide: Guide | None
    agreed: Agreed


def _judge_group(group: Group, number: int, check: _Check) -> GroupOutcome:
    own = [f for f in group.findings if f.level is Level.GROUP]
    if group.functional_id in FUNCTIONAL_IDS and not own and group.version[:3] not in ("004", "005"):
        text = "only versions 004… and 005… are taken in"
        fault = Finding(Level.GROUP, 2, f"GS08[{number}]", group.header.position if group.header else 0, text)
        own.append(_untolerable(fault).placed(number, 0))
    sets = tuple(_judge_set(one, group, (number, n), check) for n, one in enumerate(group.sets, 1))
    verdict = _verdict(own, check.policy)
    if verdict is Verdict.REJECTED:
        return GroupOutcome(group, verdict, tuple(_rejected(one) for one in sets), tuple(own))
    return GroupOutcome(group, _sum(verdict, sets), sets, tuple(own))


def _untolerable(finding: Finding) -> Finding:
    return Finding(finding.level, finding.note, finding.where, finding.position, finding.text, tolerable=False)


def _rejected(one: SetOutcome) -> SetOutcome:
    return SetOutcome(one.transaction_set, Verdict.REJECTED, one.findings)


def _sum(verdict: Verdict, sets: tuple[SetOutcome, ...]) -> Verdict:
    """A group's verdict from its own faults and its sets'."""
    verdicts = {one.verdict for one in sets}
    if Verdict.REJECTED in verdicts:
        return Verdict.REJECTED if len(verdicts) == 1 else Verdict.PARTLY
    return Verdict.ACCEPTED_WITH_ERRORS if Verdict.ACCEPTED_WITH_ERRORS in verdicts else verdict


def _judge_set(one: TransactionSet, group: Group, place: tuple[int, int], check: _Check) -> SetOutcome:
    found = list(one.findings)
    ours = definition(one.code, group.version) is not None
    guided = check.guide(one, group.version) if check.guide is not None and not ours else None
    if fault := _unfit(one, group, check.agreed.has(one.code) and (ours or guided is not None)):
        found.append(fault.placed(*place))
    if one.trailer is not None:
        body = validate(one, group.version, check.component) if guided is None else guided
        found += [f.placed(*place) for f in overlaid(one, body, check.agreed.rules)]
    return SetOutcome(one, _verdict(found, check.policy), tuple(found))


def _unfit(one: TransactionSet, group: Group, known: bool) -> Finding | None:
    """A set that we cannot read, or that does not belong in its group."""
    position = one.header.position
    if not known:
        return Finding(Level.SET, 1, "ST01", position, "the set is not supported", tolerable=False)
    if group.functional_id in SET_OF_GROUP and one.code not in SET_OF_GROUP[group.functional_id]:
        return Finding(Level.SET, 6, "ST01", position, "the set does not belong in a group of this GS01")
    return None
