"""Requisition, PurchaseOrder, JournalEntry: canonical document to Tryton values, and their way through the ERP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from engine.adapters.tryton.directory import Directory
from engine.adapters.tryton.failures import WHERE
from engine.adapters.tryton.posting import Plan, Workflow
from engine.adapters.tryton.settings import TrytonSettings
from engine.adapters.tryton.wire import Domain, Record, created, quantity
from engine.canonical import Charge, JournalEntry, JournalLine, OrderLine, PurchaseOrder, Requisition, RequisitionLine
from engine.core.errors import DestinationError

_TEXT_LIMIT = 250
ROUNDING = "Rounding"
"""Description of the line that carries the cents between two ways of rounding."""


def money_of(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


class Requisitions:
    """To `purchase.requisition`; processed ones have become purchase requests for the ERP's buyers."""

    def __init__(self, directory: Directory, settings: TrytonSettings, today: Callable[[], date]) -> None:
        self._directory, self._today = directory, today
        until = settings.requisitions_end_as
        ends = ["waiting", "approved", "processing"][["waiting", "approved", "processing"].index(until) :]
        self.workflow = Workflow(
            "Requisition",
            "purchase.requisition",
            ["total_amount", "currency.code", "lines.id"],
            buttons={"draft": "wait", "waiting": "approve", "approved": "process"},
            final=frozenset({*ends, "done", "rejected"}),
            own="description",
            deferred=frozenset({"approved"}) - set(ends),
        )

    def domain(self, natural_key: str, reference: str) -> Domain:
        return ["description", "=", reference]

    async def plan(self, document: Requisition, reference: str) -> Plan:
        def same(record: Record) -> bool:
            return len(record["lines"]) == len(document.lines)

        return Plan(
            document.natural_key,
            reference,
            self.domain(document.natural_key, reference),
            _requisition_total(document),
            lambda: self._values(document),
            same,
        )

    async def _values(self, document: Requisition) -> Record:
        dates = [line.needed_by for line in document.lines if line.needed_by]
        return {
            "employee": await self._directory.employee(),
            "warehouse": (await self._directory.warehouse()).id,
            "supply_date": min(dates) if dates else document.requested_on or self._today(),
            "lines": created(*[await self._line(line) for line in document.lines]),
        }

    async def _line(self, line: RequisitionLine) -> Record:
        item = await self._directory.item(line.item_number)
        values: Record = {
            "product": item.id,
            "unit": await self._directory.unit(line.item_number, line.quantity.unit),
            "quantity": quantity(line.quantity.amount),
            "description": _requisition_words(line, item.name),
        }
        if line.supplier_number:
            values["supplier"] = (await self._directory.supplier(line.supplier_number)).id
        if line.anticipated_price:
            values["unit_price"] = line.anticipated_price.amount
        return values


def _requisition_words(line: RequisitionLine, name: str) -> str:
    """The ERP's requisition has no cost center of its own: buyers read it in the line."""
    parts = [line.description or name]
    parts += [f"cost center {line.cost_center}"] if line.cost_center else []
    parts += [f"deliver to {line.deliver_to}"] if line.deliver_to else []
    return " · ".join(parts)[:_TEXT_LIMIT]


def _requisition_total(document: Requisition) -> Decimal:
    prices = [(line.anticipated_price, line.quantity.amount) for line in document.lines if line.anticipated_price]
    return sum((erp_rounded(price.amount * amount) for price, amount in prices), Decimal(0))


def erp_rounded(amount: Decimal) -> Decimal:
    """As the ERP rounds a line: to the cent, half to even. Source: Tryton 8.2 module currency."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def order_domain(order_number: str) -> Domain:
    """Confirmed orders under our number, or the ERP's own for those that its users made."""
    ours = [["reference", "=", order_number], ["description", "=", order_number]]
    return [["OR", ["number", "=", order_number], ours], ["state", "in", ["processing", "done"]]]


def order_number(record: Record) -> str:
    ours = record["reference"] if record["reference"] == record["description"] else None
    return str(ours or record["number"])


def numbered_lines(order: Record) -> list[tuple[int, Record]]:
    """Product lines with the numbers that others know them by: ours, or their place in orders made in the ERP."""
    lines = [line for line in order["lines"] if line["product"]]
    return [(line["sequence"] or place, line) for place, line in enumerate(lines, 1)]


class PurchaseOrders:
    """To `purchase.purchase`, quoted, confirmed and processed.

    The ERP numbers orders itself, so ours is the reference, and the description says that the reference is ours.
    Invoices come from the supplier, so the ERP is told not to draft them itself.
    """

    workflow = Workflow(
        "PurchaseOrder",
        "purchase.purchase",
        ["total_amount", "currency.code", "party.code", "reference", "lines.id"],
        buttons={"draft": "quote", "quotation": "confirm", "confirmed": "process"},
        final=frozenset({"processing", "done"}),
        own="description",
        deferred=frozenset({"confirmed"}),
    )

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def domain(self, natural_key: str, reference: str) -> Domain:
        return [["reference", "=", natural_key], ["description", "=", reference]]

    async def plan(self, document: PurchaseOrder, reference: str) -> Plan:
        if document.purpose != "00":
            remedy = "change or cancel the order in the ERP"
            raise DestinationError("only original orders are posted (BEG01 00)", where=WHERE, remedy=remedy)

        def same(record: Record) -> bool:
            return bool(record["party"]["code"] == document.supplier_number)

        return Plan(
            document.natural_key,
            reference,
            self.domain(document.natural_key, reference),
            document.total.amount,
            lambda: self._values(document),
            same,
        )

    async def _values(self, document: PurchaseOrder) -> Record:
        supplier = await self._directory.supplier(document.supplier_number)
        lines = [await self._line(line, line.needed_by or document.needed_by) for line in document.lines]
        lines += [_charge_line(charge_words(c), c.amount.amount) for c in document.charges]
        lines += rounding_lines(document.total.amount, lines)
        term = supplier.payment_term
        if document.terms and document.terms.net_days is not None:
            term = await self._directory.payment_term(document.terms.net_days) or term
        return {
            "reference": document.order_number,
            "party": supplier.id,
            "invoice_address": supplier.address,
            "payment_term": term,
            "currency": await self._directory.currency(document.currency),
            "warehouse": (await self._directory.warehouse()).id,
            "purchase_date": document.ordered_on,
            "invoice_method": "manual",
            "comment": "\n".join(document.notes) or None,
            "lines": created(*lines),
        }

    async def _line(self, line: OrderLine, needed_by: date | None) -> Record:
        item = await self._directory.item(line.item_number)
        values: Record = {
            "type": "line",
            "sequence": line.number,
            "product": item.id,
            "unit": await self._directory.unit(line.item_number, line.quantity.unit),
            "quantity": quantity(line.quantity.amount),
            "unit_price": line.price.amount,
            "description": line.description,
        }
        if needed_by:
            values |= {"delivery_date_edit": True, "delivery_date_store": needed_by}
        if line.cost_center:
            values["analytic_accounts"] = await analytic_entry(self._directory, line.cost_center)
        return values


async def analytic_entry(directory: Directory, cost_center: str) -> list[Any]:
    account = await directory.cost_center(cost_center)
    return created({"root": await directory.cost_center_root(), "account": account})


def charge_words(charge: Charge) -> str:
    return f"{charge.code}: {charge.description}" if charge.description else charge.code


def _charge_line(description: str, amount: Decimal) -> Record:
    return {"type": "line", "quantity": 1.0, "unit_price": amount, "description": description}


def rounding_lines(total: Decimal, lines: list[Record]) -> list[Record]:
    """A cent here and there: the ERP rounds a line's half cent to even, trading documents round it up."""
    there = sum((erp_rounded(Decimal(repr(line["quantity"])) * line["unit_price"]) for line in lines), Decimal(0))
    return [_charge_line(ROUNDING, total - there)] if total != there else []


class JournalEntries:
    """To `account.move` with analytic lines, posted; the entry's number is the move's description."""

    workflow = Workflow(
        "JournalEntry",
        "account.move",
        ["lines.debit", "company.currency.code"],
        buttons={"draft": "post"},
        final=frozenset({"posted"}),
        own="description",
        serial=frozenset({"post"}),
        total=lambda record: sum((money_of(line["debit"]) for line in record["lines"]), Decimal(0)),
    )

    def __init__(self, directory: Directory, settings: TrytonSettings) -> None:
        self._directory, self._settings = directory, settings

    def domain(self, natural_key: str, reference: str) -> Domain:
        return [["description", "=", reference], ["journal.code", "=", self._settings.allocation_journal]]

    async def plan(self, document: JournalEntry, reference: str) -> Plan:
        total = sum((line.debit.amount for line in document.lines if line.debit), Decimal(0))
        return Plan(
            document.natural_key,
            reference,
            self.domain(document.natural_key, reference),
            total,
            lambda: self._values(document),
        )

    async def _values(self, document: JournalEntry) -> Record:
        lines = [await self._line(line, document) for line in document.lines]
        return {
            "journal": await self._directory.journal(self._settings.allocation_journal),
            "date": document.posted_on,
            "period": await self._directory.period(document.posted_on),
            "lines": created(*lines),
        }

    async def _line(self, line: JournalLine, document: JournalEntry) -> Record:
        debit = line.debit.amount if line.debit else Decimal(0)
        credit = line.credit.amount if line.credit else Decimal(0)
        values: Record = {
            "account": await self._directory.account(line.account),
            "debit": debit,
            "credit": credit,
            "description": line.description or document.description,
        }
        if line.cost_center:
            account = await self._directory.cost_center(line.cost_center)
            share = {"account": account, "debit": debit, "credit": credit, "date": document.posted_on}
            values["analytic_lines"] = created(share)
        return values
