"""What the process may ask of invoices that are in the ERP already: take one back, do not pay it for now, pay it.

Each may be asked again: what is done already is found so. Source: Tryton 8.2 modules account_invoice (cancel makes an
entry that reverses the invoice's) and account_payment (blocked lines are left out of payment runs).
"""

from __future__ import annotations

from typing import Any

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.documents import money_of
from engine.adapters.tryton.failures import WHERE
from engine.adapters.tryton.posting import Poster
from engine.adapters.tryton.taken_back import invoice_domain, note_taken_back
from engine.adapters.tryton.wire import Record
from engine.canonical import Document, Invoice, Payment
from engine.core.errors import DestinationError
from engine.ports.erp import Posted

_INVOICE, _LINE = "account.invoice", "account.move.line"
_FIELDS = ("number", "reference", "description", "state", "total_amount", "amount_to_pay", "currency.code")
_LINE_FIELDS = ("lines_to_pay.payment_blocked", "lines_to_pay.reconciliation")
_CHANGING = frozenset({"draft", "validated", "posted"})


class Acts:
    commands = frozenset({"undo_post_invoice", "hold_payment", "release_payment"})

    def __init__(self, client: TrytonClient, poster: Poster) -> None:
        self._client, self._poster = client, poster

    async def carry_out(self, command: str, document: Document, reference: str) -> Posted:
        match command, document:
            case "undo_post_invoice", Invoice():
                return await self._undo(document, reference)
            case "hold_payment", Payment():
                return await self._block(document, True)
            case "release_payment", Payment():
                return await self._block(document, False)
        raise DestinationError(f"the ERP cannot be asked for '{command}' of a {document.kind}", where=WHERE)

    # -------------------------------------------------------------- taking back
    async def _undo(self, document: Invoice, reference: str) -> Posted:
        """Ours only: what people entered under the same number stays theirs."""
        ours = [one for one in await self._invoices(document.natural_key) if one["description"] == reference]
        live = [one for one in ours if one["state"] != "cancelled"]
        for one in live:
            _check_takeable(one)
            await note_taken_back(self._client, one["id"])
            await self._poster.press_alone(_INVOICE, one["id"], "cancel")
        known = [*ours, *live][-1] if ours else None
        return _posted(document, known, "cancelled", already_there=not live)

    async def _invoices(self, natural_key: str) -> list[Record]:
        return await self._client.read(_INVOICE, invoice_domain(natural_key), [*_FIELDS, *_LINE_FIELDS])

    # -------------------------------------------------------------- whether it is paid
    async def _block(self, payment: Payment, blocked: bool) -> Posted:
        """All that the payment pays; checked before anything is changed."""
        if not payment.invoices:
            remedy = "hold it in the ERP by hand, then confirm the delivery"
            raise DestinationError("the payment names no invoices", where=WHERE, remedy=remedy)
        lines: list[Record] = []
        for one in payment.invoices:
            lines += await self._lines(f"{payment.supplier_number}/{one.invoice_number}", blocked)
        button, changing = ("payment_block" if blocked else "payment_unblock"), _to_change(lines, blocked)
        for line in changing:
            await self._client.press(_LINE, line["id"], button)
        return _posted(payment, None, "held" if blocked else "released", already_there=not changing)

    async def _lines(self, key: str, blocked: bool) -> list[Record]:
        found = [one for one in await self._invoices(key) if one["state"] != "cancelled"]
        lines = [line for one in found for line in one["lines_to_pay"] if not line["reconciliation"]]
        if blocked and not lines:
            remedy = "if money has left, stop the payment at the bank; then confirm or discard the delivery"
            raise DestinationError("the ERP has nothing of this invoice to hold back", where=WHERE, remedy=remedy)
        return lines


def _to_change(lines: list[Record], blocked: bool) -> list[Record]:
    return [line for line in lines if bool(line["payment_blocked"]) is not blocked]


def _check_takeable(record: Record) -> None:
    paid = record["state"] == "posted" and money_of(record["amount_to_pay"]) != money_of(record["total_amount"])
    if record["state"] not in _CHANGING or paid:
        remedy = "ask the supplier for a credit memo, or take the payment back first"
        raise DestinationError("the ERP has paid the invoice, or is paying it", where=WHERE, remedy=remedy)


def _posted(document: Document, record: Record | None, state: str, *, already_there: bool) -> Posted:
    known: dict[str, Any] = record or {}
    number = known.get("number") or document.natural_key
    return Posted(
        kind=document.kind,
        natural_key=document.natural_key,
        reference=str(number),
        record=str(known.get("id", "")),
        state=state,
        already_there=already_there,
    )
