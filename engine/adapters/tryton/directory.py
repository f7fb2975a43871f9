"""What the ERP calls our suppliers, items, accounts: look-ups by code, kept for a while.

A miss is never kept, so that a master sent a moment later is found; an id that the ERP no longer accepts is
forgotten with `clear`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.failures import WHERE
from engine.adapters.tryton.settings import TrytonSettings
from engine.adapters.tryton.wire import Domain, Record, created, quantity
from engine.core.errors import DestinationError

BASE_UNIT = "EA"
"""Our code for the unit that Tryton ships as `Unit`."""
_BASE_UNIT_NAME = "Unit"
_PACKAGING = re.compile(r"(\S{1,12}) of (\d+(?:\.\d+)?)")
_MASTERS = {"supplier": "Supplier", "item": "Item", "cost center": "CostCenter"}
_Found = TypeVar("_Found")


class MasterMissingError(DestinationError):
    """The ERP does not know a supplier, item, account or cost center that the document names."""

    code = "T025"

    def __init__(
        self, what: str, *, where: str | None = None, remedy: str | None = None, lacks: tuple[str, str] | None = None
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.lacks = lacks


class SupplierRecord(NamedTuple):
    id: int
    address: int
    payment_term: int | None


class ItemRecord(NamedTuple):
    """`units`: unit code to (unit id, how many base units it holds)."""

    id: int
    template: int
    name: str
    base_unit: str
    units: dict[str, tuple[int, Decimal]]
    expense_account: int | None


class Warehouse(NamedTuple):
    id: int
    input: int
    storage: int


class Directory:
    """One per connection; entries live `keep` seconds."""

    def __init__(self, client: TrytonClient, settings: TrytonSettings, keep: float = 300.0) -> None:
        self._client, self._settings, self._keep = client, settings, keep
        self._known: dict[tuple[str, str], tuple[float, Any]] = {}
        self._making = asyncio.Lock()  # what is made on demand is made once

    def clear(self) -> None:
        self._known.clear()

    def forget(self, kind: str, code: str) -> None:
        self._known.pop((kind, code), None)

    async def supplier(self, number: str) -> SupplierRecord:
        return await self._cached("supplier", number, lambda: self._supplier(number))

    async def item(self, number: str) -> ItemRecord:
        return await self._cached("item", number, lambda: self._item(number))

    async def unit(self, item_number: str, unit: str) -> int:
        """The id of an item's unit, by its packaging ladder.

        Raises:
            MasterMissingError: the item is not held in that unit; units are never assumed equal.
        """
        item = await self.item(item_number)
        if unit not in item.units:
            remedy = f"send the item master with its packaging for {unit}, or order in {item.base_unit}"
            what = f"item {item_number} has no unit {unit} in the ERP"
            raise MasterMissingError(what, where=WHERE, remedy=remedy, lacks=("Item", item_number))
        return item.units[unit][0]

    async def account(self, code: str) -> int:
        return await self._id("account", code, "account.account", [["code", "=", code], ["type", "!=", None]])

    async def cost_center(self, code: str) -> int:
        domain = [["code", "=", code], ["type", "!=", "root"], ["root.code", "=", self._settings.cost_center_root]]
        return await self._id("cost center", code, "analytic_account.account", domain)

    async def cost_center_root(self) -> int:
        code = self._settings.cost_center_root
        domain = [["code", "=", code], ["type", "=", "root"]]
        return await self._id("cost center root", code, "analytic_account.account", domain)

    async def category(self, natural_account: str | None) -> int:
        """The accounting category whose expense account this is; made when the account has none yet."""
        code = natural_account or self._settings.expense_account
        account = await self.account(code)

        async def ask() -> int:
            # the account depends on the company, so the ERP cannot search by it
            kept = await self._client.read("product.category", [["accounting", "=", True]], ["account_expense.id"])
            for category in kept:
                if (category["account_expense"] or {}).get("id") == account:
                    return int(category["id"])
            values = {"name": f"Natural account {code}", "accounting": True, "account_expense": account}
            return int((await self._client.create("product.category", values))["id"])

        return await self._cached("category", code, ask)

    async def journal(self, code: str) -> int:
        return await self._id("journal", code, "account.journal", [["code", "=", code]])

    async def currency(self, code: str) -> int:
        return await self._id("currency", code, "currency.currency", [["code", "=", code]])

    async def payable_account(self) -> int:
        """The company's own choice for what it owes suppliers."""

        async def ask() -> int:
            (found, *_) = await self._client.read(
                "account.configuration", [], ["default_account_payable.id"], limit=1
            ) or [{}]
            chosen = found.get("default_account_payable")
            if not chosen:
                raise _missing("account", "payable")
            return int(chosen["id"])

        return await self._cached("payable", "", ask)

    async def period(self, day: date) -> int:
        """The open accounting period of a day."""

        async def ask() -> int:
            domain = [["start_date", "<=", day], ["end_date", ">=", day], ["type", "=", "standard"]]
            found = await self._client.read("account.period", domain, ["state"], limit=1)
            if not found or found[0]["state"] != "open":
                remedy = "open the period in the ERP, or correct the date, then resend"
                raise DestinationError(f"the ERP has no open period for {day}", where=WHERE, remedy=remedy)
            return int(found[0]["id"])

        return await self._cached("period", day.isoformat(), ask)

    async def payment_term(self, days: int, make: bool = False) -> int | None:
        """The term `Net <days>`; when the ERP has none it is made, or None: then the supplier's own term holds."""
        name, model = f"Net {days}", "account.invoice.payment_term"
        found = await self._client.read(model, [["name", "=", name]], ["name"], limit=1)
        if found or not make:
            return int(found[0]["id"]) if found else None
        line = {"type": "remainder", "relativedeltas": created({"days": days})}
        return int((await self._client.create(model, {"name": name, "lines": created(line)}))["id"])

    async def warehouse(self) -> Warehouse:
        async def ask() -> Warehouse:
            fields = ["input_location.id", "storage_location.id"]
            found = await self._client.read("stock.location", [["type", "=", "warehouse"]], fields, limit=1)
            if not found:
                raise _missing("warehouse", "any")
            return Warehouse(found[0]["id"], found[0]["input_location"]["id"], found[0]["storage_location"]["id"])

        return await self._cached("warehouse", "", ask)

    async def employee(self) -> int:
        return await self._id("employee", "any", "company.employee", [["company", "=", self._settings.company]])

    async def _supplier(self, number: str) -> SupplierRecord | None:
        fields = ["addresses.id", "supplier_payment_term.id"]
        found = await self._client.read("party.party", [["code", "=", number]], fields, limit=1)
        if not found or not found[0]["addresses"]:
            return None
        term = found[0]["supplier_payment_term"]
        return SupplierRecord(found[0]["id"], found[0]["addresses"][0]["id"], term["id"] if term else None)

    async def _item(self, number: str) -> ItemRecord | None:
        fields = [
            "rec_name",
            "template.id",
            "template.name",
            "default_uom.id",
            "default_uom.name",
            "identifiers.code",
            "identifiers.type",
            "template.account_category.account_expense.id",
        ]
        found = await self._client.read("product.product", [["code", "=", number]], fields, limit=1)
        if not found:
            return None
        record, base = found[0], unit_code(found[0]["default_uom"]["name"])
        units = {base: (int(record["default_uom"]["id"]), Decimal(1))}
        for code, contains in packaging(record["identifiers"]):
            units[code] = (await self.unit_id(code, contains), contains)
        category = record["template"]["account_category"]
        expense = category["account_expense"] if category else None
        return ItemRecord(
            record["id"],
            record["template"]["id"],
            record["template"]["name"],
            base,
            units,
            expense["id"] if expense else None,
        )

    async def unit_id(self, code: str, contains: Decimal) -> int:
        """The unit's id; made when the ERP does not have it yet."""
        name = unit_name(code, contains)

        async def ask() -> int:
            async with self._making:
                found = await self._client.read("product.uom", [["name", "=", name]], ["name"], limit=1)
                return int(found[0]["id"]) if found else await self._make_unit(code, name, contains)

        return await self._cached("unit", name, ask)

    async def _make_unit(self, code: str, name: str, contains: Decimal) -> int:
        (base,) = await self._client.read("product.uom", [["name", "=", _BASE_UNIT_NAME]], ["category.id"], limit=1)
        rate = quantity((Decimal(1) / contains).quantize(Decimal("1e-12")))  # 12 places: what the ERP compares
        made = await self._client.create(
            "product.uom",
            {
                "name": name,
                "symbol": code,
                "category": base["category"]["id"],
                "factor": quantity(contains),
                "rate": rate,
                "rounding": 0.01,
                "digits": 2,
            },
        )
        return int(made["id"])

    async def _id(self, kind: str, code: str, model: str, domain: Domain) -> int:
        async def ask() -> int | None:
            found = await self._client.read(model, domain, ["rec_name"], limit=1)
            return int(found[0]["id"]) if found else None

        return await self._cached(kind, code, ask)

    async def _cached(self, kind: str, code: str, ask: Callable[[], Awaitable[_Found | None]]) -> _Found:
        until, value = self._known.get((kind, code), (0.0, None))
        if value is None or time.monotonic() > until:
            value = await ask()
            if value is None:
                raise _missing(kind, code)
            self._known[kind, code] = (time.monotonic() + self._keep, value)
        found: _Found = value
        return found


def unit_name(code: str, contains: Decimal) -> str:
    """How the ERP's users see a unit: `Unit`, `BX of 100`."""
    if contains == 1:
        return _BASE_UNIT_NAME if code == BASE_UNIT else code
    return packaging_code(code, contains)


def packaging_code(code: str, contains: Decimal) -> str:
    return f"{code} of {contains.normalize():f}"


def unit_code(name: str) -> str:
    return BASE_UNIT if name == _BASE_UNIT_NAME else name.partition(" of ")[0]


def packaging(identifiers: Sequence[Record]) -> list[tuple[str, Decimal]]:
    """The ladder that `packaging_code` wrote among the item's identifiers."""
    ours = [_PACKAGING.fullmatch(str(i["code"])) for i in identifiers if i.get("type") is None]
    return [(found[1], Decimal(found[2])) for found in ours if found]


def _missing(kind: str, code: str) -> MasterMissingError:
    remedies = {
        "supplier": "send the supplier first, then resend",
        "item": "send the item master first, then resend",
        "cost center": "make the cost center in the ERP, or correct the crosswalk, then resend",
    }
    remedy = remedies.get(kind, f"make the {kind} in the ERP, then resend")
    lacks = (_MASTERS[kind], code) if kind in _MASTERS else None
    return MasterMissingError(f"{kind} {code} is not in the ERP", where=WHERE, remedy=remedy, lacks=lacks)
