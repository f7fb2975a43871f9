"""Rows of the desk: a case in the queue, documents of a matter, and what happened to it, the oldest first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from engine.core.clock import from_micros
from engine.ports.p2p_operations import CaseRow, DocumentRow, HistoryEntry, ref_of
from engine.ports.procure import Case, GivenCommand
from engine.procure.decision import text_of
from engine.procure.desk import actions
from engine.procure.papers import Papers

Commands = list[tuple[GivenCommand, int]]


def row_of(case: Case, now: int, seen: str = "") -> CaseRow:
    due = case.due_micros
    return CaseRow(
        ref=ref_of(case.case_id),
        case_id=case.case_id,
        dossier=case.dossier,
        type=case.type,
        title=case.title,
        state=case.state,
        owner=case.owner,
        opened_at=from_micros(case.opened_micros),
        due_at=None if due is None else from_micros(due),
        late=case.state == "open" and due is not None and due < now,
        amount=case.amount,
        currency=case.currency,
        supplier=case.supplier,
        facility=case.facility,
        rank=case.rank,
        seen=seen,
    )


def document_rows(papers: Papers) -> list[DocumentRow]:
    rows = [paper.record for paper in papers.all]
    rows.sort(key=lambda one: (one.at_micros, one.kind, one.key, one.version))
    return [DocumentRow(one.kind, one.key, one.version, from_micros(one.at_micros), one.message_id, one.who)
            for one in rows]  # fmt: skip


def history_of(case: Case, papers: Papers, commands: Commands) -> list[HistoryEntry]:
    """The oldest first: documents, the case, what people decided, what was given to be done."""
    entries = [HistoryEntry(from_micros(case.opened_micros), "Exception opened", case.title)]
    entries += list(_routed(case))
    for paper in papers.all:
        record = paper.record
        if record.kind in {"CaseAction", "ApprovalAction"}:
            continue
        version = f", version {record.version}" if record.version > 1 else ""
        what = f"{record.kind} {record.key}{version}"
        entries.append(HistoryEntry(from_micros(record.at_micros), what, who=record.who, message_id=record.message_id))
    for one in actions.actions_on(papers, case.case_id):
        what = one.action.value.replace("_", " ").capitalize()
        entries.append(HistoryEntry(one.at, what, _told(one), one.who, one.reason))
    entries += [HistoryEntry(from_micros(at), f"Given: {one.command.name.replace('_', ' ')}", one.command.natural_key)
                for one, at in commands]  # fmt: skip
    return sorted(entries, key=lambda one: one.at)


def _routed(case: Case) -> Iterator[HistoryEntry]:
    """To whom the case went, and why."""
    routing = case.facts.get("routing")
    for one in routing if isinstance(routing, list) else ():
        if isinstance(one, dict) and "at" in one:
            at = datetime.fromisoformat(str(one["at"]))
            yield HistoryEntry(at, f"Goes to {one.get('owner', 'nobody')}", str(one.get("why", "")))


def _told(action: Any) -> str:
    parts = [f"{one.field} is {one.value or 'empty'}" for one in action.corrections]
    parts += [f"line {one.line}: {text_of(one.quantity.amount)} {one.quantity.unit}" for one in action.parts]
    parts += [f"to {action.assign_to}"] if action.assign_to else []
    parts += [f"until {action.hold_until}"] if action.hold_until else []
    return "; ".join(parts)
