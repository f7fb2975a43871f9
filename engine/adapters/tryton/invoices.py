"""Invoice to `account.invoice`, posted, its lines tied to the order's lines when the ERP has the order."""

from __future__ import annotations

from decimal import Decimal

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.directory import Directory
from engine.adapters.tryton.documents import (
    ROUNDING,
    analytic_entry,
    charge_words,
    erp_rounded,
    numbered_lines,
    order_domain,
)
from engine.adapters.tryton.failures import WHERE
from engine.adapters.tryton.posting import Plan, Workflow
from engine.adapters.tryton.settings import TrytonSettings
from engine.adapters.tryton.taken_back import invoice_domain, may_come_again
from engine.adapters.tryton.wire import Domain, Record, created, quantity
from engine.canonical import Charge, Invoice, InvoiceKind, InvoiceLine
from engine.core.errors import DestinationError

_ORDER_FIELDS = (
    "party.code",
    "lines.sequence",
    "lines.product.code",
    "lines.id",
    "invoices.state",
    "invoices.reference",
    "invoices.id",
)


class Invoices:
    workflow = Workflow(
        "Invoice",
        "account.invoice",
        ["total_amount", "currency.code", "reference", "amount_to_pay", "invoice_date"],
        buttons={"draft": "post", "validated": "post"},
        final=frozenset({"posted", "paid"}),
        own="description",
        serial=frozenset({"post"}),
    )

    def __init__(self, client: TrytonClient, directory: Directory, settings: TrytonSettings) -> None:
        self._client, self._directory, self._settings = client, directory, settings

    def domain(self, natural_key: str, reference: str) -> Domain:
        return invoice_domain(natural_key)

    async def plan(self, document: Invoice, reference: str) -> Plan:
        if document.total != document.stated_total:
            remedy = "ask the supplier for a corrected invoice, or correct the document and resend"
            raise DestinationError("the invoice's lines do not add up to its stated total", where=WHERE, remedy=remedy)
        return Plan(
            document.natural_key,
            reference,
            self.domain(document.natural_key, reference),
            _sign(document) * document.total.amount,
            lambda: self._values(document),
            tidy=lambda: self._tidy(document),
            again=lambda record: may_come_again(self._client, document.natural_key, reference, record),
        )

    async def _values(self, document: Invoice) -> Record:
        supplier = await self._directory.supplier(document.supplier_number)
        term = supplier.payment_term
        if document.terms and document.terms.net_days is not None:
            term = await self._directory.payment_term(document.terms.net_days) or term
        return {
            "type": "in",
            "party": supplier.id,
            "invoice_address": supplier.address,
            "journal": await self._directory.journal(self._settings.invoice_journal),
            "account": await self._directory.payable_account(),
            "payment_term": term,
            "currency": await self._directory.currency(document.currency),
            "reference": document.invoice_number,
            "invoice_date": document.invoiced_on,
            "accounting_date": document.posted_on,
            "lines": created(*await self._lines(document, supplier.id)),
        }

    async def _lines(self, document: Invoice, party: int) -> list[Record]:
        sign, order = _sign(document), await self._order(document)
        lines = [await self._line(line, document, order) for line in document.lines]
        lines += [await self._extra(c, self._settings.freight_account) for c in document.charges]
        lines += [await self._extra(t, self._settings.tax_account) for t in document.taxes]
        lines += await self._rounding(document.total.amount, lines)
        for line in lines:
            line |= {"type": "line", "invoice_type": "in", "party": party, "quantity": sign * line["quantity"]}
        return lines

    async def _line(self, line: InvoiceLine, document: Invoice, order: Record | None) -> Record:
        values: Record = {
            "quantity": quantity(line.quantity.amount),
            "unit_price": line.price.amount,
            "description": line.description,
            "account": await self._directory.account(line.natural_account or self._settings.expense_account),
        }
        if line.item_number:
            item = await self._directory.item(line.item_number)
            values["product"] = item.id
            values["unit"] = await self._directory.unit(line.item_number, line.quantity.unit)
            if item.expense_account and not line.natural_account:
                values["account"] = item.expense_account
        if line.cost_center:
            values["analytic_accounts"] = await analytic_entry(self._directory, line.cost_center)
        origin = _order_line(order, line)
        return values | ({"origin": f"purchase.line,{origin}"} if origin else {})

    async def _extra(self, charge: Charge, account: str) -> Record:
        return {
            "quantity": 1.0,
            "unit_price": charge.amount.amount,
            "description": charge_words(charge),
            "account": await self._directory.account(account),
        }

    async def _rounding(self, total: Decimal, lines: list[Record]) -> list[Record]:
        """The cents by which the ERP's half-to-even rounding of a line differs from the invoice's."""
        there = sum((erp_rounded(Decimal(repr(line["quantity"])) * line["unit_price"]) for line in lines), Decimal(0))
        if there == total:
            return []
        account = await self._directory.account(self._settings.expense_account)
        return [{"quantity": 1.0, "unit_price": total - there, "description": ROUNDING, "account": account}]

    async def _order(self, document: Invoice) -> Record | None:
        if not document.order_number:
            return None
        found = await self._client.read("purchase.purchase", order_domain(document.order_number), _ORDER_FIELDS)
        fits = [order for order in found if order["party"]["code"] == document.supplier_number]
        return fits[0] if fits else None

    async def _tidy(self, document: Invoice) -> None:
        """Orders made by the ERP's users draft their own invoice: the supplier's takes its place.

        After ours was made: the ERP drafts anew what no invoice covers.
        """
        order = await self._order(document)
        for draft in order["invoices"] if order else ():
            if draft["state"] == "draft" and not draft["reference"]:
                await self._client.delete("account.invoice", draft["id"])


def _sign(document: Invoice) -> int:
    """A credit memo written with positive amounts is posted with negative ones, as the ERP keeps credits."""
    return -1 if document.invoice_kind is InvoiceKind.CREDIT_MEMO and document.total.amount > 0 else 1


def _order_line(order: Record | None, line: InvoiceLine) -> int | None:
    """The order's line by its number, else by item when only one line orders it."""
    lines = numbered_lines(order) if order else []
    of_item = [(number, found["id"]) for number, found in lines if found["product"]["code"] == line.item_number]
    fit = [found for number, found in of_item if number == line.order_line_number]
    fit = fit or [found for _, found in of_item if len(of_item) == 1]
    return int(fit[0]) if fit else None
