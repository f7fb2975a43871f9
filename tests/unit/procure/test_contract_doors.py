"""A requisition is priced by its supplier's contracts, also by those whose numbers no item master names."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import (
    Contract,
    ContractLine,
    ContractMember,
    CostCenter,
    Item,
    Money,
    Packaging,
    PriceBreak,
    PurchaseOrder,
    Quantity,
    Requisition,
    RequisitionLine,
    Supplier,
)
from engine.channel.policies import Policies
from engine.channel.policy_routing import Approvals, Route
from engine.procure.decision import Decision
from tests.support.dossiers import Dossiers

NO_STEPS = Policies(approvals=Approvals(routes=(Route(route="all", subjects=("requisition",)),)))
GLOVE = Item(
    item_number="M1", description="glove", supplier_number="S1", supplier_item_number="GL-1", unit="EA",
    cost_price=Money(amount=Decimal("2.50")), packaging=(Packaging(unit="BX", contains=Decimal(100)),),
)  # fmt: skip


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def price(amount: str, number: int = 1, **more: Any) -> ContractLine:
    return ContractLine(**{"number": number, "unit": "EA", "price": usd(amount), "item_number": "M1"} | more)


def contract(*lines: ContractLine, number: str = "C9", **more: Any) -> Contract:
    return Contract(**{"contract_number": number, "supplier_number": "S1", "lines": lines} | more)


def decide(*documents: Contract, unit: str = "EA", amount: str = "4", item: Item = GLOVE) -> Decision:
    wish = Requisition(
        requisition_number="R-1", cost_center="CC1", requested_on=date(2026, 11, 16), facility="MAIN",
        lines=(RequisitionLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(amount), unit=unit)),),
    )  # fmt: skip
    dossiers = Dossiers(NO_STEPS)
    for one in (CostCenter(cost_center="CC1", name="t"), Supplier(supplier_number="S1", name="One"), item, wish):
        dossiers.take(one)
    for terms in documents:
        dossiers.take(terms)
    return dossiers.decide("requisition:R-1")


def priced(decision: Decision) -> tuple[str, str | None]:
    """Price and contract of the one line that is ordered."""
    (order,) = [one.document for one in decision.intents if isinstance(one.document, PurchaseOrder)]
    (line,) = order.lines
    return str(line.price.amount), line.contract_number


GOLD = (ContractMember(facility="MAIN", tier="GOLD"),)
STEPS = (PriceBreak(minimum=Decimal(4), price=usd("1.80")),)
THIS_YEAR, LAST_YEAR = date(2026, 1, 1), date(2025, 12, 31)
CASES: dict[str, tuple[Contract, tuple[str, str | None]]] = {
    "of the supplier": (contract(price("2.00")), ("2.00", "C9")),
    "by their number": (contract(price("2.00", item_number=None, supplier_item_number="GL-1")), ("2.00", "C9")),
    "of another supplier": (contract(price("2.00"), supplier_number="S2"), ("2.5", None)),
    "begins later": (contract(price("2.00", valid_from=date(2026, 12, 1))), ("2.5", None)),
    "today's of two": (
        contract(price("1.00", valid_to=LAST_YEAR), price("2.10", 2, valid_from=THIS_YEAR)), ("2.10", "C9"),
    ),
    "of its tier": (contract(price("2.20", tier="GOLD"), price("1.00", 2, tier="PLATINUM"), members=GOLD),
                    ("2.20", "C9")),
    "no member": (contract(price("2.00"), members=(ContractMember(facility="OTHER"),)), ("2.5", None)),
    "from a quantity on": (contract(price("2.00", breaks=STEPS)), ("1.80", "C9")),
}  # fmt: skip


@pytest.mark.parametrize(("terms", "wanted"), CASES.values(), ids=CASES)
def test_the_price_is_that_of_a_contract_that_no_master_names(terms: Contract, wanted: tuple[str, str | None]) -> None:
    assert priced(decide(terms)) == wanted


def test_the_contract_that_the_item_names_comes_before_a_cheaper_one() -> None:
    named = GLOVE.model_copy(update={"contract_numbers": ("C1",)})

    assert priced(decide(contract(price("2.00")), contract(price("2.20"), number="C1"), item=named)) == ("2.20", "C1")


def test_when_the_named_contract_has_ended_another_one_of_the_supplier_counts() -> None:
    named = GLOVE.model_copy(update={"contract_numbers": ("C1",)})
    ended = contract(price("1.50"), number="C1", valid_to=LAST_YEAR)

    assert priced(decide(ended, contract(price("2.00")), item=named)) == ("2.00", "C9")


def test_a_contracts_price_is_converted_to_the_unit_that_is_asked_for() -> None:
    assert priced(decide(contract(price("2.00")), unit="BX", amount="1")) == ("200", "C9")


def test_an_item_without_any_price_is_ordered_once_a_contract_gives_one() -> None:
    unpriced = GLOVE.model_copy(update={"cost_price": None})

    assert [one.type for one in decide(item=unpriced).findings] == ["price_unknown"]
    assert priced(decide(contract(price("2.00")), item=unpriced)) == ("2.00", "C9")
