"""The port to ERP and AP systems: post a canonical document once, ask by our reference, read state back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Protocol, runtime_checkable

import msgspec

from engine.canonical import Document, Item, PaymentStatus, PurchaseOrder, Supplier
from engine.core.errors import DestinationError
from engine.ports.connector import Health
from engine.ports.ledger_view import LedgerEntry

ERP_NUMBER = "erp_number"
"""Scheme of an invoice's reference: the number of what stands in the ERP and is taken for it."""


class Posted(msgspec.Struct, frozen=True):
    """A document as the ERP holds it.

    Args:
        reference: the ERP's own number, as its users see it.
        record: the ERP's internal id, as text.
        state: the ERP's state in its own words (`posted`, `waiting`).
        total: as the ERP adds it up, when the document has one.
        already_there: found by inquiry or refused as a repeat; nothing new was made.
    """

    kind: str
    natural_key: str
    reference: str
    record: str
    state: str
    total: Decimal | None = None
    currency: str | None = None
    already_there: bool = False


class ErpAdapter(Protocol):
    """One per ERP product. Every method may raise TransportError (retry) or DestinationError (a person decides)."""

    @property
    def kinds(self) -> frozenset[str]:
        """Canonical kinds that `post` takes."""
        ...

    async def post(self, document: Document, reference: str) -> Posted:
        """Bring the document into the ERP and to its final state there (an invoice is posted, not a draft).

        Resumable: called again after a crash it goes on from what the ERP already holds under `reference`
        and makes nothing twice.
        """
        ...

    async def find(self, kind: str, natural_key: str, reference: str) -> Posted | None:
        """What the ERP holds under our reference, or None: certainly not there (or not in its final state)."""
        ...

    async def suppliers(self) -> list[Supplier]: ...

    async def items(self) -> list[Item]: ...

    async def purchase_orders(self, since: date | None = None, state: str | None = None) -> list[PurchaseOrder]:
        """Orders to send to suppliers, with lines, prices and the supplier's item numbers."""
        ...

    async def payment_status(self, supplier_number: str, invoice_number: str) -> PaymentStatus: ...

    async def summary(self) -> Mapping[str, tuple[int, Decimal]]:
        """Per canonical kind: how many documents the ERP holds and their total, read from the ERP."""
        ...

    async def check(self) -> Health: ...

    async def close(self) -> None: ...


@runtime_checkable
class CarriesOut(Protocol):
    """An adapter may do this as well: what the process asks for beside posting."""

    @property
    def commands(self) -> frozenset[str]:
        """Names of ports/procure.COMMANDS that it carries out."""
        ...

    async def carry_out(self, command: str, document: Document, reference: str) -> Posted:
        """Do it once: asked again, what is done already is found so. `reference` is the one of posting.

        Raises TransportError (try again) or DestinationError (a person decides), as all of the port.
        """
        ...


class Twin(msgspec.Struct, frozen=True):
    """An invoice that people entered in the ERP under the supplier and number of ours.

    Args:
        reference: the ERP's own number; of a draft its internal id.
        number: the supplier's number as it is written there.
        is_posted: it counts there: neither a draft nor cancelled.
    """

    reference: str
    number: str
    state: str
    is_posted: bool
    total: Decimal | None = None
    currency: str | None = None
    dated: date | None = None


@runtime_checkable
class KnowsTwins(Protocol):
    """An adapter may do this as well: show what stands where ours was refused."""

    async def twin(self, document: Document, reference: str, error: DestinationError) -> Twin | None:
        """The one that counts, else one that does not; None: it was refused for another reason, or nothing is there.

        Args:
            error: by which ours was refused.
        """
        ...


class Told(msgspec.Struct, frozen=True):
    """A document as the ERP has it now.

    Args:
        changed: the ERP's own word for this version, such as when it was written last; what becomes again what it was
            has another one. Empty: it has none.
    """

    document: Document
    changed: str = ""


@runtime_checkable
class ReadsDocuments(Protocol):
    """An adapter may do this as well: tell what came to be in the ERP itself."""

    @property
    def told_kinds(self) -> frozenset[str]: ...

    async def told(self, kind: str, since: date) -> list[Told]:
        """Those of a kind that were made or changed on this day or later; what is still open whenever it was made."""
        ...


@runtime_checkable
class ReadsBooks(Protocol):
    """An adapter may do this as well: show its books for a comparison with ours."""

    async def book_entries(self, kind: str, period: str) -> list[LedgerEntry]:
        """Posted documents of a kind whose own date is in a month (`2026-11`)."""
        ...


class ErpAdapters(Protocol):
    """The adapters of this engine's ERP connections; `ConnectorContext.services["erp_adapters"]`."""

    def adapter(self, connection: str) -> ErpAdapter:
        """The one adapter of a connection, shared by all that use it.

        Raises:
            ConfigurationError: no such connection, or it is not an ERP's.
        """
        ...
