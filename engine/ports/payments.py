"""What people ask of payments: the runs, each payment as ERP, bank and portal tell of it, and what is left unpaid.

The console, the API and the command line all call this. Amounts are exact, as text; of an account its last four
characters are shown at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from engine.ports.p2p_operations import DocumentRow
from engine.ports.states import DeliveryState

GROUPS = ("waiting", "held", "on_its_way", "paid", "came_back", "disputed")
"""Where payments stand, in short; `held` are those of `waiting` that must not go out yet."""


class PaymentAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every part that is set must match. `group` is one of `GROUPS`; those decided last come first."""

    group: str | None = None
    run: str | None = None
    supplier: str | None = None
    limit: int = 200


class CaseLink(msgspec.Struct, frozen=True):
    """An open case of a payment; `approval`: it is answered as an approval."""

    ref: str
    type: str
    title: str
    approval: bool = False


class PaidPart(msgspec.Struct, frozen=True):
    """An invoice, or a credit below zero, of a payment.

    Args:
        dossier: where it is decided; `order` its number, when it has one.
        discount: what was taken off; `why` it is in the run: `due`, `overdue`, `discount`, `credit`.
    """

    supplier: str
    invoice: str
    amount: str
    currency: str
    dossier: str
    discount: str | None = None
    why: str | None = None
    order: str | None = None
    facility: str | None = None


class PaymentRow(msgspec.Struct, frozen=True):
    """A payment and where it stands.

    Args:
        state: what follows from all tellers: a `PaymentProgress` or `disputed`; `group` the same in short.
        erp, bank, portal: each one's own word; None: it has said nothing.
        against: the words that contradict each other; `held_because` codes of what keeps it from going out.
        to_do: what a person does about it now; empty: nothing.
        account: where it goes, masked; `reason` code of the bank.
        partly: only the parts of the reader's facilities are shown, and summed.
    """

    number: str
    run: str | None
    supplier: str
    supplier_name: str
    pay_on: str
    method: str
    amount: str
    currency: str
    discount: str | None
    state: str
    group: str
    erp: str | None
    bank: str | None
    portal: str | None
    decided_at: datetime
    against: Sequence[str] = ()
    held_because: Sequence[str] = ()
    to_do: Sequence[str] = ()
    account: str | None = None
    reason: str | None = None
    parts: Sequence[PaidPart] = ()
    cases: Sequence[CaseLink] = ()
    partly: bool = False


class LeftRow(msgspec.Struct, frozen=True):
    """An invoice that a run did not pay. `why`: `held`, `not_due`, `credit_is_more`, `no_money_left`; `words` say it,
    `facts` what of."""

    supplier: str
    invoice: str
    amount: str
    currency: str
    why: str
    words: str
    dossier: str
    facts: Sequence[str] = ()
    order: str | None = None
    facility: str | None = None


class RunFile(msgspec.Struct, frozen=True):
    """What a run was written to, to be paid by when the ERP is away."""

    channel: str
    destination: str
    state: DeliveryState
    at: datetime
    message_id: int
    reference: str | None = None


class RunRow(msgspec.Struct, frozen=True):
    """A payment run. `sums` and `discounts` are by currency, `groups` counts payments; `made_here` False: the ERP's
    own. `left` counts what it does not pay."""

    number: str
    pay_on: str
    payments: int
    sums: Mapping[str, str]
    discounts: Mapping[str, str]
    groups: Mapping[str, int]
    made_here: bool
    next_run: str | None = None
    left: int = 0


class RunView(msgspec.Struct, frozen=True):
    """A run with its payments, what it left and why, and its files. `left_out` counts those that are not listed."""

    row: RunRow
    payments: Sequence[PaymentRow]
    left: Sequence[LeftRow] = ()
    left_out: int = 0
    files: Sequence[RunFile] = ()
    documents: Sequence[DocumentRow] = ()


class Told(msgspec.Struct, frozen=True):
    """One word on a payment: of the `erp`, the `bank` or the `portal`. `by`: the format or person that told it."""

    system: str
    word: str
    at: datetime
    by: str
    reason: str | None = None
    message_id: int | None = None


class PaymentView(msgspec.Struct, frozen=True):
    """A payment with all that was told of it, the oldest first. `asked`: who is asked to approve it."""

    row: PaymentRow
    told: Sequence[Told]
    documents: Sequence[DocumentRow]
    asked: Sequence[str] = ()
    released_on: str | None = None
    settled_on: str | None = None
    bank_reference: str | None = None
    replaces: str | None = None


class PaymentOperations(Protocol):
    """
    Every method raises:
        StoreError: the store cannot be read now.
    """

    async def payments(self, ask: PaymentAsk, who: str) -> list[PaymentRow]: ...

    async def payment(self, number: str, who: str) -> PaymentView | None: ...

    async def runs(self, limit: int, who: str) -> list[RunRow]:
        """The newest first."""
        ...

    async def run(self, number: str, who: str) -> RunView | None: ...

    async def moved(self, begins: str, who: str) -> str:
        """Another text when a payment whose number begins so was decided anew; cheap, for pages that look often."""
        ...
