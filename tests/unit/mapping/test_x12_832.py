"""832 to Contract: which price counts, from which quantity and day, and what is refused where."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.canonical import Contract
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping.x12_832 import contract_from_832, contract_to_832
from engine.protocols.x12 import read
from tests.support import x12_samples as samples

HEAD = ("BCT*PC*CAT-27*******Surgical 2027*00", "REF*IA*S1001", "CUR*SE*USD")
LINE = "LIN*1*IN*M10001*VN*ASB-2012*UK*00850068673094"
PRICE = "CTP**CON*21.4*1*EA"


def contract_of(*body: str) -> Contract:
    return contract_from_832(read(samples.interchange(body, "832", "SC")).interchanges[0].groups[0].sets[0])


def test_a_contract_is_named_by_its_own_number_and_else_by_the_catalogues() -> None:
    assert contract_of(*HEAD, LINE, PRICE).contract_number == "CAT-27"
    assert contract_of(HEAD[0], "REF*CT*C-55", *HEAD[1:], LINE, PRICE).contract_number == "C-55"


def test_numbers_of_buyer_supplier_and_others_are_kept_apart() -> None:
    (line,) = contract_of(*HEAD, LINE, PRICE).lines

    assert (line.item_number, line.supplier_item_number) == ("M10001", "ASB-2012")
    assert [(one.scheme, one.value) for one in line.identifiers] == [("GTIN", "00850068673094")]


def test_without_the_buyers_number_the_item_is_the_suppliers_alone() -> None:
    (line,) = contract_of(*HEAD, "LIN*1*VC*ASB-2012", PRICE).lines

    assert (line.item_number, line.supplier_item_number, line.identifiers) == (None, "ASB-2012", ())


def test_what_is_paid_comes_before_list_prices_and_breaks_count_from_their_quantity() -> None:
    (line,) = contract_of(*HEAD, LINE, "CTP**LPR*30*1*EA", PRICE, "CTP**PBQ*20.1*48*EA", "CTP**CON*19*96*EA").lines

    assert line.price.amount == Decimal("21.4")
    assert [(step.minimum, step.price.amount) for step in line.breaks] == [(48, Decimal("20.1")), (96, 19)]


def test_days_of_a_line_and_of_the_contract_are_their_own() -> None:
    contract = contract_of(HEAD[0], HEAD[1], "DTM*092*20270101", "DTM*093*20271231", LINE, "DTM*007*20270301", PRICE)

    assert (str(contract.valid_from), str(contract.valid_to)) == ("2027-01-01", "2027-12-31")
    assert (str(contract.lines[0].valid_from), contract.lines[0].valid_to) == ("2027-03-01", None)


def test_the_group_and_its_contract_stand_apart_from_the_suppliers() -> None:
    contract = contract_of(*HEAD, "N1*BG*Northbridge", "REF*CT*NB-4471", LINE, PRICE)

    assert (contract.gpo, contract.gpo_contract_number, contract.contract_number) == (
        "Northbridge",
        "NB-4471",
        "CAT-27",
    )


@pytest.mark.parametrize(
    ("body", "error", "where"),
    [
        ((HEAD[0].replace("*00", "*04"), HEAD[1], LINE, PRICE), DocumentError, "BCT10"),
        ((HEAD[0], LINE, PRICE), RequiredFieldError, "REF IA"),
        (("BCT*PC", HEAD[1], LINE, PRICE), RequiredFieldError, "BCT02"),
        ((*HEAD, LINE), RequiredFieldError, "CTP[1]"),
        ((*HEAD, LINE, "CTP**MSR*30*1*EA"), RequiredFieldError, "CTP[1]"),
        ((*HEAD, LINE, "CTP**CON*250*100*EA"), DataTypeError, "CTP[1]"),
        ((*HEAD, LINE, PRICE, "CTP**CON*22*1*EA"), DataTypeError, "CTP[1]"),
        ((*HEAD, LINE, PRICE, "CTP**PBQ*20*4*BX"), DataTypeError, "CTP05[1]"),
        ((*HEAD, LINE, "CTP**CON*21.4"), RequiredFieldError, "CTP05[1]"),
        ((*HEAD, LINE, "CTP**CON*x*1*EA"), DataTypeError, "CTP03[1]"),
        ((*HEAD, "CTT*0"), DocumentError, "lines"),
    ],
)
def test_what_makes_no_contract_is_refused_at_its_place(
    body: tuple[str, ...], error: type[Exception], where: str
) -> None:
    with pytest.raises(error) as caught:
        contract_of(*body)

    assert getattr(caught.value, "where") == where  # noqa: B009


def test_a_line_of_no_item_is_not_written() -> None:
    contract = contract_of(*HEAD, LINE, PRICE)
    bare = contract.lines[0].model_copy(update={"item_number": None, "supplier_item_number": None, "identifiers": ()})

    with pytest.raises(RequiredFieldError):
        contract_to_832(contract.model_copy(update={"lines": (bare,)}))
