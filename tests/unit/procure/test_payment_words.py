"""Every state and reason of a payment has words for people, and what they do about it."""

from __future__ import annotations

import pytest

from engine.canonical import PaymentProgress
from engine.ports.payments import GROUPS
from engine.procure.approvals.states import ApprovalState
from engine.procure.payments.payment import DISPUTED
from engine.procure.payments.words import HELD, LEFT, group_of, to_do, without_figures
from engine.procure.suppliers.states import SupplierState


def test_every_state_is_of_one_group() -> None:
    found = {state: group_of(state, ()) for state in (*PaymentProgress, DISPUTED)}

    assert set(found.values()) <= set(GROUPS)
    assert [state for state, group in found.items() if group == "disputed"] == [DISPUTED]


def test_a_payment_that_only_waits_for_its_approval_is_not_held_back() -> None:
    assert group_of("proposed", ["payment_unapproved"]) == "waiting"
    assert group_of("proposed", ["payment_unapproved", "bank_account_cooling"]) == "held"
    assert group_of("settled", ["bank_account_cooling"]) == "paid"


def test_every_reason_of_a_supplier_or_an_approval_has_words() -> None:
    suppliers = {f"supplier_{state}" for state in SupplierState} - {"supplier_approved"}
    ended = {ApprovalState.REJECTED, ApprovalState.WITHDRAWN, ApprovalState.EXPIRED}

    assert suppliers | {f"payment_{state}" for state in ended} <= HELD.keys()
    assert {"held", "not_due", "credit_is_more", "no_money_left"} == LEFT.keys()


@pytest.mark.parametrize(
    ("against", "says"),
    [
        ("bank says accepted, and the erp never released it", "find out who sent it"),
        ("bank says 90.00 USD", "another amount"),
        ("portal says 90.00 USD", "another amount"),
        ("bank says 90.00 USD came back", "a part of it came back"),
        ("bank says settled (camt.054) and rejected (pain.002)", "which one holds"),
        ("portal says settled, erp says proposed", "only the portal"),
        ("erp says voided, bank says settled", "ask the bank for its booking"),
    ],
)
def test_each_contradiction_has_its_own_way_out(against: str, says: str) -> None:
    (first, *_) = to_do(DISPUTED, (), [against], None)

    assert says in first


@pytest.mark.parametrize(
    ("state", "code", "says"),
    [
        ("returned", "R02", "verified anew"),
        ("returned", None, "gives no reason"),
        ("rejected", "R01", "the next run pays again"),
        ("returned", "R29", "why"),
    ],
)
def test_what_came_back_says_whether_the_account_is_to_blame_and_whether_to_try_again(
    state: str, code: str | None, says: str
) -> None:
    assert says in to_do(state, (), (), code)[0]


def test_what_goes_its_way_asks_nothing_of_anybody() -> None:
    for state in ("approved", "released", "transmitted", "accepted", "settled", "reconciled"):
        assert to_do(state, (), (), None) == []


def test_who_may_not_see_the_whole_amount_reads_none_in_words() -> None:
    assert without_figures("bank says 1290.00 USD came back") == "bank says another amount came back"
    assert without_figures("erp says voided, bank says settled") == "erp says voided, bank says settled"
