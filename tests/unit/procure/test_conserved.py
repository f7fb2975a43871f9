"""Nothing is lost to the cent, however amounts are split, summed, converted, taxed, discounted or rounded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from engine.canonical import (
    CaseAction,
    CaseVerb,
    Charge,
    Document,
    Invoice,
    Item,
    Money,
    Packaging,
    SplitPart,
    Terms,
    UnitConversion,
)
from engine.channel.policies import Policies
from engine.channel.policy_matching import Matching
from engine.procure.calendar import calendar_of
from engine.procure.exact import decimal_of, exact, minor, product, rounded
from engine.procure.matching.purchase import decide_purchase
from engine.procure.matching.tax import tax_not_expected
from engine.procure.payments.payables import payments_of, run_of
from engine.procure.payments.run import payable_of, select
from engine.procure.policies import USUAL
from engine.procure.units import units_factor
from engine.procure.usage.costs import Cost, Source, cost_entry, reversal
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, billed, invoice, of, order, ordered, receipt, usd

DAY = date(2026, 11, 20)
CENT = Decimal("0.01")
WORLD = world(policies=Policies())


def _amount(random: Random, places: int = 2) -> Decimal:
    return Decimal(random.randrange(-(10**9), 10**9)).scaleb(-places)


def rounding(count: int, random: Random) -> None:
    """One figure, one rounding: the three ways to round agree, and cents stay cents."""
    for _ in range(count):
        fine, cents = _amount(random, random.randint(3, 8)), _amount(random)
        with localcontext(prec=60):
            wanted = fine.quantize(CENT, ROUND_HALF_UP)
        assert minor(fine, "USD") == rounded(exact(fine), "USD") == Money(amount=fine).rounded().amount == wanted
        assert minor(cents, "USD") == rounded(exact(cents), "USD") == decimal_of(exact(cents)) == cents


def conversion(count: int, random: Random) -> None:
    """Cases, boxes and pieces of odd sizes: what it is worth is the same in every unit."""
    for n in range(count):
        if n % 1000 == 0:
            item = _laddered(random)
            one, case = units_factor("CA", "BX", item, None, DAY), units_factor("CA", "EA", item, None, DAY)
            two = units_factor("BX", "EA", item, None, DAY)
            assert one is not None
            assert two is not None
            assert case == one * two
        amount, price = exact(_amount(random, 3)), exact(_amount(random, 4))
        assert (amount * case) * (price / Fraction(case)) == amount * price == (amount * one) * (price / Fraction(one))
        assert amount * one * two * (1 / Fraction(case)) == amount


def _laddered(random: Random) -> Item:
    steps = tuple(
        UnitConversion(from_unit=one, to_unit=other, numerator=random.randint(1, 300), denominator=random.randint(1, 9))
        for one, other in (("CA", "BX"), ("BX", "EA"))
    )
    return Item(item_number="M1", description="glove", unit="EA", conversions=steps)


def allocation(count: int, random: Random) -> None:
    """Costs by line or in sums, and their reversal: debits are credits, and all of it is there."""
    for start in range(0, count, 40):
        costs = [
            Cost(f"6{random.randrange(4)}", f"C{random.randrange(5)}", Money(amount=_amount(random, 2 + 2 * (n % 2))))
            for n in range(min(40, count - start))
        ]
        wanted = sum((one.money.rounded().amount for one in costs), Decimal(0))
        for posting in ("line", "summary"):
            entry = cost_entry(Source("N", DAY, "Consumption", "K"), costs, "1", WORLD, posting)  # type: ignore[arg-type]
            if entry is None:
                assert not any(one.money.rounded().amount for one in costs)
                continue
            for made, sign in ((entry, 1), (reversal(entry, "R", DAY, WORLD), -1)):
                sides = [(one.account, one.debit, one.credit) for one in made.lines]
                debit = sum((one.amount for _, one, _ in sides if one is not None), Decimal(0))
                credit = sum((one.amount for _, _, one in sides if one is not None), Decimal(0))
                against = sum((_less(one, other) for at, one, other in sides if at == "1"), Decimal(0))
                assert (debit, against) == (credit, -sign * wanted)


def _less(debit: Money | None, credit: Money | None) -> Decimal:
    return (debit.amount if debit else Decimal(0)) - (credit.amount if credit else Decimal(0))


def discounts(count: int, random: Random) -> None:
    """What is paid and what is taken off make up what was invoiced; payments make up the run."""
    terms, calendar = Terms(net_days=30, discount_percent=Decimal("1.75"), discount_days=9), calendar_of(USUAL, None)
    for start in range(0, count, 200):
        asked = [
            invoice(number=f"I-{n}", total=str(abs(_amount(random))), supplier_number=f"S{n % 7}", invoiced_on=DAY)
            for n in range(start, min(start + 200, count))
        ]
        payables = [payable_of(one, DAY, terms, calendar) for one in asked]
        run = run_of("RUN", select(payables, DAY, date(2026, 12, 31)), DAY)
        paid = sum((one.pays.amount for one in run.lines), Decimal(0))
        off = sum((one.discount.amount for one in run.lines if one.discount), Decimal(0))
        assert paid + off == sum((one.stated_total.amount for one in asked), Decimal(0))
        assert sum((one.amount.amount for one in payments_of(run)), Decimal(0)) == paid
        assert minor(paid, "USD") == paid


def splitting(count: int, random: Random) -> None:
    """A line that a person splits over two order lines comes to what it was before, also where cents break.

    A whole decision for each, so of a hundred amounts one is taken."""
    for _ in range(max(1, count // 100)):
        whole, price = random.randint(2, 10**5), Decimal(random.randint(1, 10**6)).scaleb(-4)
        first = Decimal(random.randint(1, 100 * whole - 1)).scaleb(-2)
        parts = (first, Decimal(whole) - first)
        lines = [ordered(n, str(one), str(price)) for n, one in enumerate(parts, 1)]
        came = [receipt(str(one), f"R-{n}", line=n) for n, one in enumerate(parts, 1)]
        asked = invoice(billed(str(whole), str(price)))
        assert _decided(order(*lines), *came, asked, _split(parts)) == {"S1/I-1": "matched"}


def _split(parts: tuple[Decimal, ...]) -> CaseAction:
    told = tuple(SplitPart(line=1, quantity=of(str(one)), order_line_number=n) for n, one in enumerate(parts, 1))
    return CaseAction(
        action_number="1", case_id="c", dossier="order:PO-1", action=CaseVerb.SPLIT, place="S1/I-1", who="ana", at=NOW,
        parts=told,
    )  # fmt: skip


def _decided(*documents: Document) -> dict[str, str]:
    found = decide_purchase(papers(*documents), world(SUPPLIER, watermarks={"receipts": NOW})).state["invoices"]
    return {key: one["state"] for key, one in found.items()}


def taxing(count: int, random: Random) -> None:
    """Rounded by line or in all, the tax of the expected rate is within; a cent beyond both is not.

    Ten lines at most an invoice."""
    rate = Decimal("6.875")
    policies = Policies(matching=Matching.model_validate({"taxes": [{"percent": str(rate)}]}))
    for _ in range(max(1, count // 10)):
        prices = [str(abs(_amount(random))) for _ in range(random.randint(1, 10))]
        parts = [product(Decimal(one), rate).scaleb(-2) for one in prices]
        by_line = sum((minor(one, "USD") for one in parts), Decimal(0))
        in_all = minor(sum(parts, Decimal(0)), "USD")
        for told, wanted in ((by_line, True), (in_all, True), (max(by_line, in_all) + CENT, False),
                             (min(by_line, in_all) - CENT, False)):  # fmt: skip
            asked = _taxed(prices, told)
            assert (not [*tax_not_expected(asked, world(policies=policies))]) is wanted


def _taxed(prices: list[str], tax: Decimal) -> Invoice:
    lines = [billed("1", one, number=n) for n, one in enumerate(prices, 1)]
    return invoice(*lines, taxes=(Charge(code="TX", amount=usd(str(tax))),))


EVERY = (rounding, conversion, allocation, discounts, splitting, taxing)


@pytest.mark.parametrize("transform", EVERY)
def test_totals_are_conserved_to_the_cent(transform: Callable[[int, Random], None]) -> None:
    transform(1000, Random(3))


@pytest.mark.slow
@pytest.mark.parametrize("transform", EVERY)
def test_totals_of_a_million_amounts_are_conserved_to_the_cent(transform: Callable[[int, Random], None]) -> None:
    transform(1_000_000, Random(4))


# ------------------------------------------------------------------ units
def packed(**more: Any) -> Item:
    return Item(item_number="M1", description="glove", unit="EA", **more)


BOX_OF_TWELVE = (Packaging(unit="BX", contains=Decimal(12)), Packaging(unit="CA", contains=Decimal(120)))


@pytest.mark.parametrize(
    ("unit", "to", "factor"),
    [("CA", "BX", Fraction(10)), ("BX", "EA", Fraction(12)), ("CA", "EA", Fraction(120)),
     ("EA", "CA", Fraction(1, 120)), ("EA", "BX", Fraction(1, 12)), ("BX", "CA", Fraction(1, 10)),
     ("CA", "CA", Fraction(1))],
)  # fmt: skip
def test_cases_boxes_and_pieces_convert_exactly_both_ways(unit: str, to: str, factor: Fraction) -> None:
    assert units_factor(unit, to, packed(packaging=BOX_OF_TWELVE), "S1", DAY) == factor


@pytest.mark.parametrize(
    "item",
    [
        None,
        packed(),
        packed(packaging=(Packaging(unit="PK", contains=Decimal(12)),)),
        packed(conversions=(UnitConversion(from_unit="BX", to_unit="EA", numerator=12, supplier_number="S2"),)),
        packed(conversions=(UnitConversion(from_unit="BX", to_unit="EA", numerator=12, valid_to=date(2026, 1, 1)),)),
    ],
    ids=["no item", "no packaging", "another unit", "another supplier's", "not on this day"],
)
def test_an_unknown_conversion_is_an_exception_never_one_to_one(item: Item | None) -> None:
    assert units_factor("BX", "EA", item, "S1", DAY) is None
    known = (SUPPLIER,) if item is None else (SUPPLIER, item)
    asked = papers(order(), receipt(), invoice(billed("10", unit="BX")))

    found = decide_purchase(asked, world(*known, watermarks={"receipts": NOW}))

    assert [one.type for one in found.findings] == ["unit_unknown"]
    assert found.intents == ()
