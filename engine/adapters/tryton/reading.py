"""What the ERP holds, as canonical documents and totals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pydantic import ValidationError

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.directory import packaging, unit_code
from engine.adapters.tryton.documents import ROUNDING, erp_rounded, money_of, order_number
from engine.adapters.tryton.settings import TrytonSettings
from engine.adapters.tryton.wire import Domain, Record
from engine.canonical import (
    Address,
    Charge,
    Identifier,
    Item,
    Money,
    OrderLine,
    Packaging,
    PaymentState,
    PurchaseOrder,
    Quantity,
    Supplier,
)

_ITEM_FIELDS = (
    "code",
    "cost_price",
    "default_uom.name",
    "identifiers.type",
    "identifiers.code",
    "template.name",
    "template.purchasable",
    "template.type",
    "template.account_category.account_expense.code",
    "template.product_suppliers.party.code",
    "template.product_suppliers.code",
)
_ORDER_FIELDS = (
    "number",
    "reference",
    "description",
    "state",
    "purchase_date",
    "comment",
    "party.code",
    "currency.code",
    "lines.type",
    "lines.sequence",
    "lines.quantity",
    "lines.unit_price",
    "lines.amount",
    "lines.description",
    "lines.unit.name",
    "lines.product.code",
    "lines.product.template.name",
    "lines.product.template.product_suppliers.code",
    "lines.product.template.product_suppliers.party.code",
    "lines.delivery_date_store",
    "lines.analytic_accounts.account.code",
)
_ENDED = ("processing", "done")
_TEXT_LIMIT = 200  # of a canonical text


class Reader:
    def __init__(self, client: TrytonClient, settings: TrytonSettings) -> None:
        self._client, self._settings = client, settings
        self.unreadable: dict[str, str] = {}  # the ERP's order number to what is odd in it

    async def suppliers(self) -> list[Supplier]:
        """Parties with a code that are not the company, its people or other ERP-internal ones."""
        fields = [
            "code",
            "name",
            "active",
            "addresses.street",
            "addresses.city",
            "addresses.postal_code",
            "addresses.party_name",
            "contact_mechanisms.type",
            "contact_mechanisms.value",
            "identifiers.type",
            "identifiers.code",
            "supplier_payment_term.name",
        ]
        found = await self._client.read("party.party", await self._supplier_domain(), fields)
        return [_supplier(record) for record in found]

    async def _supplier_domain(self) -> Domain:
        employees = await self._client.read("company.employee", [], ["party.id"])
        companies = await self._client.read("company.company", [], ["party.id"])
        own = [record["party"]["id"] for record in [*employees, *companies]]
        return [["id", "not in", own], ["code", "!=", None]]

    async def items(self) -> list[Item]:
        found = await self._client.read("product.product", [["code", "!=", None]], _ITEM_FIELDS)
        return [_item(record) for record in found]

    async def purchase_orders(self, since: date | None, state: str | None) -> list[PurchaseOrder]:
        """Confirmed orders in the order of their making; `state` narrows to one of the ERP's states."""
        domain = [["state", "in", [state] if state else list(_ENDED)], ["number", "!=", None]]
        domain += [["purchase_date", ">=", since]] if since else []
        found = await self._client.read("purchase.purchase", domain, _ORDER_FIELDS)
        orders, self.unreadable = [], {}
        for record in found:
            try:
                orders += [_order(record)] if _ordered_lines(record) else []
            except ValidationError as error:
                # one odd order must not keep the others back; `check` names it to people
                places = {".".join(map(str, e["loc"])) for e in error.errors(include_input=False)}
                self.unreadable[str(record["number"])] = ", ".join(sorted(places))
        return orders

    async def payment_status(self, supplier: str, number: str) -> tuple[PaymentState, Money | None]:
        domain = [["type", "=", "in"], ["party.code", "=", supplier], ["reference", "=", number]]
        fields = ["state", "amount_to_pay", "total_amount", "currency.code"]
        found = await self._client.read("account.invoice", domain, fields, order=[["id", "DESC"]])
        live = [record for record in found if record["state"] != "cancelled"] or found
        if not live:
            return PaymentState.UNKNOWN, None
        due = Money(amount=money_of(live[0]["amount_to_pay"]), currency=live[0]["currency"]["code"])
        return payment_state(live[0], due.amount), due

    async def summary(self) -> Mapping[str, tuple[int, Decimal]]:
        invoices: Domain = [["type", "=", "in"], ["state", "in", ["posted", "paid"]]]
        requisitions: Domain = ["state", "not in", ["draft", "cancelled", "rejected"]]
        moves: Domain = [["move.state", "=", "posted"], ["journal.code", "=", self._settings.allocation_journal]]
        lines = await self._client.read("account.move.line", moves, ["debit", "move.id"])
        debits = sum((money_of(line["debit"]) for line in lines), Decimal(0))
        return {
            "Supplier": (await self._client.count("party.party", await self._supplier_domain()), Decimal(0)),
            "Item": (await self._client.count("product.product", [["code", "!=", None]]), Decimal(0)),
            "Requisition": await self._total("purchase.requisition", requisitions),
            "PurchaseOrder": await self._total("purchase.purchase", ["state", "in", list(_ENDED)]),
            "Invoice": await self._total("account.invoice", invoices),
            "JournalEntry": (len({line["move"]["id"] for line in lines}), debits),
        }

    async def _total(self, model: str, domain: Domain) -> tuple[int, Decimal]:
        found = await self._client.read(model, domain, ["total_amount"])
        return len(found), sum((money_of(record["total_amount"]) for record in found), Decimal(0))


def _supplier(record: Record) -> Supplier:
    first = record["addresses"][0] if record["addresses"] else {}
    city, _, state = (first.get("city") or "").partition(", ")
    parts = {
        "name": first.get("party_name"),
        "street": first.get("street"),
        "city": city,
        "state": state,
        "postal_code": first.get("postal_code"),
    }
    known = {name: text for name, text in parts.items() if text}
    address = Address.model_validate(known) if known else None
    emails = [contact["value"] for contact in record["contact_mechanisms"] if contact["type"] == "email"]
    numbers = [i["code"] for i in record["identifiers"] if i["type"] == "us_ein"]
    term = re.fullmatch(r"Net (\d+)", (record["supplier_payment_term"] or {}).get("name") or "")
    return Supplier(
        supplier_number=record["code"],
        name=record["name"],
        active=record["active"],
        address=address,
        email=emails[0] if emails else None,
        tax_identifier=numbers[0] if numbers else None,
        payment_terms_days=int(term[1]) if term else None,
    )


def _item(record: Record) -> Item:
    template, price = record["template"], money_of(record["cost_price"])
    suppliers = template["product_suppliers"]
    category = template["account_category"] or {}
    numbers = {i["type"]: i["code"] for i in record["identifiers"] if i["type"]}
    return Item(
        item_number=record["code"],
        description=template["name"][:_TEXT_LIMIT],
        unit=unit_code(record["default_uom"]["name"]),
        supplier_number=suppliers[0]["party"]["code"] if suppliers else None,
        supplier_item_number=suppliers[0]["code"] if suppliers else None,
        manufacturer=numbers.get("brand"),
        manufacturer_item_number=numbers.get("mpn"),
        packaging=tuple(Packaging(unit=u, contains=n) for u, n in packaging(record["identifiers"])),
        cost_price=Money(amount=price) if price else None,
        natural_account=(category.get("account_expense") or {}).get("code"),
        stocked=template["type"] == "goods",
        active=template["purchasable"],
    )


def _ordered_lines(record: Record) -> list[Record]:
    return [line for line in record["lines"] if line["type"] == "line" and line["product"]]


def _order(record: Record) -> PurchaseOrder:
    currency = record["currency"]["code"]
    lines = _ordered_lines(record)
    extras = [line for line in record["lines"] if line["type"] == "line" and not line["product"]]
    extras = [line for line in extras if line["description"] != ROUNDING]
    return PurchaseOrder(
        order_number=order_number(record),
        supplier_number=record["party"]["code"],
        ordered_on=record["purchase_date"],
        currency=currency,
        lines=tuple(
            _order_line(line, number, record["party"]["code"], currency) for number, line in enumerate(lines, 1)
        ),
        charges=tuple(_charge(line, currency) for line in extras),
        notes=tuple(text[:_TEXT_LIMIT] for text in (record["comment"] or "").splitlines() if text.strip()),
    )


def _order_line(line: Record, number: int, supplier: str, currency: str) -> OrderLine:
    known = line["product"]["template"]["product_suppliers"]
    supplier_item = next((s["code"] for s in known if s["party"]["code"] == supplier), None)
    centers = [entry["account"]["code"] for entry in line["analytic_accounts"] if entry["account"]]
    return OrderLine(
        number=line["sequence"] or number,
        item_number=line["product"]["code"],
        quantity=Quantity(amount=plain(money_of(line["quantity"])), unit=unit_code(line["unit"]["name"])),
        price=Money(amount=money_of(line["unit_price"]), currency=currency),
        description=(line["description"] or line["product"]["template"]["name"])[:_TEXT_LIMIT],
        identifiers=(Identifier(scheme="VENDOR_ITEM", value=supplier_item),) if supplier_item else (),
        cost_center=centers[0] if centers else None,
        needed_by=line["delivery_date_store"],
    )


def _charge(line: Record, currency: str) -> Charge:
    amount = erp_rounded(money_of(line["quantity"]) * money_of(line["unit_price"]))
    code, _, words = (line["description"] or "Charge").partition(": ")
    words = words[:_TEXT_LIMIT]
    return Charge(code=code[:80], amount=Money(amount=amount, currency=currency), description=words or None)


def plain(amount: Decimal) -> Decimal:
    """`10`, not `10.0`: the ERP's FLOAT column adds the point."""
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount.normalize()


def payment_state(record: Record, due: Decimal) -> PaymentState:
    if record["state"] in ("paid", "cancelled"):
        return PaymentState.PAID if record["state"] == "paid" else PaymentState.CANCELLED
    return PaymentState.PARTLY_PAID if due != money_of(record["total_amount"]) else PaymentState.OPEN
