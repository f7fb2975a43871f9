"""A season of invoices that are all real, and twins of them as they come by other ways: seeded, with their kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from engine.canonical import Invoice, InvoiceLine, Money, Quantity, Supplier
from engine.ports.procure import Record, Reference
from engine.procure.decision import World
from engine.procure.matching.duplicate import duplicates_of
from engine.procure.matching.duplicate_keys import alike_dossiers
from engine.procure.papers import Paper, Papers
from tests.support.papers import NOW

KINDS = (
    "case", "punctuation", "leading_zero", "transposed_digits", "other_supplier_record", "re_dated", "other_door"
)  # fmt: skip
_SUPPLIERS, _MONTHLY = 200, 20  # one invoice in so many is of a fixed amount, as rents and service contracts are
_ONE = Quantity(amount=Decimal(1))


class Season(NamedTuple):
    """`suppliers` have two records of the same legal entity each: S1 and X1."""

    suppliers: list[Supplier]
    clean: list[Invoice]


def season(count: int, seed: int = 7) -> Season:
    """Every supplier counts its own invoices upwards, each in its own way of writing."""
    random, clean = Random(seed), []
    suppliers = [
        Supplier(supplier_number=f"{letter}{n}", name=f"Supplier {n}", tax_identifier=f"TAX-{n:04d}")
        for n in range(_SUPPLIERS) for letter in "SX"
    ]  # fmt: skip
    last = [random.randrange(10_000, 5_000_000) for _ in range(_SUPPLIERS)]
    for turn in range(count):
        n = random.randrange(_SUPPLIERS)
        last[n] += random.randint(1, 3)
        number = (f"{last[n]}", f"{last[n]:09d}", f"INV-{last[n]}", f"A{n}/{last[n]}")[n % 4]
        cents = 45_000 if random.randrange(_MONTHLY) == 0 else random.randrange(500, 5_000_000)
        day = date(2026, 1, 1) + timedelta(days=turn * 300 // count)
        clean.append(made(number, f"S{n}", Decimal(cents).scaleb(-2), day))
    return Season(suppliers, clean)


def made(number: str, supplier: str, amount: Decimal, day: date) -> Invoice:
    money = Money(amount=amount)
    line = InvoiceLine(number=1, quantity=_ONE, price=money)
    return Invoice(
        invoice_number=number,
        supplier_number=supplier,
        invoiced_on=day,
        stated_total=money,
        lines=(line,),
        origin="edi",
    )


def twin(kind: str, one: Invoice, random: Random) -> Invoice:
    number, told = one.invoice_number, dict[str, object]()
    if kind == "case":
        number = number.lower()
    elif kind == "punctuation":
        number = f"{number[:-3]}-{number[-3:]}"
    elif kind == "leading_zero":
        number = f"00{number}" if number[0].isdigit() else number.replace("-", "- ")
    elif kind == "transposed_digits":
        number = _transposed(number, random)
    elif kind == "other_supplier_record":
        told["supplier_number"] = "X" + one.supplier_number[1:]
    elif kind == "re_dated":
        number, told["invoiced_on"] = f"{number}.", one.invoiced_on + timedelta(days=random.randint(8, 90))
    elif kind == "other_door":  # as a clerk typed it some days later, from paper
        number, told["invoiced_on"] = number.replace("-", " "), one.invoiced_on + timedelta(days=random.randint(1, 6))
        told["origin"] = "paper"
    return one.model_copy(update={"invoice_number": number, **told})


def _transposed(number: str, random: Random) -> str:
    places = [n for n in range(len(number) - 1) if number[n : n + 2].isdigit() and number[n] != number[n + 1]]
    at = random.choice(places)
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]


class Desk:
    """Keeps invoices by their keys as the process does, and says of each new one whether it is held."""

    def __init__(self, suppliers: list[Supplier]) -> None:
        self._known = {Reference(one.kind, one.natural_key): one for one in suppliers}
        self._kept: defaultdict[str, list[Paper]] = defaultdict(list)
        self._clock = 0

    def take(self, one: Invoice) -> bool:
        """The same number of the same supplier is the same document: it is paid once, whatever it says."""
        self._clock += 1
        keys = alike_dossiers(one)
        again = any(paper.record.key == one.natural_key for key in keys for paper in self._kept[key])
        record = Record(one.kind, one.natural_key, 2 if again else 1, b"", self._clock)
        for key in keys:
            self._kept[key].append(Paper(one, record))
        return again or self._held(one, keys)

    def would_hold(self, one: Invoice) -> bool:
        """Without keeping it."""
        keys = alike_dossiers(one)
        if any(paper.record.key == one.natural_key for key in keys for paper in self._kept[key]):
            return True
        return self._held(one, keys)

    def _held(self, one: Invoice, keys: tuple[str, ...]) -> bool:
        beside = {key: Papers.of(self._kept[key]) for key in keys}
        return next(iter(duplicates_of(one, World(NOW, self._known, {}, None, beside))), None) is not None


def rates(count: int, twins: int, seed: int = 7) -> Iterator[tuple[str, Decimal]]:
    """Per cent of each kind that is held; `false`: of the clean ones."""
    made_up, random = season(count, seed), Random(seed + 1)
    desk = Desk(made_up.suppliers)
    yield "false", _percent(sum(desk.take(one) for one in made_up.clean), count)
    chosen = random.sample(made_up.clean, min(twins, count))
    again = sum(desk.would_hold(one.model_copy(update={"origin": "mail"})) for one in chosen)
    yield "exact", _percent(again, len(chosen))
    for kind in KINDS:
        fit = [one for one in chosen if kind != "case" or one.invoice_number != one.invoice_number.lower()]
        yield kind, _percent(sum(desk.would_hold(twin(kind, one, random)) for one in fit), len(fit))


def _percent(part: int, whole: int) -> Decimal:
    return (Decimal(100 * part) / whole).quantize(Decimal("0.001"))
