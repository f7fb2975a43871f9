"""What people ask of approvals: which wait for them, what is to be approved and what changed, and their answers.

The console, the API and the command line all call this. Amounts are exact, as text; numbers of accounts and taxes
show their last four characters at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from engine.ports.p2p_operations import Choice, DocumentRow

WHOSE = ("mine", "delegated", "all")


class ApprovalRow(msgspec.Struct, frozen=True):
    """An approval that waits. `ref` is its case's; `number` is what answers name.

    Args:
        subject: `requisition`, `order`, `invoice`, `supplier`, `bank_change`, `merge`, `payment`.
        asked: whose answer is wanted now.
        mine: `mine` where the reader is asked, `delegated` where she acts for somebody who is, else empty.
    """

    ref: str
    number: str
    subject: str
    title: str
    dossier: str
    since: datetime
    due_at: datetime | None
    late: bool
    asked: Sequence[str]
    mine: str
    amount: str | None = None
    currency: str | None = None
    supplier: str | None = None
    facility: str | None = None


class Changed(msgspec.Struct, frozen=True):
    """A field as it was and as it is; empty: it had no value."""

    field: str
    before: str
    after: str


class Answered(msgspec.Struct, frozen=True):
    """What somebody did with it. `why_not`: why it does not count."""

    who: str
    what: str
    at: datetime
    on_behalf_of: str | None = None
    why_not: str | None = None
    reason: str | None = None


class ApprovalView(msgspec.Struct, frozen=True):
    """An approval with all that a person needs to answer it. `seen` is the digest of what is shown: whoever answers
    gives it back, and is refused when the matter has changed meanwhile.

    Args:
        facts: evidence: route, step, why these people are asked.
        content: the document that is to be approved, field by field; `changes` against its version before.
        answers: what people did so far, counted or not.
        choices: what this person may do, and why not.
    """

    row: ApprovalRow
    facts: Mapping[str, Any]
    content: Sequence[tuple[str, str]]
    changes: Sequence[Changed]
    documents: Sequence[DocumentRow]
    answers: Sequence[Answered]
    choices: Sequence[Choice]
    seen: str


class ApprovalAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's answer: `approve`, `reject`, `withdraw`, or `delegate` with `delegate_to` and perhaps a last day."""

    action: str
    reason: str
    seen: str | None = None
    on_behalf_of: str | None = None
    delegate_to: str | None = None
    delegate_until: str | None = None


class ApprovalOperations(Protocol):
    """
    Every method raises:
        StoreError: the store cannot be read or written now.
    """

    async def waiting(self, whose: str, who: str, limit: int = 200) -> list[ApprovalRow]:
        """`whose`: one of `WHOSE`. What is due first, first."""
        ...

    async def approval(self, ref: str, who: str) -> ApprovalView | None: ...

    async def answer(self, ref: str, ask: ApprovalAsk, who: str, origin: str) -> None:
        """Audited, refusals too. An answer that would not count is refused with the reason.

        Raises:
            NotFoundError: no such approval waits.
            AccessError: this person's answer does not count (four eyes, not asked, not within a delegation).
            OperationError: it has changed since it was shown.
        """
        ...
