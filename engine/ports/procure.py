"""What the procure-to-pay process and its store promise one another.

Documents are kept as versions (`Record`). What belongs together, such as an order with its receipts and invoices, is
a *dossier*; a decision is made over all of a dossier and saved with what follows from it, in one transaction.
Source: docs/adr/0009-dossiers.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from engine.ports.measures import Milestone

SETTLED = "settled:"
"""Before the key of a dossier: where its settled documents are kept, with the opening that they come to."""
_SETTLING = "stock:"


def settles(dossier: str) -> bool:
    """Whether old documents of it are settled: it lasts for years, and gets many."""
    return dossier.startswith(_SETTLING)


class Record(msgspec.Struct, frozen=True, order=True):
    """One version of a document. `version` counts from 1 for each kind and key; `body` is canonical JSON.

    `message_id`: the message that brought it; `who`: the person who made it instead.
    """

    kind: str
    key: str
    version: int
    body: bytes
    at_micros: int
    message_id: int | None = None
    who: str | None = None


class Reference(msgspec.Struct, frozen=True, order=True):
    """A document by kind and key, whatever its version: an item, a supplier, a contract."""

    kind: str
    key: str


class Case(msgspec.Struct, frozen=True):
    """An exception that a person decides.

    Args:
        case_id: the same for the same problem, however often it is found: dossier, type and place.
        facts: evidence for people and for the page: numbers and places, never a patient.
        amount, currency: money at stake, exact as text.
        owner: role or person, by the policies; `due_micros`: when it escalates.
        state: `open`, `decided` (a person acted), `gone` (what came later explained it).
    """

    case_id: str
    dossier: str
    type: str
    state: str
    opened_micros: int
    title: str
    owner: str = ""
    due_micros: int | None = None
    amount: str | None = None
    currency: str | None = None
    supplier: str | None = None
    facility: str | None = None
    rank: int = 0
    facts: Mapping[str, Any] = {}


class Command(msgspec.Struct, frozen=True):
    """What must be done outside: it becomes a message of the channel that takes commands of this name.

    Args:
        key: the same for the same intent; a command is given once.
        name: `post_invoice`, `create_order`, `send_advice` …
        body: the canonical document to act with, as JSON; `kind` and `natural_key` are the document's.
    """

    key: str
    name: str
    kind: str
    natural_key: str
    body: bytes


COMMANDS: Mapping[str, str] = {
    "post_invoice": "The invoice is matched or approved: post it for payment.",
    "adopt_invoice": "People in the ERP entered the same invoice: theirs is taken for ours.",
    "repost_invoice": "What the ERP held in its place is gone: post the invoice beside what was cancelled there.",
    "create_order": "The requisition is approved: create the order in the ERP.",
    "send_order": "The order goes to its supplier (850).",
    "send_advice": "The supplier is told why its document was not taken (824).",
    "raise_requisition": "Stock is low: a requisition is wanted.",
    "post_journal": "Costs or accruals for the general ledger.",
    "tell_status": "Who asked is told how the matter stands.",
    "hold_payment": "The ERP must not pay this invoice for now.",
    "release_payment": "The ERP may pay this invoice.",
    "archive_invoice": "The invoice is posted: it goes to the archive of accounts payable.",
    "undo_archive_invoice": "A later step of posting was refused: take the invoice out of the archive.",
    "undo_post_invoice": "A later step of posting was refused: take the invoice back.",
    "undo_post_journal": "A later step of posting was refused: reverse the entry.",
    "screen_supplier": "A supplier's names are to be looked up in the lists of sanctioned parties.",
    "stop_payment": "A payment is on its way that must not arrive: the bank is to stop it.",
    "propagate_supplier": "A supplier's master data goes to every system that has it.",
    "undo_propagate_supplier": "A later system refused the supplier: the ERP gets its data of before.",
    "propagate_supplier_portal": "The ERP has the supplier's master data: the procurement portal gets it, too.",
    "undo_propagate_supplier_portal": "A later system refused the supplier: the portal gets its data of before.",
    "propagate_supplier_warehouse": "The warehouse gets the supplier's master data.",
    "undo_propagate_supplier_warehouse": "A later system refused the supplier: the warehouse gets its data of before.",
}
"""What the process wants done, and why: the names that channels take commands by."""


class GivenCommand(msgspec.Struct, frozen=True):
    """A command as it was saved; `number` counts up in the order of the commits."""

    number: int
    dossier: str
    command: Command


class Dossier(msgspec.Struct, frozen=True):
    """All that is known of one matter. `revision` counts its saves; `given` are keys of the commands given so far.

    `opening`: where settled documents were left out of `records`, JSON of what they come to; empty: they are all here.
    """

    key: str
    revision: int = 0
    records: tuple[Record, ...] = ()
    state: bytes = b"{}"
    cases: tuple[Case, ...] = ()
    given: frozenset[str] = frozenset()
    opening: bytes = b""


class Change(msgspec.Struct, frozen=True):
    """What one decision saves. `revision` is what was loaded: when it has moved on, nothing is saved.

    `waits` are the references that the decision looked at, found or not: a change of one decides the dossier anew.
    `milestones` are kept, `no_milestones` (what, key, detail) taken away: documents told later that they were not so.
    `settles` are settled from now on, `reopens` no longer; then `opening` is what all settled ones come to.
    """

    dossier: str
    revision: int
    at_micros: int
    records: Sequence[Record] = ()
    state: bytes = b"{}"
    cases: Sequence[Case] = ()
    commands: Sequence[Command] = ()
    waits: Sequence[Reference] = ()
    look_again_micros: int | None = None
    milestones: Sequence[Milestone] = ()
    no_milestones: Sequence[tuple[str, str, str]] = ()
    settles: Sequence[Reference] = ()
    reopens: Sequence[Reference] = ()
    opening: bytes | None = None


class CaseQuery(msgspec.Struct, frozen=True):
    """A work queue; every part that is set must match. The highest rank first, then what is due first."""

    states: Sequence[str] = ("open",)
    owner: str | None = None
    type: str | None = None
    supplier: str | None = None
    facility: str | None = None
    limit: int = 100


class Records(Protocol):
    """
    Every method raises:
        StoreError: the store cannot be read or written now.
    """

    async def load(self, dossier: str) -> Dossier: ...

    async def together(
        self, dossiers: Sequence[str], heads: Sequence[str] = (), settled: bool = True
    ) -> tuple[list[Dossier], dict[str, int]]:
        """Several dossiers in the order asked for, and the watermarks, of one moment.

        After them `heads`: of these only key, revision and state are read, however much they hold.
        Without `settled`: of documents that are settled, the opening is read in their place.
        """
        ...

    async def settled(self, references: Sequence[Reference]) -> dict[str, set[Reference]]:
        """Those of them that are settled, by the dossiers in which they are."""
        ...

    async def save(self, change: Change) -> bool:
        """False: somebody saved this dossier meanwhile; load it and decide again."""
        ...

    async def save_all(self, changes: Sequence[Change]) -> bool:
        """All of them in one transaction, or none. False: somebody saved one of these dossiers meanwhile."""
        ...

    async def latest(self, references: Sequence[Reference]) -> dict[Reference, Record]:
        """The newest version of each that is known."""
        ...

    async def versions(self, reference: Reference) -> list[Record]:
        """Oldest first."""
        ...

    async def dossiers_with(self, reference: Reference) -> list[str]:
        """Dossiers that hold a version of it, or whose decision looked at it."""
        ...

    async def dossiers_with_any(self, references: Sequence[Reference]) -> list[str]:
        """Dossiers that hold a version of one of them, or whose decision looked at one."""
        ...

    async def held_since(self, since_micros: int, after: str, limit: int) -> list[str]:
        """Dossiers that got a version of a document at or after a time, by key, those after `after`."""
        ...

    async def due(self, now_micros: int, limit: int) -> list[str]:
        """Dossiers that wished to be looked at again by now."""
        ...

    async def given(self, after: int, names: Sequence[str], limit: int) -> list[GivenCommand]:
        """Commands in their order; `names` empty: all."""
        ...

    async def command_by_key(self, key: str) -> Command | None:
        """As it was given; None: it was not."""
        ...

    async def cases(self, query: CaseQuery) -> list[Case]: ...

    async def watermarks(self) -> dict[str, int]:
        """Source to the time (microseconds) up to which it has told everything."""
        ...

    async def set_watermark(self, source: str, until_micros: int) -> None:
        """It never goes back."""
        ...
