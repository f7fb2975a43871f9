"""Order changes, catalogues, stock and use from a seed; everything is invented. See x12_generated.py."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from engine.canonical import (
    ChangeBy,
    Consumption,
    ConsumptionLine,
    Contract,
    ContractLine,
    Disposition,
    InventoryLevel,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    PriceBreak,
    Quantity,
)
from tests.support.x12_generated import Making

_CODES = {
    "AI": OrderChangeAction.ADD,
    "DI": OrderChangeAction.DELETE,
    "CA": OrderChangeAction.CHANGE,
    "PQ": OrderChangeAction.CHANGE,
    "RZ": OrderChangeAction.REPLACE,
    "QI": OrderChangeAction.QUANTITY_INCREASE,
    "QD": OrderChangeAction.QUANTITY_DECREASE,
    "PC": OrderChangeAction.PRICE_CHANGE,
    "RS": OrderChangeAction.RESCHEDULE,
    "NC": OrderChangeAction.NO_CHANGE,
}
_CHANGED_SCHEMES = ("GTIN", "UPC", "EAN", "VENDOR_CATALOG", "VENDOR_ITEM", "MANUFACTURER_PART", "NDC")
_PRICED_SCHEMES = ("GTIN", "UPC", "EAN", "MANUFACTURER_PART", "NDC")


class SupplyMaking(Making):
    """What stands beside orders and invoices."""

    def moment(self) -> datetime:
        """To the second."""
        return datetime.combine(self.day(), time(), UTC) + timedelta(seconds=self.number(0, 86_399))

    def buyers_change(self) -> OrderChange:
        return self._change(ChangeBy.BUYER, None, answered=False)

    def suppliers_word(self) -> OrderChange:
        """A wish of the supplier's, or its answer to ours."""
        if self.random.random() < 0.5:
            return self._change(ChangeBy.SUPPLIER, None, answered=True)
        return self._change(ChangeBy.BUYER, self.one((True, False)), answered=True)

    def _change(self, changed_by: ChangeBy, accepted: bool | None, *, answered: bool) -> OrderChange:
        currency = self.currency()
        return OrderChange(
            order_number=self.text(22),
            supplier_number=self.text(30),
            change_number=self.text(45),
            sequence=self.number(1, 99_999_999),
            changed_on=self.day(),
            changed_by=changed_by,
            purpose=self.one(("01", "04", "05")),
            lines=tuple(self._changed(number, currency, answered) for number in range(1, self.number(0, 4) + 1)),
            accepted=accepted,
            reason=self.maybe(self.text, 200),
            currency=currency,
        )

    def _changed(self, number: int, currency: str, answered: bool) -> OrderChangeLine:
        code = self.one(sorted(_CODES))
        return OrderChangeLine(
            order_line_number=number,
            action=_CODES[code],
            code=code,
            quantity=self.maybe(self.quantity),
            price=self.maybe(self.price, currency),
            item_number=self.text(48),
            description=self.one((None, " ".join(self.some(4, self.text, 40, least=1)))),
            identifiers=self.identifiers(_CHANGED_SCHEMES),
            needed_by=self.maybe(self.day),
            reason=self.one((None, "IA", "IR", "IQ")) if answered else None,
        )

    def contract(self) -> Contract:
        currency, gpo = self.currency(), self.maybe(self.text, 60)
        return Contract(
            contract_number=self.text(30),
            supplier_number=self.text(30),
            lines=tuple(self._priced(number, currency) for number in range(1, self.number(1, 5) + 1)),
            name=self.maybe(self.text, 80),
            gpo=gpo if gpo and len(gpo) > 1 else None,
            gpo_contract_number=self.maybe(self.text, 30) if gpo and len(gpo) > 1 else None,
            currency=currency,
            **self._validity(),
        )

    def _validity(self) -> dict[str, Any]:
        first = self.day()
        ends = {"valid_from": first, "valid_to": first + timedelta(days=self.number(0, 900))}
        return {name: day for name, day in ends.items() if self.random.random() < 0.5}

    def _priced(self, number: int, currency: str) -> ContractLine:
        theirs = self.maybe(self.text, 48)
        minimums = sorted(self.random.sample(range(2, 1000), self.number(0, 3)))
        return ContractLine(
            number=number,
            unit=self.one(("EA", "BX", "CA")),
            price=self.price(currency),
            item_number=self.text(48) if theirs is None else self.maybe(self.text, 48),
            supplier_item_number=theirs,
            identifiers=self.identifiers(_PRICED_SCHEMES),
            tier=self.maybe(self.text, 30),
            breaks=tuple(PriceBreak(minimum=one, price=self.price(currency)) for one in minimums),
            description=self.maybe(self.text, 80),
            **self._validity(),
        )

    def inventory_level(self) -> InventoryLevel:
        on_hand, supplier = self.quantity(), self.text(30)
        place = self.text(40, 2)
        return InventoryLevel(
            item_number=self.text(48),
            location=self.one((place, f"{supplier}/{place}")),
            on_hand=on_hand,
            as_of=self.moment(),
            facility=self.maybe(self.text, 60, 2),
            on_order=self.maybe(self.decimal, 0, 9_999, 1),
            supplier_number=supplier,
            consignment=self.one((True, False)),
        )

    def consumption(self) -> Consumption:
        currency, supplier, places = self.currency(), self.text(30), (None, self.text(40, 2), self.text(40, 2))
        count = self.number(1, 5)
        return Consumption(
            consumption_number=self.text(30),
            used_at=self.one((self.moment(), self.moment().replace(tzinfo=None))),
            lines=tuple(self._used(number, currency, supplier, self.one(places)) for number in range(1, count + 1)),
            facility=self.maybe(self.text, 60, 2),
            location=self.maybe(self.text, 60, 2),
            cancelled=self.one((True, False)),
        )

    def _used(self, number: int, currency: str, supplier: str, place: str | None) -> ConsumptionLine:
        quantity = self.quantity()
        back = Quantity(amount=-quantity.amount, unit=quantity.unit)
        return ConsumptionLine(
            number=number,
            quantity=self.one((quantity, quantity, back)),
            transaction_id=self.maybe(self.text, 30),
            item_number=self.text(48),
            description=self.maybe(self.text, 80),
            unit_cost=self.maybe(self.price, currency),
            extended=self.maybe(self.cents, currency),
            cost_center=self.maybe(self.text, 30),
            lot=self.maybe(self.text, 20),
            serial=self.maybe(self.text, 20),
            expires_on=self.maybe(self.day),
            device_identifier=self.one((None, self._gs1(14), f"+H{self.code(20)}")),
            disposition=self.one(tuple(Disposition)),
            bill_only=self.one((True, False)),
            consignment=self.one((True, False)),
            replenish=self.one((True, False)),
            supplier_number=supplier,
            location=place,
        )
