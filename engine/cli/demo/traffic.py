"""A hospital day, the same for the same seed: who sends what, and what must become of it.

Everything here is invented. The amounts that the ERP must show are added up while the messages are written.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from engine.cli.demo import edi, hl7
from engine.cli.demo.catalogue import (
    CHARGEABLE,
    DEPARTMENTS,
    ITEMS,
    SERVICES,
    SUPPLIERS,
    DepartmentRow,
    ItemRow,
    items_of,
)
from engine.cli.demo.parcel import Day, Effect, Ending, Parcel, Phase, Raised

SMALLEST_DAY = 300
_ITEMS_A_MESSAGE = 2
_REQUISITIONS, _SMALL_REQUISITIONS, _CHARGE_MESSAGES, _CLINIC_ORDERS, _BUYER_ORDERS = 8, 5, 13, 6, 6
_SMALL = Decimal(500)  # up to here config/policies/approvals.yaml asks nobody
_FAMILIES = ("Quillfeather", "Harrowgatte", "Thistlewode", "Penbrookes", "Ashgrover", "Marrowbye", "Oxmoorland")
_GIVEN = ("Alderic", "Bramble", "Cosima", "Dorrit", "Elspeth", "Fenwick", "Greta", "Hollis", "Isolde", "Jory")
_EVENTS = ("A01",) * 15 + ("A03",) * 12 + ("A02",) * 13 + ("A04",) * 10 + ("A08",) * 50


class Maker:
    """Makes parcels one after the other; holds the counters and the clock of the day."""

    def __init__(self, seed: int, day: date) -> None:
        self.random = random.Random(seed)
        self.day = day
        self.now = datetime.combine(day, time(6, 0))
        self.counters: dict[str, int] = {}
        self.suppliers = tuple(row.number for row in SUPPLIERS)
        self.patients = tuple(self._patient(number) for number in range(1, 201))

    def number(self, name: str, start: int = 1) -> int:
        self.counters[name] = self.counters.get(name, start - 1) + 1
        return self.counters[name]

    def control_id(self, prefix: str) -> str:
        return f"{prefix}{self.number(prefix):06d}"

    def tick(self) -> datetime:
        self.now = min(self.now + timedelta(seconds=17), datetime.combine(self.day, time(21, 0)))
        return self.now

    def some(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def _patient(self, number: int) -> hl7.Patient:
        where = self.random.choice([row for row in DEPARTMENTS if row.facility in ("HARBOR-MAIN", "HARBOR-NORTH")])
        family, given = self.random.choice(_FAMILIES), self.random.choice(_GIVEN)
        born = f"19{self.some(30, 99)}{self.some(1, 12):02d}{self.some(1, 28):02d}"
        visit = f"V{700000 + number}"
        return hl7.Patient(f"MRN{9000000 + number * 7}", family, given, born, visit, where.facility, where.code)


class Plan(NamedTuple):
    """The traffic, and the orders that buyers type into the ERP themselves: in the morning, and one late."""

    day: Day
    bought: tuple[edi.Order, ...]
    late: edi.Order

    def expected(self) -> dict[tuple[str, str], Decimal | None]:
        """What the ERP is to hold: (kind, natural key) to total."""
        typed: dict[tuple[str, str], Decimal | None] = {
            ("PurchaseOrder", order.number): order.total for order in (*self.bought, self.late)
        }
        return self.day.expected() | typed

    @property
    def orders(self) -> int:
        """That go out to suppliers."""
        return sum(kind == "PurchaseOrder" for kind, _ in self.expected())

    def commands(self) -> dict[str, int]:
        """Channels that take commands of the process, and how many each gets."""
        made = Counter(effect.kind for parcel in self.day.parcels for effect in parcel.effects)
        wishes = [parcel for parcel in self.day.parcels if parcel.channel == "stock_requisition"]
        orders = [effect for parcel in wishes for effect in parcel.effects]
        ordered = sum(bool(parcel.effects) for parcel in wishes)
        return {
            "invoice_posting": made["Invoice"],
            "invoice_archive": made["Invoice"],
            "requisition_posting": len(orders),
            "status_out": 2 * ordered,  # approved, and ordered
            "office_tasks": made["Supplier"],  # each is to be looked up among sanctioned parties
        }


def plan_day(seed: int, messages: int, day: date) -> Plan:
    """
    Args:
        messages: how many parcels in all, at least `SMALLEST_DAY`; what is left after the business is ADT and DFT.
    """
    from engine.cli.demo.invoices import evening, invoices
    from engine.cli.demo.mischief import mischief

    make = Maker(seed, day)
    morning = [*cost_centers(make), *suppliers(make), *item_master(make)]
    clinic = [clinic_order(make, number) for number in range(_CLINIC_ORDERS)]
    bought = tuple(_order(make, f"HH-{make.number('buyer', 4001)}") for _ in range(_BUYER_ORDERS))
    late = _order(make, f"HH-{make.number('buyer', 4001)}")
    orders = [parcel for _, parcel in clinic]
    business = [*requisitions(make), *supply_charges(make)]
    told = list(invoices(make, (*(o for o, _ in clinic), *bought), late))
    trouble = [*told, *mischief(make)]
    last = evening(make, late)
    fixed = len(morning) + len(orders) + len(business) + sum(len(group) for group in trouble) + 1
    crowd = list(everyday(make, max(messages, SMALLEST_DAY) - fixed))
    day_parcels = _shuffle(make, [[one] for one in (*business, *crowd)], trouble)
    canaries = tuple({text: 0 for patient in make.patients for text in (patient.record, patient.family)})
    return Plan(Day((*morning, *orders, *day_parcels, last), canaries), bought, late)


def _shuffle(make: Maker, single: list[list[Parcel]], trouble: list[list[Parcel]]) -> list[Parcel]:
    """Mixed, but the members of a group stay in their order: first the message, then its repetition."""
    groups = [*single, *trouble]
    places = [(make.random.random(), number) for number, group in enumerate(groups) for _ in group]
    waiting = [iter(group) for group in groups]
    return [next(waiting[number]) for _, number in sorted(places)]


# ------------------------------------------------------------------ before the day begins
def cost_centers(make: Maker) -> Iterator[Parcel]:
    for code in sorted({row.cost_center for row in DEPARTMENTS}):
        body = f"Code,Name,Active\n{code},Cost center {code},yes\n".encode()
        yield Parcel(Phase.SUPPLIERS, "cost_centers", f"{code}.csv", body, Ending.DELIVERED)


def suppliers(make: Maker) -> Iterator[Parcel]:
    for row in SUPPLIERS:
        body = supplier_json(row.number, row.name, row.terms_days, row.city, row.state)
        key = f"{row.number}-1"
        effect = Effect("Supplier", row.number)
        yield Parcel(
            Phase.SUPPLIERS, "supplier_onboarding", key, body, Ending.DELIVERED, "202",
            effects=(effect,), headers=(("Idempotency-Key", key),),
        )  # fmt: skip


def supplier_json(number: str, name: str, terms: int, city: str, state: str) -> bytes:
    return (
        f'{{"supplier_number": "{number}", "name": "{name}", "payment_terms_days": {terms}, '
        f'"email": "accounts@{number.lower()}.example", '
        f'"address": {{"street": "{number[-1]} Mill Lane", "city": "{city}", "state": "{state}"}}}}'
    ).encode()


def item_master(make: Maker) -> Iterator[Parcel]:
    by_number = {row.number: row for row in SUPPLIERS}
    for start in range(0, len(ITEMS), _ITEMS_A_MESSAGE):
        part = ITEMS[start : start + _ITEMS_A_MESSAGE]
        name = make.control_id("MM")
        body = hl7.item_master(name, make.tick(), [(item, by_number[item.supplier]) for item in part])
        effects = tuple(Effect("Item", item.number) for item in part)
        yield Parcel(Phase.ITEMS, "item_master", name, body, Ending.DELIVERED, "AA", effects=effects)


# ------------------------------------------------------------------ purchasing
def ordered_lines(make: Maker, supplier: str, most: int = 3) -> tuple[edi.Line, ...]:
    offered = items_of(supplier)
    chosen = make.random.sample(offered, make.some(1, min(most, len(offered))))
    return tuple(_line(item, item.per_box * make.some(2, 5)) for item in chosen)


def _line(item: ItemRow, quantity: int) -> edi.Line:
    return edi.Line(item.number, item.catalog_number, item.description, quantity, item.cost)


def _order(make: Maker, number: str) -> edi.Order:
    supplier = make.random.choice(SUPPLIERS).number
    return edi.Order(number, supplier, make.day, ordered_lines(make, supplier))


def clinic_order(make: Maker, index: int) -> tuple[edi.Order, Parcel]:
    wanted = _order(make, f"CL-{7001 + index}")
    body = edi.order(wanted, make.number("isa-clinic", 501))
    effect = Effect("PurchaseOrder", wanted.number, wanted.total)
    name = f"{wanted.number}.edi"
    return wanted, Parcel(Phase.ORDERS, "order_in", name, body, Ending.DELIVERED, effects=(effect,), told="A")


def invoice_number(make: Maker) -> str:
    return f"INV-{make.number('invoice', 52001)}"


# ------------------------------------------------------------------ supplies on the wards
def requisitions(make: Maker) -> Iterator[Parcel]:
    """Some so small that nobody is asked; others wait for the head of their department."""
    cheap = [item for item in ITEMS if item.cost * item.per_box <= _SMALL / 3]
    for _ in range(_SMALL_REQUISITIONS):
        wishes = [_wish(item, 1) for item in make.random.sample(cheap, make.some(1, 2))]
        yield requisition(make, make.random.choice(DEPARTMENTS), wishes)
    for _ in range(_REQUISITIONS):
        wishes = [_wish(item, make.some(1, 3)) for item in make.random.sample(ITEMS, make.some(1, 4))]
        yield requisition(make, make.random.choice(DEPARTMENTS), wishes)


def _wish(item: ItemRow, boxes: int) -> hl7.Wish:
    return hl7.Wish(item.hospital_code, item.description, boxes * item.per_box, item.cost, item.supplier)


def requisition(make: Maker, where: DepartmentRow, wishes: list[hl7.Wish]) -> Parcel:
    name, number = make.control_id("RQ"), f"REQ-{make.number('requisition', 30001)}"
    body = hl7.requisition(name, where.facility, make.tick(), number, where.code, wishes)
    total = sum((_extended(wish) for wish in wishes), Decimal(0))
    good = Parcel(Phase.DAY, "stock_requisition", name, body, Ending.DELIVERED, "AA")
    if total > _SMALL:
        return good._replace(raises=(Raised("approval_wanted", total),))
    return good._replace(effects=tuple(_orders_of(number, wishes)))


def _orders_of(number: str, wishes: list[hl7.Wish]) -> Iterator[Effect]:
    """One order for each supplier."""
    for supplier in sorted({wish.supplier for wish in wishes}):
        total = sum((_extended(wish) for wish in wishes if wish.supplier == supplier), Decimal(0))
        yield Effect("PurchaseOrder", f"{number}-{supplier}", total)


def _extended(wish: hl7.Wish) -> Decimal:
    return _cents(wish.price * wish.quantity)


def supply_charges(make: Maker) -> Iterator[Parcel]:
    for _ in range(_CHARGE_MESSAGES):
        patient = make.random.choice(make.patients)
        lines = [supply_charge(make, patient) for _ in range(make.some(1, 2))]
        lines += [service_charge(make, patient) for _ in range(make.some(0, 2))]
        yield charges(make, patient, lines)


def supply_charge(make: Maker, patient: hl7.Patient) -> hl7.Charge:
    item, quantity = make.random.choice(CHARGEABLE), make.some(1, 3)
    price = item.charge or Decimal(0)
    transaction = f"T{make.number('transaction', 800001)}"
    code, text, extended = item.charge_code or "", item.description, price * quantity
    return hl7.Charge(transaction, code, text, quantity, price, extended, patient.department, item.cost)


def service_charge(make: Maker, patient: hl7.Patient) -> hl7.Charge:
    code, text, price = make.random.choice(SERVICES)
    transaction, quantity = f"T{make.number('transaction', 800001)}", make.some(1, 2)
    return hl7.Charge(transaction, code, text, quantity, price, price * quantity, patient.department)


def charges(make: Maker, patient: hl7.Patient, lines: list[hl7.Charge]) -> Parcel:
    name = make.control_id("CH")
    body = hl7.charges(name, patient, make.tick(), lines)
    effects = tuple(entry(patient, line) for line in lines if line.unit_cost is not None)
    ending = Ending.DELIVERED if effects else Ending.FILTERED
    return Parcel(Phase.DAY, "supply_charges", name, body, ending, "AA", effects=effects)


def entry(patient: hl7.Patient, line: hl7.Charge) -> Effect:
    """The journal entry of a supply charge, at cost."""
    return Effect(
        "JournalEntry", f"{patient.facility}-{line.transaction}", _cents((line.unit_cost or Decimal(0)) * line.quantity)
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(edi.CENT, ROUND_HALF_UP)


# ------------------------------------------------------------------ everything else that a hospital says all day
def everyday(make: Maker, count: int) -> Iterator[Parcel]:
    for _ in range(count):
        patient = make.random.choice(make.patients)
        if make.random.random() < 0.2:  # one in five is about services
            yield charges(make, patient, [service_charge(make, patient) for _ in range(make.some(1, 3))])
        else:
            yield admission(make, patient)


def admission(make: Maker, patient: hl7.Patient) -> Parcel:
    event, name = make.random.choice(_EVENTS), make.control_id("AD")
    ending = Ending.DELIVERED if event in ("A01", "A03") else Ending.FILTERED
    body = hl7.admission(event, name, patient, make.tick())
    return Parcel(Phase.DAY, "visit_context", name, body, ending, "AA")
