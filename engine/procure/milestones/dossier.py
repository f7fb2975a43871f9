"""What happened, as rows for SQL: worked out from a dossier's documents, cases and commands, and from nothing else.

Pure. The rows of a dossier before and after a decision are compared, so that only what is new is written; a check can
work them all out anew from the raw documents. Docs: docs/adr/0009-dossiers.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from engine.canonical import CaseAction, Document
from engine.ports.measures import Milestone, units_of
from engine.ports.procure import Case, Dossier, Record, Reference
from engine.procure.milestones.commands import milestones_of_command
from engine.procure.milestones.documents import BY_KIND, milestones_of_whole
from engine.procure.milestones.rows import IDLE, Rows, invoice_at
from engine.procure.papers import GATHERING, Paper, Papers, own_dossier

STAGES: Mapping[str, str] = {
    "requisition": "requisition",
    "approval": "requisition",
    "order": "order",
    "shipment": "receipt",
    "invoice": "invoice",
    "payment": "payment",
    "bank": "payment",
    "supplier": "supplier",
    "usage": "usage",
    "case": "usage",
    "stock": "stock",
    "reconciliation": "ledger",
}
"""Stage of the process by the first word of a dossier's key."""
# Keys to find others by: whatever they hold belongs to another dossier.
_BESIDE = GATHERING | {"supplier-tax", "supplier-name"}

# Their rows follow from their own versions and from the order's.
_OF_THEMSELVES = frozenset({"Invoice", "OrderAcknowledgement", "PurchaseOrder", "Receipt"})
# The rows of a whole order follow from these.
_ORDERED = frozenset({"OrderAcknowledgement", "OrderChange", "PurchaseOrder", "Receipt", "ShipmentNotice"})

Named = dict[tuple[str, str, str], Milestone]


class Moved(NamedTuple):
    """What a decision adds to the rows, and which are no longer so."""

    now: tuple[Milestone, ...] = ()
    gone: tuple[tuple[str, str, str], ...] = ()


def moved(
    dossier: Dossier, papers: Papers, cases: Sequence[Case], given: Iterable[tuple[Document, str, str, int]]
) -> Moved:
    """
    Args:
        dossier: as it was loaded.
        papers: with what was added.
        cases: as the decision leaves those that it touched.
        given: document, name, key and time of each command that is new.
    """
    if dossier.key.partition(":")[0] in _BESIDE:
        return Moved()
    left = {one.case_id: one for one in dossier.cases} | {one.case_id: one for one in cases}
    if len(papers.all) == len(dossier.records):  # nothing came: only cases may differ
        rows = Rows(dossier.key, papers)
        before, after = (_by_name(_of_cases(some, rows)) for some in (dossier.cases, left.values()))
    else:
        known, came = _apart(dossier, papers)
        before = _by_name(milestones_of(dossier.key, known, dossier.cases, came)) if dossier.revision else {}
        after = _by_name(milestones_of(dossier.key, papers, tuple(left.values()), came))
    commands = [row for one in given for row in milestones_of_command(dossier.key, *one)]
    new = [row for name, row in after.items() if before.get(name) != row]
    return Moved((*new, *commands), tuple(sorted(before.keys() - after.keys())))


def _apart(dossier: Dossier, papers: Papers) -> tuple[Papers, frozenset[Reference]]:
    """What was there before, and the documents that came."""
    known = {(one.kind, one.key, one.version) for one in dossier.records}
    before, came = list[Paper](), set[Reference]()
    for paper in papers.all:
        record = paper.record
        if (record.kind, record.key, record.version) in known:
            before.append(paper)
        else:
            came.add(Reference(record.kind, record.key))
    return Papers.of(before), frozenset(came)


def _by_name(rows: Iterable[Milestone]) -> Named:
    return {row.name: row for row in rows}


def milestones_of(
    dossier: str, papers: Papers, cases: Sequence[Case], came: frozenset[Reference] | None = None
) -> Iterator[Milestone]:
    """All rows of a dossier but those of its commands, which are made when a command is given.

    Args:
        came: documents that are new; rows that are the same with and without them are left out. None: all rows.
    """
    rows = Rows(dossier, papers)
    for paper in papers.latest():
        make = BY_KIND.get(paper.record.kind)
        if make is not None and not _stays(paper.record, came) and own_dossier(paper.document) == dossier:
            yield from make(rows, paper.document)
    if came is None or not dossier.startswith("order:") or any(one.kind in _ORDERED for one in came):
        yield from milestones_of_whole(rows)
    yield from _of_cases(cases, rows)


def _stays(record: Record, came: frozenset[Reference] | None) -> bool:
    if came is None or record.kind not in _OF_THEMSELVES:
        return False
    return Reference(record.kind, record.key) not in came and not any(one.kind == "PurchaseOrder" for one in came)


# ------------------------------------------------------------------ exceptions
def _of_cases(cases: Iterable[Case], rows: Rows) -> Iterator[Milestone]:
    for case in cases:
        yield from _spells(case, rows)


def _spells(case: Case, rows: Rows) -> Iterator[Milestone]:
    """One row each time that it was open."""
    papers = rows.papers
    ended = [tuple(one) for one in case.facts.get("spells", ())]
    spells = [*ended, (case.opened_micros, None)] if case.state == "open" else ended
    acts = [one for one in papers.latest() if isinstance(one.document, CaseAction) and _acts_on(one.document, case)]
    about = invoice_at(case, papers)
    of = rows.about(about)
    for opened, closed in spells:
        yield Milestone(
            what="exception", key=case.case_id, detail=str(opened), kind="Case", dossier=case.dossier,
            at_micros=opened, began_micros=opened, ended_micros=closed, type=case.type,
            stage="invoice" if about else stage_of(case.dossier), matter=about or case.dossier,
            amount=case.amount, currency=case.currency,
            units=None if case.amount is None else units_of(Decimal(case.amount)),
            supplier=case.supplier or of["supplier"], facility=case.facility or of["facility"],
            category=of["category"], who=_decider(acts, opened, closed),
        )  # fmt: skip


def stage_of(dossier: str) -> str:
    return STAGES.get(dossier.partition(":")[0], "other")


def _acts_on(action: CaseAction, case: Case) -> bool:
    return action.case_id == case.case_id and action.action not in IDLE


def _decider(acts: Iterable[Paper], opened: int, closed: int | None) -> str | None:
    """Who last decided over it while it was open."""
    during = [one for one in acts if closed is not None and opened <= one.record.at_micros <= closed]
    last = max(during, key=lambda one: (one.record.at_micros, one.record.key), default=None)
    return last.document.who if last is not None and isinstance(last.document, CaseAction) else None
