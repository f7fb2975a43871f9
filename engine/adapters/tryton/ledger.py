"""Suppliers' invoices in the ERP's books, month by month, for the comparison with ours."""

from __future__ import annotations

from datetime import date, timedelta

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.documents import money_of
from engine.adapters.tryton.wire import Domain, Record
from engine.canonical import PaymentState
from engine.core.errors import DestinationError
from engine.ports.ledger_view import LedgerEntry

_FIELDS = ("number", "reference", "party.code", "total_amount", "currency.code", "state")
_KINDS = frozenset({"Invoice"})


class Books:
    kinds = _KINDS

    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def entries(self, kind: str, period: str) -> list[LedgerEntry]:
        """Posted ones whose invoice date is in the month (`2026-11`)."""
        if kind not in _KINDS:
            raise DestinationError(f"the ERP's books are not read for {kind}")
        first, last = _month(period)
        domain: Domain = [
            ["type", "=", "in"],
            ["state", "in", ["posted", "paid"]],
            ["invoice_date", ">=", first],
            ["invoice_date", "<=", last],
        ]
        return [_entry(one) for one in await self._client.read("account.invoice", domain, _FIELDS)]


def _month(period: str) -> tuple[date, date]:
    first = date.fromisoformat(f"{period}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _entry(record: Record) -> LedgerEntry:
    supplier = record["party"]["code"]
    return LedgerEntry(
        key=f"{supplier}/{record['reference'] or record['number']}",
        supplier=supplier,
        amount=_exact(record),
        currency=record["currency"]["code"],
        state=PaymentState.PAID.value if record["state"] == "paid" else "",
    )


def _exact(record: Record) -> str:
    amount = money_of(record["total_amount"])
    text = format(amount if amount else abs(amount), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
