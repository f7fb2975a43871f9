"""Our books against a system's: which documents differ, and why. Pure; `reconcile_run.py` asks the sides."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from engine.canonical import CaseAction, Drift, DriftCause, Money, ReconciliationReport
from engine.ports.ledger_view import LedgerEntry, LedgerRange, Totals
from engine.procure.decision import Decision, Finding, World, text_of
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers

_HEX = "0123456789abcdef"
ENOUGH = 16  # entries of a range that are compared one by one
DEEPEST = 8  # digits of a prefix
_TITLES = {
    DriftCause.MISSING_THERE: "It is posted here and not there",
    DriftCause.MISSING_HERE: "It is posted there and nobody here knows it",
    DriftCause.AMOUNT: "Its amount differs",
    DriftCause.STATE: "Its state differs",
}
_FLIPS = {
    DriftCause.MISSING_THERE: "the system had it, or it were taken back here",
    DriftCause.MISSING_HERE: "the system's document came here",
    DriftCause.AMOUNT: "both amounts were equal",
    DriftCause.STATE: "both states were equal",
}


def exact(amount: Decimal) -> str:
    """The same text for the same amount, whatever its zeros: `10` for 10.00, `0.5` for 0.50."""
    text = text_of(amount if amount else Decimal(0))  # minus nothing is nothing
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def place_of(key: str) -> str:
    """Where a key lies among the ranges."""
    return hashlib.sha256(key.encode()).hexdigest()


def totals_of(entries: Iterable[LedgerEntry]) -> list[Totals]:
    groups: defaultdict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    for one in entries:
        groups[one.supplier, one.currency].append(one)
    return sorted(
        Totals(supplier, currency, len(found), exact(sum((Decimal(one.amount) for one in found), Decimal(0))))
        for (supplier, currency), found in groups.items()
    )


def range_of(entries: Iterable[LedgerEntry], prefix: str) -> LedgerRange:
    found = sorted(one for one in entries if place_of(one.key).startswith(prefix))
    digest = hashlib.sha256()
    for one in found:
        digest.update("\x1f".join((one.key, one.supplier, one.amount, one.currency, one.state)).encode() + b"\x1e")
    return LedgerRange(prefix, len(found), digest.hexdigest())


def suppliers_to_look_at(here: Sequence[Totals], there: Sequence[Totals]) -> list[str]:
    """Whose counts or sums differ."""
    return sorted({one.supplier for one in {*here} ^ {*there}})


def narrower(here: Sequence[LedgerRange], there: Sequence[LedgerRange]) -> tuple[list[str], list[str]]:
    """Prefixes to ask further about, and prefixes whose entries are compared one by one."""
    theirs = {one.prefix: one for one in there}
    further: list[str] = []
    one_by_one: list[str] = []
    for mine in here:
        other = theirs.get(mine.prefix, LedgerRange(mine.prefix, 0, ""))
        if (mine.count, mine.digest) == (other.count, other.digest):
            continue
        if max(mine.count, other.count) <= ENOUGH or len(mine.prefix) >= DEEPEST:
            one_by_one.append(mine.prefix)
        else:
            further.extend(mine.prefix + digit for digit in _HEX)
    return further, one_by_one


def drifts_of(kind: str, here: Iterable[LedgerEntry], there: Iterable[LedgerEntry]) -> Iterator[Drift]:
    """By key. A state is compared where both sides have one."""
    mine, theirs = _by_key(here), _by_key(there)
    for key in sorted({*mine, *theirs}):
        cause = _cause(mine.get(key), theirs.get(key))
        if cause is not None:
            yield _drift(kind, key, cause, mine.get(key), theirs.get(key))


def _by_key(entries: Iterable[LedgerEntry]) -> Mapping[str, LedgerEntry]:
    return {one.key: one for one in entries}


def _cause(here: LedgerEntry | None, there: LedgerEntry | None) -> DriftCause | None:
    if there is None:
        return DriftCause.MISSING_THERE
    if here is None:
        return DriftCause.MISSING_HERE
    if (Decimal(here.amount), here.currency) != (Decimal(there.amount), there.currency):
        return DriftCause.AMOUNT
    if here.state and there.state and here.state != there.state:
        return DriftCause.STATE
    return None


def _drift(kind: str, key: str, cause: DriftCause, here: LedgerEntry | None, there: LedgerEntry | None) -> Drift:
    known = here or there
    return Drift(
        cause=cause,
        subject_kind=kind,
        subject_key=key,
        supplier_number=known.supplier if known else None,
        here=_money(here),
        there=_money(there),
        state_here=(here.state or None) if here else None,
        state_there=(there.state or None) if there else None,
    )


def _money(entry: LedgerEntry | None) -> Money | None:
    return Money(amount=Decimal(entry.amount), currency=entry.currency) if entry else None


# ------------------------------------------------------------------ the decider
def decide_reconciliation(papers: Papers, world: World) -> Decision:
    """Each drift of the newest report is a case; one that the next report does not have is gone."""
    report = next(iter(papers.newest(ReconciliationReport)), None)
    if report is None:
        return Decision({"state": "unknown"})
    causes = [one.cause for one in report.drifts]
    state = {
        "state": "drifted" if report.drifts else "equal",
        "system": report.system,
        "period": report.period,
        "compared_at": report.compared_at.isoformat(),
        "here": report.count_here,
        "there": report.count_there,
        "left_out": report.left_out,
        "drifts": {cause.value: causes.count(cause) for cause in DriftCause if cause in causes},
    }
    return Decision(state, _open([_finding(one, report) for one in report.drifts], papers, world))


def _open(findings: Sequence[Finding], papers: Papers, world: World) -> tuple[Finding, ...]:
    """Without those that people accepted as they are: a drift of another amount is another one."""
    acts = papers.newest(CaseAction)
    left = {one.place for one in still_open(findings, papers, world)}
    return tuple(
        one
        for one in findings
        if one.place in left
        or not all(act.amount == one.money for act in acts if (act.case_type, act.place) == (one.type, one.place))
    )


def _finding(one: Drift, report: ReconciliationReport) -> Finding:
    return Finding(
        f"drift_{one.cause.value}",
        f"{one.subject_kind}/{one.subject_key}",
        _TITLES[one.cause],
        money=_at_stake(one),
        supplier=one.supplier_number,
        flip=_FLIPS[one.cause],
        facts={
            "system": report.system, "period": report.period, "document": one.subject_key,
            "here": text_of(one.here.amount) if one.here else None,
            "there": text_of(one.there.amount) if one.there else None,
            "state_here": one.state_here, "state_there": one.state_there,
        },
    )  # fmt: skip


def _at_stake(one: Drift) -> Money | None:
    if one.here is not None and one.there is not None and one.here.currency == one.there.currency:
        difference = one.here - one.there
        return difference.model_copy(update={"amount": abs(difference.amount)}) if difference.amount else one.here
    return one.here or one.there
