"""What people ask of the procure-to-pay process: work queue, evidence, decisions, timelines, lineage.

The console, the API and the command line all call this. Amounts and quantities are exact, as text. `ref` is the short
name of a case for addresses and for people: its id has characters that no address survives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from engine.ports.lots import LotView
from engine.ports.procure import Case, CaseQuery, GivenCommand, Reference

_REF_DIGITS = 12


def ref_of(case_id: str) -> str:
    """Twelve hexadecimal digits."""
    return hashlib.sha256(case_id.encode()).hexdigest()[:_REF_DIGITS]


# ------------------------------------------------------------------ cases
class CaseRow(msgspec.Struct, frozen=True):
    """A line of the work queue. `late`: open and past its due time. `seen`: as in `CaseView`; empty where it was not
    asked for."""

    ref: str
    case_id: str
    dossier: str
    type: str
    title: str
    state: str
    owner: str
    opened_at: datetime
    due_at: datetime | None
    late: bool
    amount: str | None
    currency: str | None
    supplier: str | None
    facility: str | None
    rank: int
    seen: str = ""


class Side(msgspec.Struct, frozen=True):
    """What one side says of a line; an empty text: it says nothing. `documents`: who says it."""

    quantity: str = ""
    unit: str = ""
    price: str = ""
    price_unit: str = ""
    total: str = ""
    item: str = ""
    documents: Sequence[str] = ()


class EvidenceLine(msgspec.Struct, frozen=True):
    """A line as order, receipts and invoice have it. `differs`: names of the figures that do not agree
    (`quantity`, `unit`, `price`, `item`, `received`)."""

    number: str
    description: str
    ordered: Side | None
    received: Side | None
    invoiced: Side | None
    differs: Sequence[str] = ()


class Evidence(msgspec.Struct, frozen=True):
    """Order, receipts and invoice beside each other. `totals` by side; numbers are the documents'."""

    order: str | None = None
    invoice: str | None = None
    receipts: Sequence[str] = ()
    currency: str = ""
    lines: Sequence[EvidenceLine] = ()
    charges: Sequence[tuple[str, str, str]] = ()
    ordered_total: str = ""
    invoiced_total: str = ""
    stated_total: str = ""


class DocumentRow(msgspec.Struct, frozen=True):
    """A version of a document of a dossier, with the message that brought it or the person who made it."""

    kind: str
    key: str
    version: int
    at: datetime
    message_id: int | None = None
    who: str | None = None


class HistoryEntry(msgspec.Struct, frozen=True):
    """What happened: a document came, a person decided, a command was given."""

    at: datetime
    what: str
    detail: str = ""
    who: str | None = None
    reason: str | None = None
    message_id: int | None = None


class Choice(msgspec.Struct, frozen=True):
    """An action on a case; `why_not` is set when this person may not take it."""

    action: str
    why_not: str | None = None


class CaseView(msgspec.Struct, frozen=True):
    """A case with all that a person needs to decide it. `seen` is the digest of what is shown: whoever acts gives it
    back, and is refused when the matter has changed meanwhile."""

    row: CaseRow
    facts: Mapping[str, Any]
    rule: str
    flip: str
    evidence: Evidence
    documents: Sequence[DocumentRow]
    history: Sequence[HistoryEntry]
    choices: Sequence[Choice]
    seen: str


class CaseAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's decision. `corrections` are field and value (`lines[2].order_line_number`); `parts` are invoice
    line, quantity, unit, order number (empty: the same), order line. `code`: X12 element 647, for the supplier."""

    action: str
    reason: str
    seen: str | None = None
    corrections: Sequence[tuple[str, str | None]] = ()
    parts: Sequence[tuple[int, str, str, str, int]] = ()
    assign_to: str | None = None
    hold_until: str | None = None
    code: str | None = None


# ------------------------------------------------------------------ orders and invoices
class Step(msgspec.Struct, frozen=True):
    """A stage of an order's way. `state`: `done`, `waiting`, `trouble`."""

    stage: str
    title: str
    state: str
    at: datetime | None = None
    detail: str = ""
    message_id: int | None = None


class InvoiceStatus(msgspec.Struct, frozen=True):
    """Where an invoice stands. `state` is the process's word; `waits_for` says for what, `until` until when, and
    `because` of which source. `payment` is the payment's state, `reference` the ledger's number."""

    supplier: str
    invoice_number: str
    state: str
    amount: str
    currency: str
    order_number: str | None = None
    invoiced_on: str | None = None
    facility: str | None = None
    waits_for: str | None = None
    until: str | None = None
    because: str | None = None
    cases: int = 0
    payment: str | None = None
    paid_on: str | None = None
    reference: str | None = None


class OrderView(msgspec.Struct, frozen=True):
    """An order with all that belongs to it."""

    number: str
    dossier: str
    supplier: str | None
    facility: str | None
    amount: str
    currency: str
    steps: Sequence[Step]
    invoices: Sequence[InvoiceStatus]
    cases: Sequence[CaseRow]
    evidence: Evidence
    documents: Sequence[DocumentRow]
    state: Mapping[str, Any]


class SupplierView(msgspec.Struct, frozen=True):
    """A supplier as the process knows it. `state` is its onboarding's; `systems` its number in each system, by system.

    Args:
        approval_number: what people's answers name.
        merged_into: the number that goes on, when this one ended.
        ended_here: numbers that ended in this one.
        may_be_the_same: other numbers of what may be the same legal entity.
        accounts: how far each bank account is trusted, by its code; no numbers.
    """

    number: str
    name: str
    state: str
    systems: Mapping[str, str]
    approval: str
    approval_number: str
    screening: str | None = None
    merged_into: str | None = None
    ended_here: Sequence[str] = ()
    may_be_the_same: Sequence[str] = ()
    accounts: Mapping[str, str] = {}
    cases: int = 0


class Hit(msgspec.Struct, frozen=True):
    """What a search found: `kind` of document, its key, and the dossier it belongs to."""

    kind: str
    key: str
    dossier: str


# ------------------------------------------------------------------ figures
class Queue(msgspec.Struct, frozen=True):
    owner: str
    open: int
    late: int


class Strip(msgspec.Struct, frozen=True):
    """The figures above the work queue. `blocked_money` by currency; `waiting` by what is waited for."""

    blocked: int
    blocked_money: Mapping[str, str]
    waiting: int
    waiting_for: Mapping[str, int]
    late_acknowledgements: int
    open: int
    late: int
    owners: Sequence[Queue]
    oldest_at: datetime | None = None
    oldest_ref: str | None = None


# ------------------------------------------------------------------ lineage
class Trace(msgspec.Struct, frozen=True):
    """A point on the way from received bytes to money. `stage`: `message`, `document`, `decision`, `exception`,
    `command`, `delivery`, `ledger`, `payment`. `detail` has no value of a patient."""

    stage: str
    what: str
    at: datetime | None = None
    detail: str = ""
    message_id: int | None = None
    digest: str | None = None


class Lineage(msgspec.Struct, frozen=True):
    """`dossiers` that were followed, and all points in the order of their stages, then of time."""

    asked: str
    dossiers: Sequence[str]
    traces: Sequence[Trace]


class P2pOperations(Protocol):
    """
    Every method raises:
        StoreError: the store cannot be read or written now.
    """

    async def cases(self, query: CaseQuery, who: str) -> list[CaseRow]: ...

    async def case(self, ref: str, who: str) -> CaseView | None: ...

    async def act(self, ref: str, ask: CaseAsk, who: str, origin: str) -> CaseRow:
        """Returns the case as it stands afterwards. Audited.

        Raises:
            NotFoundError: there is no such case.
            AccessError: this person may not (four eyes).
            OperationError: the case is not open, or it has changed since it was shown.
        """
        ...

    async def order(self, number: str, who: str) -> OrderView | None: ...

    async def invoice(self, supplier: str, number: str, who: str) -> InvoiceStatus | None: ...

    async def invoices_of(self, supplier: str, limit: int, who: str) -> list[InvoiceStatus]:
        """A supplier's invoices, the newest first."""
        ...

    async def supplier(self, number: str, who: str) -> SupplierView | None:
        """Also by a number that ended in another one."""
        ...

    async def find(self, text: str, who: str) -> list[Hit]:
        """Orders, invoices and suppliers by number, exact."""
        ...

    async def facilities(self, dossier: str) -> frozenset[str]:
        """Facilities that a dossier's documents name: who answers for one of them may see it."""
        ...

    async def summary(self, who: str, facilities: frozenset[str] | None = None) -> Strip:
        """`facilities`: count only theirs; None: everything."""
        ...

    async def lot(self, item: str, lot: str, who: str, facilities: frozenset[str] | None = None) -> LotView | None:
        """What names a lot, for a recall; None: nothing does. Audited when there is something.

        Args:
            item: item number, device identifier or a whole scanned label, whose lot counts where `lot` is empty.
            facilities: only what names one of them; None: everything.
        """
        ...

    async def lineage(self, asked: str, who: str) -> Lineage | None:
        """`asked` is a document's number (order, invoice, requisition, receipt, payment, bank report), a number that
        the ledger or the bank gave, a dossier's key, a message's id or its control number (MSH-10, ISA13)."""
        ...


# ------------------------------------------------------------------ what the store must answer for it
class WaitingDossier(msgspec.Struct, frozen=True):
    """A dossier that looks again at `look_again_micros`, with what it decided last."""

    dossier: str
    state: bytes
    look_again_micros: int


class Stand(msgspec.Struct, frozen=True):
    """What was decided of a dossier last, and when (microseconds). `state` is JSON."""

    dossier: str
    state: bytes
    changed_micros: int


class RecordSearch(Protocol):
    """Questions of people to the store of the process; deciders never ask them.

    Every method raises:
        StoreError: the store cannot be read now.
    """

    async def case_id(self, ref: str) -> str | None: ...

    async def waiting(self, limit: int) -> list[WaitingDossier]:
        """The soonest first."""
        ...

    async def keys(self, kind: str, begins: str, ends: str, limit: int) -> list[Reference]:
        """Keys of documents of a kind that begin and end so; the newest first."""
        ...

    async def dossiers_holding(self, reference: Reference) -> list[str]:
        """Only dossiers that hold a version of it, not those that looked at it."""
        ...

    async def commands(self, dossier: str) -> list[tuple[GivenCommand, int]]:
        """In their order, each with when it was given (microseconds)."""
        ...

    async def stands(self, begins: str, limit: int) -> list[Stand]:
        """Of dossiers whose key begins so; those decided last first."""
        ...

    async def open_cases(self, begins: str) -> list[Case]:
        """Of dossiers whose key begins so."""
        ...
