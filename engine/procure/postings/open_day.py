"""What is to be posted in a closed period is posted on the first day of the next open one, and says why.

The document that goes to the ERP carries the day, and the reason in its notes, so that it is kept as it was given; the
state of the dossier shows it. Source: config/policies/calendars.yaml, `legal_entities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from engine.canonical import Document, Invoice, JournalEntry
from engine.procure.calendar import PostingDay
from engine.procure.decision import Decision, Intent, World
from engine.procure.postings.posting import day_to_post, on_open_day

_POSTINGS = frozenset({"post_invoice", "post_journal"})
CLOSED = "period_closed"


def on_open_days(decision: Decision, world: World) -> Decision:
    """The decision with its postings on open days; unchanged where all are."""
    moved = {one.key: found for one in decision.intents if (found := _moved(one, world)) is not None}
    if not moved:
        return decision
    intents = tuple(moved[one.key][0] if one.key in moved else one for one in decision.intents)
    days = {key: facts for key, (_, facts) in moved.items()}
    return msgspec.structs.replace(decision, intents=intents, state={**decision.state, "posting_days": days})


def _moved(intent: Intent, world: World) -> tuple[Intent, Mapping[str, str]] | None:
    """None: its day is open, or it is no posting."""
    document = intent.document
    if intent.what not in _POSTINGS or not isinstance(document, Invoice | JournalEntry):
        return None
    moved, wanted, day = _invoice(document, world) if isinstance(document, Invoice) else _entry(document, world)
    return (msgspec.structs.replace(intent, document=moved), _facts(wanted, day)) if day.moved else None


def _invoice(invoice: Invoice, world: World) -> tuple[Document, date, PostingDay]:
    wanted = invoice.posted_on or invoice.invoiced_on
    day = day_to_post(wanted, invoice.legal_entity, world)
    notes = (*invoice.notes, _reason(wanted, day))
    return invoice.model_copy(update={"posted_on": day.day, "notes": notes}), wanted, day


def _entry(entry: JournalEntry, world: World) -> tuple[Document, date, PostingDay]:
    moved, day = on_open_day(entry, world)
    words = entry.description or _reason(entry.posted_on, day)
    return moved.model_copy(update={"description": words}), entry.posted_on, day


def _reason(wanted: date, day: PostingDay) -> str:
    return f"Posted on {day.day.isoformat()}: the period of {wanted.isoformat()} is closed"


def _facts(wanted: date, day: PostingDay) -> dict[str, str]:
    return {
        "wanted": wanted.isoformat(),
        "posted_on": day.day.isoformat(),
        "because": CLOSED,
        "period": day.period.name,
    }
