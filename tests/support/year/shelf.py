"""What was used, charged, counted and missing, what it cost whom, and how the books compare month by month."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from engine.canonical import (
    ChargeEvent,
    Consumption,
    ConsumptionLine,
    Disposition,
    InventoryLevel,
    InventoryMovement,
    Item,
    Money,
    MovementKind,
    ReconciliationReport,
)
from engine.canonical.posting import Drift, DriftCause
from tests.support.year.maker import FIRST, Maker
from tests.support.year.network import CENTERS, CHARGED, FACILITIES, Seller
from tests.support.year.oracle import Where, units
from tests.support.year.orders import cents, of


class Shelf:
    def __init__(self, maker: Maker) -> None:
        self.maker, self.random, self.oracle, self.count = maker, maker.random, maker.oracle, 0

    # -------------------------------------------------------------- use and charge
    def use(self, course: str | None) -> None:
        """`course`: nobody charges it; its item is not known at first; it is charged and was not used."""
        self.count += 1
        maker, seller = self.maker, self.maker.chosen_seller()
        facility, center = self.random.choice(FACILITIES), self.random.choice(CENTERS)
        used = maker.moment()
        amount = Decimal(self.random.randint(2, 9))
        if course == "charge_alone":
            return self._charged(seller, facility, center, used, amount, alone=True)
        unknown = f"M-NEW-{self.count}" if course == "unknown" else None
        lines = self._lines(seller, amount, unknown)
        at = maker.soon(used, 20)
        self._say_use(at, used, facility, center, lines)
        posted = self._known(at, unknown, facility, seller) if unknown else at
        self._costs(used, at, posted, facility, center, seller, lines)
        if course == "uncharged":
            return self._uncharged(used, facility, seller, lines[0])
        self._charged(seller, facility, center, used, amount)

    def _lines(self, seller: Seller, amount: Decimal, unknown: str | None) -> list[tuple[str, Decimal, Disposition]]:
        """The item that is charged for, one that was opened in vain, perhaps one that was put back."""
        found = [(seller.items[CHARGED][0], amount, Disposition.USED)]
        found.append((seller.items[1][0], Decimal(1), Disposition.WASTED))
        if unknown:
            found.append((unknown, Decimal(3), Disposition.USED))
        elif self.maker.chance(200):
            found.append((seller.items[1][0], Decimal(1), Disposition.RETURNED))
        return found

    def _say_use(
        self, at: datetime, used: datetime, facility: str, center: str, lines: list[tuple[str, Decimal, Disposition]]
    ) -> None:
        made = tuple(
            ConsumptionLine(number=n, quantity=of(amount), item_number=item, disposition=disposition)
            for n, (item, amount, disposition) in enumerate(lines, 1)
        )
        self.maker.say(
            at,
            Consumption(
                consumption_number=f"U-{self.count}", used_at=used, lines=made, facility=facility, department=center,
                visit_number=f"V-{self.count}",
            ),
        )  # fmt: skip
        taken = sum(one in (Disposition.USED, Disposition.IMPLANTED) for _, _, one in lines)
        opened = taken + sum(one is Disposition.WASTED for _, _, one in lines)
        where = {"facility": facility, "department": center}
        self.oracle.count("supply_utilisation", at, taken * 10**6, opened * 10**6, where)

    def _known(self, at: datetime, item: str, facility: str, seller: Seller) -> datetime:
        """The item master tells of the item the next day."""
        told = self.maker.later(at, 1)
        self.maker.say(told, Item(item_number=item, description=item, cost_price=seller.money(Decimal("7.35"))))
        self.maker.trouble("usage_item_unknown", at, told, {"facility": facility, "stage": "usage"})
        return told

    def _costs(
        self, used: datetime, came: datetime, at: datetime, facility: str, center: str, seller: Seller,
        lines: list[tuple[str, Decimal, Disposition]],
    ) -> None:  # fmt: skip
        prices = dict(seller.items)
        worth = Decimal(0)
        for item, amount, disposition in lines:
            part = cents(prices.get(item, Decimal("7.35")) * amount)
            worth += -part if disposition is Disposition.RETURNED else part
        where = {"facility": facility, "department": center}
        self.oracle.count("cost_allocation", at, units(worth), 1, where, seller.currency)
        self.oracle.count("supply_margin", used, -units(worth), 0, where, seller.currency)
        self.oracle.took("usage_posting_time", came, at, where)
        told = self.maker.soon(at, 1)
        dossier, entry = f"usage:{facility}/V-{self.count}", f"USE-U-{self.count}"
        self.maker.answer(told, at, dossier, "post_journal", ("JournalEntry", entry), {"facility": facility})

    def _charged(
        self, seller: Seller, facility: str, center: str, used: datetime, amount: Decimal, alone: bool = False
    ) -> None:
        charged = self.maker.soon(used, 1)
        at = charged + timedelta(hours=self.random.randint(6, 9))
        item, price = seller.items[CHARGED]
        asked = cents(price * amount * Decimal("1.8"))
        self.maker.say(
            at,
            ChargeEvent(
                charge_number=f"C-{self.count}", charge_code="270", charged_at=charged, quantity=of(amount),
                amount=seller.money(asked), item_number=item, facility=facility, department=center,
                visit_number=f"V-{self.count}",
            ),
        )  # fmt: skip
        where = {"facility": facility, "department": center}
        self.oracle.took("charge_capture_time", charged, at, where)
        self.oracle.count("supply_margin", charged, units(asked), units(asked), where, seller.currency)
        if alone:
            began = self.maker.look_at(charged + timedelta(hours=72))
            of_case = {"facility": facility, "stage": "usage"}
            self.maker.trouble("charge_without_usage", began, None, of_case, asked, seller.currency)

    def _uncharged(self, used: datetime, facility: str, seller: Seller, line: tuple[str, Decimal, Disposition]) -> None:
        """After three days it is an exception, and somebody lets it pass."""
        item, amount, _ = line
        began = self.maker.look_at(used + timedelta(hours=72))
        done = self.maker.later(began, 1, 15)
        where: Where = {"facility": facility, "stage": "usage"}
        self.maker.act(done, f"usage:{facility}/V-{self.count}", "usage_not_charged", f"U-{self.count} line 1")
        self.oracle.count("reconciliation_effort", done, 1, 0, where)
        worth = cents(dict(seller.items)[item] * amount)
        self.maker.trouble("usage_not_charged", began, done, where, worth, seller.currency)

    # -------------------------------------------------------------- stock
    def shelf(self, differs: bool) -> None:
        """Five lie there, five go, none are counted; eight come, and eight or seven are counted."""
        self.count += 1
        maker, facility, place = self.maker, self.random.choice(FACILITIES), f"ST-{self.count}"
        item = maker.chosen_seller().items[2][0]
        at = maker.moment()
        maker.say(
            at,
            InventoryLevel(item_number=item, location=place, on_hand=of(Decimal(5)), as_of=at, facility=facility),
        )
        counted = "7" if differs else "8"
        moves = ((MovementKind.ISSUE, "-5"), (MovementKind.COUNT, "0"), (MovementKind.RECEIPT, "8"),
                 (MovementKind.COUNT, counted))  # fmt: skip
        for turn, (kind, amount) in enumerate(moves, 1):
            then = maker.later(at, turn)
            maker.say(
                then,
                InventoryMovement(
                    movement_number=f"MV-{self.count}-{turn}", movement_kind=kind, item_number=item, location=place,
                    quantity=of(Decimal(amount)), moved_at=then, facility=facility,
                ),
            )  # fmt: skip
            if kind is MovementKind.ISSUE:
                self.oracle.count("stock_outs", then, 1, 1, {"facility": facility})
            if kind is MovementKind.COUNT:
                agrees = amount == "0" or not differs
                self.oracle.count("inventory_accuracy", then, int(agrees), 1, {"facility": facility})

    # -------------------------------------------------------------- books
    def books(self, month: int, mended: bool) -> None:
        """Two invoices differ; a later comparison finds them put right, or nobody compares again."""
        compared = datetime(2025, month + 1, 2, 17, tzinfo=FIRST.tzinfo)
        drifts = tuple(
            Drift(cause=DriftCause.AMOUNT, subject_kind="Invoice", subject_key=f"S001/DRIFT-{month}-{n}",
                  here=Money(amount=Decimal(50)), there=Money(amount=Decimal(50) - n))
            for n in (1, 2)
        )  # fmt: skip
        self._compared(compared, month, drifts)
        again = self.maker.later(compared, 6, 17) if mended else None
        if again is not None:
            self._compared(again, month, ())
        self.oracle.count(
            "ledger_agreement", again or compared, (100 if mended else 98) * 10**6, 100 * 10**6, {"stage": "ledger"}
        )
        for n in (1, 2):
            self.maker.trouble("drift_amount", compared, again, {"stage": "ledger"}, Decimal(n))

    def _compared(self, at: datetime, month: int, drifts: tuple[Drift, ...]) -> None:
        self.maker.say(
            at,
            ReconciliationReport(
                system="erp", subject_kind="Invoice", period=f"2025-{month:02d}", compared_at=at, count_here=100,
                count_there=99, drifts=drifts,
            ),
        )  # fmt: skip
