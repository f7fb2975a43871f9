"""From the wish to the goods: requisitions, orders, answers and receipts, and what a person had to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from engine.canonical import (
    ApprovalAction,
    ApprovalVerb,
    Charge,
    OrderAcknowledgement,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    OrderLine,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    Requisition,
    RequisitionLine,
)
from tests.support.year.maker import Maker, weekday_after
from tests.support.year.network import BOSS, CENTERS, FACILITIES, SMALL, Seller
from tests.support.year.oracle import MICRO, Promise, Where, midnight, units

CENT = Decimal("0.01")
FREIGHT = Decimal("12.00")


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def of(amount: Decimal) -> Quantity:
    return Quantity(amount=amount, unit="EA")


@dataclass
class Part:
    """A line of an order: item, how many, at which price, and at what its contract says, if it names one."""

    item: str
    amount: Decimal
    price: Decimal
    contract: Decimal | None

    @property
    def worth(self) -> Decimal:
        return cents(self.amount * self.price)


@dataclass
class Matter:
    """An order. `where` is what it is told apart by; `came` when its document was here."""

    number: str
    seller: Seller
    facility: str
    center: str
    parts: list[Part]
    came: datetime
    promise: Promise
    wish: str | None = None
    wished: datetime | None = None
    needed: datetime | None = None
    receipts: list[datetime] = field(default_factory=list)

    @property
    def where(self) -> Where:
        return {"facility": self.facility, "supplier": self.seller.number, "category": self.seller.category}

    @property
    def total(self) -> Decimal:
        return sum((one.worth for one in self.parts), Decimal(0)) + FREIGHT

    @property
    def dossier(self) -> str:
        return f"order:{self.number}"


@dataclass
class Bill:
    """An invoice as the story goes on: `posted` None: it never was."""

    matter: Matter | None
    seller: Seller
    number: str
    dated: datetime
    total: Decimal
    where: Where
    posted: datetime | None = None
    discount: Decimal | None = None
    is_credit: bool = False

    @property
    def key(self) -> str:
        return f"{self.seller.number}/{self.number}"


class Orders:
    """Wishes, orders, answers and receipts."""

    def __init__(self, maker: Maker) -> None:
        self.maker, self.random, self.oracle = maker, maker.random, maker.oracle
        self.count, self.bills = 0, list[Bill]()

    # -------------------------------------------------------------- wish and order
    def _ordered(self, fault: str | None) -> Matter:
        maker, random = self.maker, self.random
        seller, facility, center = maker.chosen_seller(), random.choice(FACILITIES), random.choice(CENTERS)
        chosen = random.sample(seller.items, random.randint(1, 4))
        parts = [
            Part(item, Decimal(random.randint(2, 40)), price, random.choice((None, price, price - CENT, price + CENT)))
            for item, price in chosen
        ]
        began, number, wish, wished = maker.moment(), f"PO-{self.count:06d}", None, None
        if maker.chance(650):
            wish, wished = f"RQ-{self.count:06d}", began
            number, began = self._wished(wish, wished, seller, facility, center, parts)
        promise = Promise("commitment", began, Decimal(0), seller.currency, {})
        matter = Matter(number, seller, facility, center, parts, began, promise, wish, wished)
        if fault in ("late", "cancelled") or (fault is None and maker.chance(500)):
            matter.needed = began + timedelta(days=random.randint(9, 14))
        self._say_order(matter)
        total = matter.total
        if fault == "changed":
            self._changed(matter)
        if fault == "cancelled":
            self._cancelled(matter)
        self._count_order(matter, total, cancelled=fault == "cancelled")
        return matter

    def _wished(
        self, wish: str, at: datetime, seller: Seller, facility: str, center: str, parts: list[Part]
    ) -> tuple[str, datetime]:
        """The number of the order that the ERP made of it, and when it told so."""
        maker = self.maker
        self.say_wish(wish, at, seller, facility, center, parts)
        worth = sum((one.worth for one in parts), Decimal(0))
        approved = at
        if seller.in_dollars(worth) > SMALL:
            approved = maker.later(at, self.random.randint(0, 2), 13)
            self.approve(wish, approved)
            where = {"facility": facility, "supplier": seller.number, "category": seller.category}
            maker.trouble("approval_wanted", at, approved, {**where, "stage": "requisition"}, worth, seller.currency)
        number = f"{wish}-{seller.number}" + ("" if seller.currency == "USD" else f"-{seller.currency}")
        told = maker.soon(approved)
        where = {"facility": facility, "supplier": seller.number, "category": seller.category}
        maker.answer(told, approved, f"requisition:{wish}", "create_order", ("PurchaseOrder", number), where)
        return number, maker.soon(told, 6)

    def say_wish(
        self, wish: str, at: datetime, seller: Seller, facility: str, center: str, parts: list[Part]
    ) -> None:  # fmt: skip
        lines = tuple(
            RequisitionLine(number=n, item_number=one.item, quantity=of(one.amount), supplier_number=seller.number,
                            anticipated_price=seller.money(one.price))
            for n, one in enumerate(parts, 1)
        )  # fmt: skip
        self.maker.say(
            at,
            Requisition(
                requisition_number=wish, lines=lines, facility=facility, requested_on=at.date(), requester="r.ruiz",
                department=center, cost_center=center,
            ),
        )  # fmt: skip

    def approve(self, wish: str, at: datetime, verb: ApprovalVerb = ApprovalVerb.APPROVE) -> None:
        acted = ApprovalAction(
            action_number=f"AP-{wish}", approval_number=wish, dossier=f"requisition:{wish}",
            action=verb, who=BOSS, at=at,
        )  # fmt: skip
        self.maker.say(at, acted, who=BOSS)

    def open_wish(self) -> None:
        """Nobody approves it: it is expected to be spent, and an exception; some are rejected after some weeks."""
        self.count += 1
        seller, facility, center = (
            self.maker.chosen_seller(),
            self.random.choice(FACILITIES),
            self.random.choice(CENTERS),
        )
        item, price = seller.items[0]
        part = Part(item, Decimal(500), price, None)
        wish, at = f"RQ-{self.count:06d}", self.maker.moment()
        self.say_wish(wish, at, seller, facility, center, [part])
        ended = self.maker.later(at, 30, 13) if self.count % 2 else None
        if ended is not None:
            self.approve(wish, ended, ApprovalVerb.REJECT)
        where = {"facility": facility, "supplier": seller.number}
        of_case = {**where, "stage": "requisition"}
        self.maker.trouble("approval_wanted", at, ended, of_case, part.worth, seller.currency)
        self.oracle.promises.append(
            Promise("expected_spend", at, part.worth, seller.currency, {**where, "department": center}, ended)
        )

    def _say_order(self, one: Matter) -> None:
        lines = tuple(
            OrderLine(
                number=n, item_number=part.item, quantity=of(part.amount), price=one.seller.money(part.price),
                cost_center=one.center, contract_number=None if part.contract is None else f"C-{one.seller.number}",
                contract_price=None if part.contract is None else one.seller.money(part.contract),
                requisition_number=one.wish, requisition_line_number=n if one.wish else None,
                category=one.seller.category,
            )
            for n, part in enumerate(one.parts, 1)
        )  # fmt: skip
        charge = (Charge(code="D240", amount=one.seller.money(FREIGHT)),)
        self.maker.say(
            one.came,
            PurchaseOrder(
                order_number=one.number, supplier_number=one.seller.number, ordered_on=one.came.date(), lines=lines,
                currency=one.seller.currency, facility=one.facility, charges=charge,
                category=None if one.wish else one.seller.category,
                needed_by=one.needed.date() if one.needed else None, department=one.center,
                requisition_numbers=(one.wish,) if one.wish else (),
            ),
        )  # fmt: skip

    # -------------------------------------------------------------- changes
    def _change(self, one: Matter, at: datetime, lines: tuple[OrderChangeLine, ...], purpose: str = "04") -> None:
        self.maker.say(
            at,
            OrderChange(
                order_number=one.number, supplier_number=one.seller.number, change_number="1", sequence=1,
                changed_on=at.date(), purpose=purpose, lines=lines, currency=one.seller.currency, accepted=True,
            ),
        )  # fmt: skip

    def _changed(self, one: Matter) -> None:
        """The next day two more of the first line are wanted, and the last line, if it is another one, no longer."""
        first, total, at = one.parts[0], one.total, self.maker.later(one.came, 1, 8)
        lines = [
            OrderChangeLine(
                order_line_number=1, action=OrderChangeAction.CHANGE, quantity=of(first.amount + 2)
            )
        ]  # fmt: skip
        if len(one.parts) > 1:
            lines.append(OrderChangeLine(order_line_number=len(one.parts), action=OrderChangeAction.DELETE))
            one.parts.pop()
        first.amount += 2
        self._change(one, at, tuple(lines))
        one.promise.billed.append((at, total - one.total))

    def _cancelled(self, one: Matter) -> None:
        """The next day all of it is cancelled: from then on it promises nothing."""
        at = self.maker.later(one.came, 1, 8)
        self._change(one, at, (), purpose="01")
        one.promise.billed.append((at, one.total))

    def _count_order(self, one: Matter, first_total: Decimal, cancelled: bool = False) -> None:
        """
        Args:
            first_total: as it was ordered at first; `one.parts` are what became of it.
        """
        where, oracle = {**one.where, "stage": "order"}, self.oracle
        kept = (part.worth for part in one.parts if part.contract is not None and part.price <= part.contract)
        on_contract = sum(kept, Decimal(0))
        bought = sum((part.worth for part in one.parts), Decimal(0))  # the freight is under no contract
        if not cancelled:
            oracle.count("contract_compliance", one.came, units(on_contract), units(bought), where, one.seller.currency)
        one.promise.amount, one.promise.where = first_total, where
        oracle.promises.append(one.promise)
        if one.wish and one.wished:
            of_wish = {"facility": one.facility, "supplier": one.seller.number, "stage": "requisition"}
            oracle.took("requisition_to_order", one.wished, one.came, of_wish)
            worth = first_total - FREIGHT
            expected = {"facility": one.facility, "supplier": one.seller.number, "department": one.center}
            oracle.promises.append(
                Promise("expected_spend", one.wished, worth, one.seller.currency, expected, ended=one.came)
            )

    def _answered(self, one: Matter) -> None:
        """Most suppliers answer, some twice: the first answer counts."""
        if not self.maker.chance(800):
            return
        at = self.maker.later(one.came, self.random.randint(1, 3), 9)
        for turn, told in enumerate((at, at + timedelta(days=1))[: 1 + self.maker.chance(100)]):
            answer = OrderAcknowledgement(
                order_number=one.number, supplier_number=one.seller.number, acknowledged_on=told.date(),
                acknowledgement_type="AD", currency=one.seller.currency,
            )  # fmt: skip
            self.maker.say(told, answer)
            if turn == 0:
                self.oracle.took("supplier_response_time", one.came, told, {**one.where, "stage": "order"})

    # -------------------------------------------------------------- receipts
    def _received(self, one: Matter, fault: str | None) -> list[datetime]:
        """In one or two parts, sometimes more than was ordered. Returns when they came in."""
        at = self.maker.later(one.came, self.random.randint(4, 7), 11)
        if fault == "late" and one.needed:
            at = self._late(one)
        if fault == "not_received":
            return []
        halves = fault is None and self.maker.chance(200)
        times = [at, self.maker.later(at, 1, 11)] if halves else [at]
        more = Decimal(1) if fault is None and not halves and self.maker.chance(50) else Decimal(0)
        for turn, then in enumerate(times, 1):
            share = Decimal(turn) / len(times) - Decimal(turn - 1) / len(times)
            self._receipt(one, then, [part.amount * share + more for part in one.parts], turn)
        for part in one.parts if more else ():  # nobody puts it right
            where = {**one.where, "stage": "order"}
            self.maker.trouble("receipt_above_ordered", times[-1], None, where, part.price, one.seller.currency)
        self._count_receipts(one, times, fault)
        return times

    def _receipt(self, one: Matter, at: datetime, amounts: list[Decimal], turn: int, back: bool = False) -> None:
        lines = tuple(
            ReceiptLine(order_line_number=n, item_number=part.item, quantity=of(amount))
            for n, (part, amount) in enumerate(zip(one.parts, amounts, strict=True), 1)
        )
        self.maker.say(
            at,
            Receipt(
                receipt_number=f"RC-{one.number}-{turn}", order_number=one.number, supplier_number=one.seller.number,
                received_on=at.date(), lines=lines, receipt_kind=ReceiptKind.RETURN if back else ReceiptKind.RECEIPT,
            ),
        )  # fmt: skip

    def _count_receipts(self, one: Matter, times: list[datetime], fault: str | None) -> None:
        days = (times[0].date() - one.came.date()).days
        self.oracle.count("order_to_receipt", times[0], days, 1, {**one.where, "stage": "order"})
        in_full = fault not in ("returned", "given_back")  # what went back is not there
        if in_full and one.wish and one.wished:
            days = (times[-1].date() - one.wished.date()).days
            where = {"facility": one.facility, "supplier": one.seller.number, "stage": "requisition"}
            self.oracle.count("procurement_cycle_time", times[-1], days, 1, where)
        if one.needed:
            kept = in_full and times[-1].date() <= one.needed.date()
            day = midnight(one.needed.date()) + timedelta(days=1) - MICRO  # it counts when it is over
            self.oracle.count("supplier_on_time", day, int(kept), 1, {**one.where, "stage": "order"})

    def _late(self, one: Matter) -> datetime:
        """It comes some days after it was late: each of its lines is an exception meanwhile."""
        assert one.needed is not None
        last = weekday_after(one.needed.date(), 1)
        began = self.maker.look_at(midnight(last) + timedelta(days=1))
        at = self.maker.later(began, self.random.randint(1, 5), 11)
        for part in one.parts:
            where = {**one.where, "stage": "order"}
            self.maker.trouble("supplier_late", began, at, where, part.worth, one.seller.currency)
        return at
