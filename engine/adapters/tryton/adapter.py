"""The port `ErpAdapter` on Tryton: REST of 8.2, also 8.0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from engine.adapters.tryton.acts import Acts
from engine.adapters.tryton.client import AiohttpTransport, Transport, TrytonClient
from engine.adapters.tryton.directory import Directory
from engine.adapters.tryton.documents import JournalEntries, PurchaseOrders, Requisitions
from engine.adapters.tryton.failures import WHERE, BusinessRuleError, DuplicateInvoiceError, NoSuchRecordError
from engine.adapters.tryton.invoices import Invoices
from engine.adapters.tryton.ledger import Books
from engine.adapters.tryton.masters import Masters
from engine.adapters.tryton.posting import Journey, Poster, posted
from engine.adapters.tryton.reading import Reader
from engine.adapters.tryton.receipts import Receipts
from engine.adapters.tryton.settings import TrytonSettings
from engine.adapters.tryton.telling import Teller
from engine.adapters.tryton.twins import Twins
from engine.canonical import CostCenter, Document, Invoice, Item, PaymentStatus, PurchaseOrder, Supplier
from engine.core.errors import DestinationError, IsthmusError
from engine.ports.connector import Health
from engine.ports.erp import Posted, Told, Twin
from engine.ports.ledger_view import LedgerEntry

_MASTERS = frozenset({"Supplier", "Item", "CostCenter"})


def _today() -> date:
    return datetime.now(UTC).date()


class TrytonAdapter:
    """One company of one Tryton database.

    Args:
        key: the REST key itself; it is never shown.
        transport: None: HTTP over aiohttp. Tests put faults here.
    """

    def __init__(
        self,
        settings: TrytonSettings,
        key: str,
        transport: Transport | None = None,
        today: Callable[[], date] = _today,
    ) -> None:
        self._settings, self._today = settings, today
        context = {"company": settings.company, "companies": [settings.company]}
        transport = transport or AiohttpTransport(settings.timeout.total_seconds())
        base = f"{settings.url.rstrip('/')}/{settings.database}"
        self._client = client = TrytonClient(base, key, context, transport)
        self._directory = directory = Directory(client, settings)
        self._poster = Poster(client)
        self._masters = Masters(client, directory)
        self._reader = Reader(client, settings)
        self._books = Books(client)
        self._acts, self._twins = Acts(client, self._poster), Twins(client)
        self._teller = Teller(client, self._reader)
        self._journeys: dict[str, Journey] = {
            "Requisition": Requisitions(directory, settings, today),
            "PurchaseOrder": PurchaseOrders(directory),
            "Receipt": Receipts(client, directory),
            "Invoice": Invoices(client, directory, settings),
            "JournalEntry": JournalEntries(directory, settings),
        }

    @property
    def kinds(self) -> frozenset[str]:
        return _MASTERS | self._journeys.keys()

    async def post(self, document: Document, reference: str) -> Posted:
        try:
            return await self._post(document, reference)
        except (BusinessRuleError, NoSuchRecordError):
            self._directory.clear()  # an id kept from before may be gone; the next attempt looks it up again
            raise

    async def _post(self, document: Document, reference: str) -> Posted:
        match document:
            case Supplier():
                return await self._masters.supplier(document)
            case Item():
                return await self._masters.item(document)
            case CostCenter():
                return await self._masters.cost_center(document)
        journey = self._journey(document.kind)
        return await self._poster.post(journey.workflow, await journey.plan(document, reference))

    async def find(self, kind: str, natural_key: str, reference: str) -> Posted | None:
        if kind in _MASTERS:
            return await self._masters.find(kind, natural_key)
        journey = self._journey(kind)
        found = await self._poster.find(journey.workflow, journey.domain(natural_key, reference))
        if not found or found[0]["state"] not in journey.workflow.final:
            return None
        return posted(journey.workflow, found[0], natural_key, already_there=True)

    @property
    def commands(self) -> frozenset[str]:
        return self._acts.commands | {"adopt_invoice", "repost_invoice"}

    async def carry_out(self, command: str, document: Document, reference: str) -> Posted:
        match command, document:
            case "adopt_invoice", Invoice():
                return await self._twins.adopt(document, reference)
            case "repost_invoice", Invoice():
                return await self._repost(document, reference)
        return await self._acts.carry_out(command, document, reference)

    async def _repost(self, invoice: Invoice, reference: str) -> Posted:
        journey = self._journey(invoice.kind)
        plan = await journey.plan(invoice, reference)
        beside = plan._replace(again=lambda record: self._twins.may_be_posted_beside(invoice, record))
        return await self._poster.post(journey.workflow, beside)

    async def twin(self, document: Document, reference: str, error: DestinationError) -> Twin | None:
        if not isinstance(document, Invoice) or not isinstance(error, DuplicateInvoiceError):
            return None
        return await self._twins.twin(document, reference)

    def _journey(self, kind: str) -> Journey:
        if kind not in self._journeys:
            takes = ", ".join(sorted(self.kinds))
            raise DestinationError(f"the ERP takes no {kind}", where=WHERE, remedy=f"send one of: {takes}")
        return self._journeys[kind]

    async def seed(self, documents: Sequence[Document]) -> int:
        """Bring many masters in quickly; those that the ERP has are left as they are. Returns how many were made."""
        made = await self._masters.suppliers([d for d in documents if isinstance(d, Supplier)])
        made += await self._masters.items([d for d in documents if isinstance(d, Item)])
        for document in documents:
            if not isinstance(document, Supplier | Item):
                made += not (await self.post(document, document.natural_key)).already_there
        return made

    async def suppliers(self) -> list[Supplier]:
        return await self._reader.suppliers()

    async def items(self) -> list[Item]:
        return await self._reader.items()

    async def purchase_orders(self, since: date | None = None, state: str | None = None) -> list[PurchaseOrder]:
        return await self._reader.purchase_orders(since, state)

    async def book_entries(self, kind: str, period: str) -> list[LedgerEntry]:
        return await self._books.entries(kind, period)

    @property
    def told_kinds(self) -> frozenset[str]:
        return self._teller.kinds

    async def told(self, kind: str, since: date) -> list[Told]:
        return await self._teller.documents(kind, since)

    async def payment_status(self, supplier_number: str, invoice_number: str) -> PaymentStatus:
        state, due = await self._reader.payment_status(supplier_number, invoice_number)
        return PaymentStatus(
            supplier_number=supplier_number,
            invoice_number=invoice_number,
            state=state,
            amount_due=due,
            as_of=self._today(),
        )

    async def summary(self) -> Mapping[str, tuple[int, Decimal]]:
        return await self._reader.summary()

    async def check(self) -> Health:
        """Reachable, the key accepted, and the company there."""
        try:
            company = await self._client.get("company.company", self._settings.company, ["party.name"])
        except IsthmusError as error:
            return Health(False, str(error))
        odd = "; ".join(f"order {number}: {places}" for number, places in self._reader.unreadable.items())
        note = f"; orders that cannot be read: {odd}" if odd else ""
        return Health(True, f"Tryton answers; company {company['party']['name']}{note}")

    async def close(self) -> None:
        await self._client.close()
