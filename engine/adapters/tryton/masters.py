"""Supplier, Item, CostCenter: made when the ERP does not have them, brought up to date when it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.directory import Directory, packaging_code, unit_code
from engine.adapters.tryton.failures import WHERE, BusinessRuleError
from engine.adapters.tryton.wire import Record, created
from engine.canonical import Address, CostCenter, Item, Supplier
from engine.ports.erp import Posted

_PARTY, _TEMPLATE, _PRODUCT, _ANALYTIC = (
    "party.party",
    "product.template",
    "product.product",
    "analytic_account.account",
)
_SUPPLIER_ITEM = "purchase.product_supplier"
_SUPPLIER_FIELDS = (
    "name",
    "active",
    "supplier_payment_term.id",
    "addresses.party_name",
    "addresses.street",
    "addresses.city",
    "addresses.postal_code",
    "contact_mechanisms.value",
    "identifiers.code",
)


def supplier_values(supplier: Supplier, payment_term: int | None) -> Record:
    values: Record = {
        "code": supplier.supplier_number,
        "name": supplier.name,
        "supplier_payment_term": payment_term,
        "addresses": created(address_values(supplier.address)),
    }
    return values | supplier_additions(supplier, {"contact_mechanisms": [], "identifiers": []})


def supplier_additions(supplier: Supplier, there: Record) -> Record:
    """E-mail address and numbers that the ERP does not have yet; what it has is never taken away."""
    values: Record = {}
    known = {contact["value"] for contact in there["contact_mechanisms"]}
    if supplier.email and supplier.email not in known:
        values["contact_mechanisms"] = created({"type": "email", "value": supplier.email})
    identifiers = [{"type": None, "code": f"{i.scheme} {i.value}"} for i in supplier.identifiers]
    identifiers += [_tax_identifier(supplier.tax_identifier)] if supplier.tax_identifier else []
    numbers = {_digits(identifier["code"]) for identifier in there["identifiers"]}
    new = [identifier for identifier in identifiers if _digits(identifier["code"]) not in numbers]
    return values | ({"identifiers": created(*new)} if new else {})


def _digits(code: object) -> str:
    """The ERP writes some numbers its own way (12-3456789 as 123456789)."""
    return re.sub(r"[^0-9A-Za-z]", "", str(code))


def _tax_identifier(code: str) -> Record:
    """Nine digits are a US employer number, which the ERP checks; other numbers are kept as they are."""
    digits = re.sub(r"\D", "", code)
    return {"type": "us_ein", "code": code} if len(digits) == 9 else {"type": None, "code": f"TAX {code}"}


def address_values(address: Address | None) -> Record:
    """The ERP's list of states is empty unless loaded, so the state stands beside the city."""
    if address is None:
        return {}
    city = ", ".join(part for part in (address.city, address.state) if part)
    return {"party_name": address.name, "street": address.street, "city": city, "postal_code": address.postal_code}


class Masters:
    def __init__(self, client: TrytonClient, directory: Directory) -> None:
        self._client, self._directory = client, directory

    # ------------------------------------------------------------------ suppliers
    async def supplier(self, supplier: Supplier) -> Posted:
        domain = [["code", "=", supplier.supplier_number], ["active", "in", [True, False]]]
        found = await self._client.read(_PARTY, domain, _SUPPLIER_FIELDS, limit=1)
        term = await self._term(supplier)
        if not found:
            made = await self._client.create(_PARTY, supplier_values(supplier, term))
            if not supplier.active:
                await self._client.write(_PARTY, made["id"], {"active": False})
            return _master("Supplier", supplier.supplier_number, made["id"], supplier.active, already_there=False)
        if supplier.active or found[0]["active"]:  # what has ended stays as it was
            await self._update_supplier(supplier, found[0], term)
        return _master("Supplier", supplier.supplier_number, found[0]["id"], supplier.active, already_there=True)

    async def _update_supplier(self, supplier: Supplier, there: Record, term: int | None) -> None:
        """The ERP changes active parties only: it is made active first, and inactive last."""
        if not there["active"]:
            await self._client.activate(_PARTY, there["id"])
        wanted: Record = {"name": supplier.name}
        wanted |= {"supplier_payment_term": term} if term else {}
        await self._update(_PARTY, there, wanted | supplier_additions(supplier, there))
        if supplier.address and there["addresses"]:
            await self._update("party.address", there["addresses"][0], address_values(supplier.address))
        if not supplier.active:
            await self._client.write(_PARTY, there["id"], {"active": False})
        self._directory.forget("supplier", supplier.supplier_number)

    async def suppliers(self, suppliers: Sequence[Supplier]) -> int:
        """Make those that the ERP does not have."""
        there = await self._codes(_PARTY, [s.supplier_number for s in suppliers])
        new = [
            supplier_values(s, await self._term(s)) for s in suppliers if s.supplier_number not in there and s.active
        ]
        return len(await self._client.create_all(_PARTY, new)) if new else 0

    async def _term(self, supplier: Supplier) -> int | None:
        days = supplier.payment_terms_days
        return await self._directory.payment_term(days, make=True) if days is not None else None

    # ------------------------------------------------------------------ cost centers
    async def cost_center(self, center: CostCenter) -> Posted:
        root = await self._directory.cost_center_root()
        domain = [["code", "=", center.cost_center], ["root", "=", root], ["active", "in", [True, False]]]
        found = await self._client.read(_ANALYTIC, domain, ["name", "active"], limit=1)
        wanted: Record = {"name": center.name, "active": center.active}
        if found:
            await self._update(_ANALYTIC, found[0], wanted)
            return _master("CostCenter", center.cost_center, found[0]["id"], center.active, already_there=True)
        own = {"type": "normal", "root": root, "parent": root, "code": center.cost_center}
        made = await self._client.create(_ANALYTIC, wanted | own)
        return _master("CostCenter", center.cost_center, made["id"], center.active, already_there=False)

    # ------------------------------------------------------------------ items
    async def item(self, item: Item) -> Posted:
        fields = [
            "default_uom.name",
            "template.account_category.id",
            "template.id",
            "template.name",
            "template.purchasable",
            "cost_price",
            "identifiers.type",
            "identifiers.code",
            "identifiers.id",
            "template.product_suppliers.party.code",
            "template.product_suppliers.code",
            "template.product_suppliers.id",
        ]
        found = await self._client.read(_PRODUCT, [["code", "=", item.item_number]], fields, limit=1)
        await self._ensure_units(item)
        if not found:
            values = await self._item_values(item)
            made = await self._client.create(_TEMPLATE, values, ["products.id"])
            return _master("Item", item.item_number, made["products"][0]["id"], item.active, already_there=False)
        await self._bring_up_to_date(item, found[0])
        self._directory.forget("item", item.item_number)
        return _master("Item", item.item_number, found[0]["id"], item.active, already_there=True)

    async def items(self, items: Sequence[Item]) -> int:
        """Make those that the ERP does not have."""
        there = await self._codes(_PRODUCT, [i.item_number for i in items])
        new = []
        for item in items:
            if item.item_number not in there:
                await self._ensure_units(item)
                new.append(await self._item_values(item))
        return len(await self._client.create_all(_TEMPLATE, new)) if new else 0

    async def _item_values(self, item: Item) -> Record:
        unit = await self._directory.unit_id(item.unit, Decimal(1))
        values: Record = {
            "name": item.description,
            "code": item.item_number,
            "type": "goods" if item.stocked else "service",
            "default_uom": unit,
            "purchasable": item.active,
            "purchase_uom": unit,
            "account_category": await self._directory.category(item.natural_account),
            "cost_price_method": "fixed",
        }
        product: Record = {"identifiers": created(*identifier_values(item))}
        if item.cost_price:
            product["cost_price"] = item.cost_price.amount
        values["products"] = created(product)
        if item.supplier_number:
            values["product_suppliers"] = created(await self._supplier_item(item))
        return values

    async def _supplier_item(self, item: Item) -> Record:
        supplier = await self._directory.supplier(str(item.supplier_number))
        return {"party": supplier.id, "code": item.supplier_item_number}

    async def _ensure_units(self, item: Item) -> None:
        for step in item.packaging:
            await self._directory.unit_id(step.unit, step.contains)

    async def _bring_up_to_date(self, item: Item, found: Record) -> None:
        template = found["template"]
        if unit_code(found["default_uom"]["name"]) != item.unit:
            remedy = "make a new item number in the ERP and the crosswalk, or correct the unit"
            raise BusinessRuleError("the ERP holds the item in another base unit", where=WHERE, remedy=remedy)
        header: Record = {"name": item.description, "purchasable": item.active}
        if item.natural_account:
            header["account_category"] = await self._directory.category(item.natural_account)
        await self._update(_TEMPLATE, template, header)
        values: Record = {}
        if item.cost_price and item.cost_price.amount != found["cost_price"]:
            values["cost_price"] = item.cost_price.amount
        there = {(i["type"], i["code"]): i["id"] for i in found["identifiers"]}
        wanted = {(i["type"], i["code"]): i for i in identifier_values(item)}
        if there.keys() != wanted.keys():
            gone = [there[key] for key in there.keys() - wanted.keys()]
            new = [wanted[key] for key in wanted if key not in there]
            values["identifiers"] = [*([["delete", gone]] if gone else []), *(created(*new) if new else [])]
        if values:
            await self._client.write(_PRODUCT, found["id"], values)
        await self._bring_supplier_up_to_date(item, template)

    async def _bring_supplier_up_to_date(self, item: Item, template: Record) -> None:
        if not item.supplier_number:
            return
        known = [s for s in template["product_suppliers"] if s["party"]["code"] == item.supplier_number]
        if not known:
            values = {"product_suppliers": created(await self._supplier_item(item))}
            await self._client.write(_TEMPLATE, template["id"], values)
        elif known[0]["code"] != item.supplier_item_number:
            await self._client.write(_SUPPLIER_ITEM, known[0]["id"], {"code": item.supplier_item_number})

    # ------------------------------------------------------------------ shared
    async def find(self, kind: str, code: str) -> Posted | None:
        model = {"Supplier": _PARTY, "Item": _PRODUCT, "CostCenter": _ANALYTIC}[kind]
        field = "template.purchasable" if kind == "Item" else "active"
        found = await self._client.read(model, [["code", "=", code], ["active", "in", [True, False]]], [field], limit=1)
        if not found:
            return None
        active = found[0]["template"]["purchasable"] if kind == "Item" else found[0]["active"]
        return _master(kind, code, found[0]["id"], bool(active), already_there=True)

    async def _codes(self, model: str, codes: Sequence[str]) -> set[str]:
        found = await self._client.read(model, [["code", "in", list(codes)]], ["code"])
        return {record["code"] for record in found}

    async def _update(self, model: str, there: Record, wanted: Mapping[str, Any]) -> None:
        """Write what differs; nothing when nothing does."""
        changed = {name: value for name, value in wanted.items() if _plain(there.get(name)) != value}
        if changed:
            await self._client.write(model, there["id"], changed)


def identifier_values(item: Item) -> list[Record]:
    """The packaging ladder, the manufacturer's and the other numbers, as people read them in the ERP."""
    values: list[Record] = [{"type": None, "code": packaging_code(step.unit, step.contains)} for step in item.packaging]
    values += [{"type": "brand", "code": item.manufacturer}] if item.manufacturer else []
    values += [{"type": "mpn", "code": item.manufacturer_item_number}] if item.manufacturer_item_number else []
    values += [{"type": None, "code": f"{i.scheme} {i.value}"} for i in item.identifiers]
    return values


def _plain(value: object) -> object:
    return value["id"] if isinstance(value, dict) else value


def _master(kind: str, code: str, record: int, active: bool, *, already_there: bool) -> Posted:
    state = "active" if active else "inactive"
    return Posted(kind, code, code, str(record), state, already_there=already_there)
