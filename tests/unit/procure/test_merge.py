"""Two numbers become one and two again; the masters are byte for byte what they were."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import Identifier, Money, Payment, PaymentProgress, RemitTo, Supplier, SupplierMerge
from engine.procure.payments.bank_accounts import approval_number
from engine.procure.suppliers.approval import supplier_number_of_approval
from engine.procure.suppliers.merge import merge_number, merged
from engine.procure.suppliers.supplier import decide_supplier
from tests.support.dossiers import Dossiers
from tests.support.purchases import invoice, order, receipt
from tests.support.suppliers import ANNA, BERT, POLICIES, account, answer, clear, supplier

ONE, OTHER = "supplier:S1", "supplier:S2"


def both() -> Dossiers:
    here = Dossiers(POLICIES)
    for one in (supplier("S1"), supplier("S2", name="Acme Trading", accounts=(account(),))):
        here.take(one, ANNA)
        here.take(clear(one))
    return here


def merge(here: Dossiers, active: bool, who: str = BERT, version: int = 1) -> None:
    one = SupplierMerge(
        absorbed_number="S2", survivor_number="S1", requested_by=ANNA, requested_at=here.now, active=active
    )
    here.take(one, ANNA)
    here.take(answer(merge_number(one, version), who, here.now), who)


def masters(here: Dossiers) -> dict[str, bytes]:
    return {
        key: b"".join(one.record.body for one in here.papers(key).all if isinstance(one.document, Supplier))
        for key in (ONE, OTHER)
    }


def told(here: Dossiers) -> list[str]:
    return [i.key for key in (ONE, OTHER) for i in here.decide(key).intents if i.what == "propagate_supplier"]


def test_a_merge_ends_one_number_and_the_other_has_what_it_brought() -> None:
    here = both()
    merge(here, active=True)

    decision = here.decide(OTHER)

    assert decision.state["state"] == "merged"
    (intent,) = [one for one in decision.intents if one.what == "propagate_supplier"]
    assert isinstance(intent.document, Supplier)
    assert (intent.document.merged_into, intent.document.active) == ("S1", False)


def test_split_again_the_masters_are_byte_for_byte_what_they_were() -> None:
    here = both()
    before, decided = masters(here), [here.decide(key).state["master"] for key in (ONE, OTHER)]
    merge(here, active=True)
    assert [here.decide(key).state["master"] for key in (ONE, OTHER)] != decided
    merge(here, active=False, version=2)

    assert masters(here) == before
    assert [here.decide(key).state["master"] for key in (ONE, OTHER)] == decided
    assert here.decide(OTHER).state["state"] == "waiting"


def test_systems_are_told_of_the_merge_and_of_the_split() -> None:
    here = both()
    merge(here, active=True)
    merged_keys = told(here)
    merge(here, active=False, version=2)
    merge(here, active=True, version=3)

    assert merged_keys
    assert not set(merged_keys) & set(told(here))


def test_what_ended_in_a_number_goes_along_when_that_number_ends_too() -> None:
    here = both()
    last = supplier("S0", name="Acme Holding")
    here.take(last, ANNA)
    here.take(clear(last))
    here.take(answer(supplier_number_of_approval(last), BERT, here.now, "supplier:S0"), BERT)
    merge(here, active=True)
    on = SupplierMerge(absorbed_number="S1", survivor_number="S0", requested_by=ANNA, requested_at=here.now)
    here.take(on, ANNA)
    here.take(answer(merge_number(on, 1), BERT, here.now), BERT)

    (intent,) = [one for one in here.decide("supplier:S0").intents if one.what == "propagate_supplier"]

    assert isinstance(intent.document, Supplier)
    assert {one.value for one in intent.document.identifiers if one.scheme == "SUPPLIER_NUMBER"} == {"S1", "S2"}


def test_nobody_merges_alone() -> None:
    here = both()
    merge(here, active=True, who=ANNA)
    here.wait(timedelta(hours=1))

    assert here.decide(OTHER).state["state"] == "waiting"
    assert "merge_waiting" in [one.type for one in here.decide(ONE).findings]


def test_a_split_needs_another_person_as_well() -> None:
    here = both()
    merge(here, active=True)
    merge(here, active=False, who=ANNA, version=2)

    assert here.decide(OTHER).state["state"] == "merged"


def test_bank_accounts_are_not_taken_over() -> None:
    here = both()
    merge(here, active=True)

    assert here.decide(ONE).state["bank_accounts"] == {}


_NAMES = st.sampled_from(["Acme", "Beta", "Gamma"])
_CODES = st.lists(st.sampled_from(["A", "B", "C", "D"]), unique=True, max_size=4)


@settings(max_examples=100, deadline=None)
@given(_NAMES, _NAMES, _CODES, _CODES)
def test_a_merged_master_has_everything_once(name: str, other: str, mine: list[str], theirs: list[str]) -> None:
    one, two = supplier("S1", name=name), supplier("S2", name=other)
    one = one.model_copy(update={"remit_tos": tuple(RemitTo(code=code) for code in mine)})
    two = two.model_copy(update={"remit_tos": tuple(RemitTo(code=code, name=other) for code in theirs)})
    act = SupplierMerge(absorbed_number="S2", survivor_number="S1", requested_by=ANNA, requested_at=Dossiers().now)

    result = merged(one, [act], {"S2": two}.get)

    assert sorted(part.code for part in result.remit_tos) == sorted({*mine, *theirs})
    assert Identifier(scheme="SUPPLIER_NUMBER", value="S2") in result.identifiers
    assert len(set(result.tax_identifiers)) == len(result.tax_identifiers)
    assert (result.supplier_number, result.name) == ("S1", name)


def against(here: Dossiers) -> list[str]:
    return [one.type for one in here.decide("order:PO-1").findings]


@pytest.mark.parametrize(("ordered_from", "invoiced_by"), [("S2", "S1"), ("S1", "S2")])
def test_who_goes_on_invoices_what_the_other_number_was_sent_as_long_as_they_are_one(
    ordered_from: str, invoiced_by: str
) -> None:
    here = both()
    for one in (
        order(supplier_number=ordered_from), receipt(), invoice(supplier_number=invoiced_by)
    ):  # fmt: skip
        here.take(one)
    assert "supplier_differs" in against(here)

    merge(here, active=True)
    assert "supplier_differs" not in against(here)

    merge(here, active=False, version=2)
    assert "supplier_differs" in against(here)


def test_a_merge_that_nobody_else_approved_makes_no_invoice_another_ones() -> None:
    here = both()
    for one in (order(supplier_number="S2"), receipt(), invoice()):
        here.take(one)
    merge(here, active=True, who=ANNA)

    assert "supplier_differs" in against(here)


def test_the_same_invoice_by_both_numbers_is_told_once_they_are_one() -> None:
    here = Dossiers(POLICIES)
    for number, tax in (("S1", "12-3456789"), ("S2", "98-7654321")):
        here.take(supplier(number, name=f"Acme {number}", tax=tax), ANNA)
    for number in ("S1", "S2"):
        mine = {"order_number": f"PO-{number}", "supplier_number": number}
        here.take(order(**mine))
        here.take(invoice(**mine))
    alike = "duplicate_suspected"
    assert alike not in [one.type for one in here.decide("order:PO-S2").findings]

    merge(here, active=True)

    assert alike in [one.type for one in here.decide("order:PO-S2").findings]


def test_numbers_that_ended_one_after_the_other_are_one() -> None:
    here = both()
    here.take(supplier("S0", name="Acme Holding"), ANNA)
    for one in (order(supplier_number="S2"), receipt(), invoice(supplier_number="S0")):
        here.take(one)
    merge(here, active=True)
    on = SupplierMerge(absorbed_number="S1", survivor_number="S0", requested_by=ANNA, requested_at=here.now)
    here.take(on, ANNA)
    here.take(answer(merge_number(on, 1), BERT, here.now), BERT)

    assert "supplier_differs" not in against(here)


def test_the_decider_of_a_supplier_that_nobody_told_of_waits() -> None:
    here = Dossiers(POLICIES)

    assert decide_supplier(here.papers(ONE), here.world()).state["state"] == "new"


_PLACES = st.lists(st.sampled_from(["A", "B", "C", "D"]), unique=True, max_size=3)


@settings(max_examples=25, deadline=None)
@given(
    names=st.tuples(_NAMES, _NAMES),
    codes=st.tuples(_PLACES, _PLACES),
    numbers=st.tuples(_PLACES, _PLACES),
    take=st.lists(st.sampled_from(["payment_terms_days", "bank_accounts", "status", "name"]), unique=True),
    again=st.integers(1, 2),
)
def test_merged_and_split_again_masters_and_all_that_referred_to_them_are_decided_as_before(
    names: tuple[str, str],
    codes: tuple[list[str], list[str]],
    numbers: tuple[list[str], list[str]],
    take: list[str],
    again: int,
) -> None:
    here, tax = Dossiers(POLICIES), ("12-3456789", "98-7654321")
    for place, number in enumerate(("S1", "S2")):
        one = supplier(number, name=names[place], tax=tax[place], accounts=(account(code="MAIN"),))
        remit_tos = tuple(RemitTo(code=code, name=names[place]) for code in codes[place])
        known = tuple(Identifier(scheme=f"SYSTEM_{code}", value=number) for code in numbers[place])
        here.take(one.model_copy(update={"remit_tos": remit_tos, "system_numbers": known}), ANNA)
        here.take(clear(one))
        here.take(answer(supplier_number_of_approval(one), BERT, here.now, f"supplier:{number}"), BERT)
        here.take(answer(approval_number(number, account()), BERT, here.now, f"supplier:{number}"), BERT)
        here.take(_paid(number))
    here.wait(timedelta(days=2))
    before, decided = masters(here), [_decided(here, key) for key in _KEYS]

    for turn in range(again):
        _approved(here, take, active=True, version=2 * turn + 1)
        assert here.decide(OTHER).state["state"] == "merged"
        assert here.decide("payment:P-S2").state["held_because"] == ["supplier_merged"]
        _approved(here, take, active=False, version=2 * turn + 2)

    assert masters(here) == before
    assert [_decided(here, key) for key in _KEYS] == decided


_KEYS = (ONE, OTHER, "payment:P-S1", "payment:P-S2")


def _paid(number: str) -> Payment:
    return Payment(
        payment_number=f"P-{number}", supplier_number=number, amount=Money(amount=Decimal("10.00")),
        pay_on=date(2026, 11, 20), state=PaymentProgress.APPROVED, bank_account="MAIN",
    )  # fmt: skip


def _decided(here: Dossiers, key: str) -> object:
    """All of the decision but the history of the merge and what is told once for each turn."""
    found = here.decide(key)
    state = {name: value for name, value in found.state.items() if name != "merges"}
    intents = {(one.what, one.document.model_dump_json()) for one in found.intents}
    return state, [(one.type, one.place) for one in found.findings], intents


def _approved(here: Dossiers, take: list[str], *, active: bool, version: int) -> None:
    act = SupplierMerge(
        absorbed_number="S2", survivor_number="S1", requested_by=ANNA, requested_at=here.now, take=tuple(take),
        active=active,
    )  # fmt: skip
    here.take(act, ANNA)
    here.take(answer(merge_number(act, version), BERT, here.now), BERT)
