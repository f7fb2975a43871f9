"""The network: facilities, suppliers with what they sell, cost centers, people, and the policies of the year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from random import Random
from string import ascii_uppercase
from typing import NamedTuple

from engine.canonical import CostCenter, Document, Item, Money, Supplier
from engine.channel.policies import Policies
from engine.channel.policy_currencies import Currencies, Rate
from engine.channel.policy_people import People, Person
from engine.channel.policy_routing import Approvals, Route, Step
from engine.channel.policy_usage import Usage

FACILITIES = ("HARBOR", "NORTH", "VALLEY", "BAY")
CENTERS = ("OR", "ICU", "CATH", "WARD", "LAB")
CATEGORIES = ("gloves", "implants", "drapes", "pharmacy", "linen", "imaging")
BUYER, CLERK, MASTER, BOSS = "b.berg", "c.cole", "m.moss", "o.okafor"
CHARGED = 0  # of a supplier's items, the one that patients are charged for
SMALL = Decimal(400)  # US dollars: a wish worth no more is approved as it is
_WORTH = {"USD": Decimal(1), "EUR": Decimal("1.0850")}
_STEP = Step(roles=("supplier-master",), checks_limit=False)
POLICIES = Policies(
    people=People(
        people=(
            Person(person=BOSS, roles=("approver",)),
            Person(person=MASTER, roles=("supplier-master",)),
            Person(person=BUYER, roles=("buyer",)),
            Person(person=CLERK, roles=("accounts-payable",)),
        )
    ),
    approvals=Approvals(
        routes=(
            Route(route="small", subjects=("requisition",), up_to=SMALL),
            Route(route="others", subjects=("requisition",), above=SMALL,
                  steps=(Step(roles=("approver",), checks_limit=False),)),
            Route(route="suppliers", subjects=("supplier",), steps=(_STEP,)),
        )
    ),
    currencies=Currencies(rates=(Rate(currency="EUR", worth=_WORTH["EUR"], first_day=date(2024, 12, 1)),)),
    usage=Usage(inventory_account="1310", expense_account="6100"),
)  # fmt: skip


class Seller(NamedTuple):
    """A supplier of one category and currency; `items` are numbers with their prices."""

    number: str
    category: str
    currency: str
    items: tuple[tuple[str, Decimal], ...]

    def money(self, amount: Decimal) -> Money:
        return Money(amount=amount, currency=self.currency)

    def in_dollars(self, amount: Decimal) -> Decimal:
        """What limits compare."""
        return amount * _WORTH[self.currency]


def sellers(random: Random, count: int) -> list[Seller]:
    found = []
    for n in range(1, count + 1):
        number = f"S{n:03d}"
        items = tuple((f"M{n:03d}-{i}", Decimal(random.randint(120, 9000)) / 100) for i in range(1, 6))
        found.append(Seller(number, CATEGORIES[n % len(CATEGORIES)], "EUR" if n % 8 == 0 else "USD", items))
    return found


def masters(random: Random, known: list[Seller]) -> Iterator[Document]:
    for center in CENTERS:
        yield CostCenter(cost_center=center, name=center)
    for one in known:
        yield Supplier(supplier_number=one.number, name=letters(random), currency=one.currency)
        for place, (number, price) in enumerate(one.items):
            yield Item(
                item_number=number, description=number, category=one.category, supplier_number=one.number,
                cost_price=one.money(price), chargeable=place == CHARGED,
            )  # fmt: skip


def letters(random: Random) -> str:
    """A name like no other: names that are alike would be compared with one another."""
    return "".join(random.choices(ascii_uppercase, k=14))
