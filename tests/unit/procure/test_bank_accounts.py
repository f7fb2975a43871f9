"""Nobody is paid at bank details that others have not verified, whichever way the details came in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import (
    Address,
    ApprovalAction,
    ApprovalVerb,
    BankAccount,
    BankState,
    BankStatusReport,
    CaseAction,
    CaseVerb,
    Invoice,
    InvoiceLine,
    Money,
    PaidInvoice,
    Payment,
    PaymentProgress,
    Quantity,
    RemitTo,
    ReportSource,
    Supplier,
    SupplierMerge,
    SupplierStatus,
)
from engine.procure.payments.bank_accounts import approval_number
from engine.procure.suppliers.approval import supplier_number_of_approval
from engine.procure.suppliers.merge import merge_number
from tests.support.dossiers import Dossiers
from tests.support.suppliers import ANNA, BERT, CARA, POLICIES, account, answer, clear, supplier

GOOD, EVIL = account("00012345678"), account("99999999999")
PAID = Payment(
    payment_number="P1", supplier_number="S1", amount=Money(amount=Decimal("100.00")), pay_on=date(2026, 11, 20),
    state=PaymentProgress.APPROVED, bank_account="MAIN", proposed_by="x", approved_by="y",
)  # fmt: skip


def verify(here: Dossiers, one: BankAccount, who: str, login: str | None, number: str = "S1") -> None:
    here.take(answer(approval_number(number, one), who, here.now, f"supplier:{number}"), login)


def verified() -> Dossiers:
    """An approved supplier whose account others verified more than a day ago, and a payment to it."""
    here, one = Dossiers(POLICIES), supplier(accounts=(GOOD,))
    here.take(one, ANNA)
    here.take(clear(one))
    here.take(answer(supplier_number_of_approval(one), BERT, here.now), BERT)
    verify(here, GOOD, CARA, CARA)
    here.take(PAID)
    here.wait(timedelta(days=2))
    return here


def asked(here: Dossiers) -> list[str]:
    return [one.what for one in here.decide("payment:P1").intents if one.what != "tell_status"]


def held_because(here: Dossiers) -> list[str]:
    return list(here.decide("payment:P1").state["held_because"])


def test_a_verified_account_is_paid_to() -> None:
    assert asked(verified()) == ["release_payment"]


def test_a_changed_account_holds_payments_until_another_person_verified_it_and_a_day_passed() -> None:
    here = verified()
    here.take(supplier(accounts=(EVIL,)), ANNA)
    assert asked(here) == ["hold_payment"]
    verify(here, EVIL, ANNA, ANNA)
    assert asked(here) == ["hold_payment"]
    verify(here, EVIL, BERT, BERT)
    assert held_because(here) == ["bank_account_cooling", "bank_change_pending"]

    here.wait(timedelta(days=1))

    assert asked(here) == ["release_payment"]


def test_details_that_come_back_are_verified_again() -> None:
    here = verified()
    here.take(supplier(accounts=(EVIL,)), ANNA)
    here.take(supplier(accounts=(GOOD,)), ANNA)
    here.wait(timedelta(days=3))

    assert held_because(here) == ["bank_account_unverified", "bank_change_pending"]


def test_held_released_and_held_again_are_told_each_time() -> None:
    here = verified()
    keys = [one.key for one in here.decide("payment:P1").intents]
    here.take(supplier(accounts=(EVIL,)), ANNA)
    keys += [one.key for one in here.decide("payment:P1").intents]
    verify(here, EVIL, BERT, BERT)
    here.wait(timedelta(days=2))
    keys += [one.key for one in here.decide("payment:P1").intents]

    told = [key for key in keys if not key.startswith("tell_status")]
    assert len(set(told)) == 3


def test_a_payment_already_on_its_way_to_unverified_details_is_stopped() -> None:
    here = verified()
    here.take(PAID.model_copy(update={"state": PaymentProgress.TRANSMITTED}))
    here.take(supplier(accounts=(EVIL,)), ANNA)

    found = here.decide("payment:P1")

    assert "stop_payment" in [one.what for one in found.intents]
    assert ("payment_unverified", "stat") in [(one.type, one.urgency) for one in found.findings]


def test_another_account_that_is_asked_for_stops_nothing_on_its_way_to_the_verified_one() -> None:
    here = verified()
    here.take(PAID.model_copy(update={"state": PaymentProgress.TRANSMITTED}))
    here.take(supplier(accounts=(GOOD, EVIL.model_copy(update={"code": "NEW"}))), ANNA)

    found = here.decide("payment:P1")

    assert [one.what for one in found.intents] == ["tell_status"]
    assert found.findings == ()
    here.take(PAID.model_copy(update={"payment_number": "P2"}))
    assert [one.what for one in here.decide("payment:P2").intents if one.what != "tell_status"] == ["hold_payment"]


def test_a_merge_stops_nothing_on_its_way_to_a_verified_account_and_holds_the_next() -> None:
    here = verified()
    here.take(PAID.model_copy(update={"state": PaymentProgress.TRANSMITTED}))
    merge = SupplierMerge(absorbed_number="S1", survivor_number="S2", requested_by=ANNA, requested_at=here.now)
    here.take(merge, ANNA)
    here.take(answer(merge_number(merge, 1), BERT, here.now), BERT)
    here.take(PAID.model_copy(update={"payment_number": "P2"}))

    assert [one.what for one in here.decide("payment:P1").intents] == ["tell_status"]
    assert here.decide("payment:P2").state["held_because"] == ["supplier_merged"]


def came_back(code: str = "R02") -> Dossiers:
    """The first payment of an invoice came back, and it is to be paid again to the same account."""
    part = PaidInvoice(invoice_number="I1", amount=PAID.amount)
    here, sent = verified(), {"state": PaymentProgress.TRANSMITTED, "invoices": (part,)}
    here.take(PAID.model_copy(update={**sent, "payment_number": "P0"}))
    here.take(
        BankStatusReport(
            report_number="R", source=ReportSource.ACH_RETURN, state=BankState.RETURNED, payment_number="P0",
            reported_at=here.now, reason_code=code,
        )
    )  # fmt: skip
    here.take(PAID.model_copy(update={"invoices": (part,)}))
    return here


def test_money_that_came_back_from_a_closed_account_does_not_go_there_again_before_people_looked() -> None:
    here = came_back()
    assert (asked(here), held_because(here)) == (["hold_payment"], ["bank_account_returned"])

    seen = CaseAction(
        action_number="A", case_id="c", dossier="payment:P0", action=CaseVerb.ACCEPT, who=BERT, reason="open again",
        at=here.now, case_type="payment_returned", place="P0",
    )  # fmt: skip
    here.take(seen, BERT)
    assert asked(here) == ["release_payment"]


def test_money_that_came_back_for_another_reason_goes_there_again() -> None:
    assert asked(came_back("R09")) == ["release_payment"]


def test_an_account_that_was_verified_anew_is_paid_to_again() -> None:
    here = came_back()
    here.take(supplier(accounts=()), ANNA)
    here.take(supplier(accounts=(GOOD,)), ANNA)
    verify(here, GOOD, CARA, CARA)
    here.wait(timedelta(days=2))

    assert asked(here) == ["release_payment"]


def test_who_proposed_a_payment_does_not_approve_it() -> None:
    here = verified()
    here.take(PAID.model_copy(update={"proposed_by": "X.Y", "approved_by": "x.y "}))

    assert held_because(here) == ["approved_by_its_proposer"]


CLAIMS = {"verified_by": BERT, "verified_on": date(2026, 11, 16), "verification": "call_back"}


def by_edi(here: Dossiers) -> None:
    """A message says that all is verified, and brings answers in other people's names."""
    here.take(supplier(accounts=(EVIL.model_copy(update=CLAIMS),), status=SupplierStatus.APPROVED))
    for who in (BERT, CARA):
        verify(here, EVIL, who, None)


def by_api(here: Dossiers) -> None:
    """A person writes that others changed and verified it, and answers in their names."""
    here.take(supplier(accounts=(EVIL.model_copy(update={**CLAIMS, "changed_by": BERT}),)), ANNA)
    verify(here, EVIL, CARA, ANNA)
    verify(here, EVIL, ANNA, ANNA)


def by_import(here: Dossiers) -> None:
    """A whole master again, approved by its own words, as another document of the same number."""
    one = supplier(accounts=(EVIL.model_copy(update=CLAIMS),), status=SupplierStatus.APPROVED, requested_by=None)
    here.take(one.model_copy(update={"approved_by": BERT}))


def by_merge(here: Dossiers) -> None:
    """Verified at another supplier, which then becomes this one."""
    other = supplier("S2", accounts=(EVIL,), tax="98-7654321")
    here.take(other, ANNA)
    here.take(clear(other))
    here.take(answer(supplier_number_of_approval(other), BERT, here.now, "supplier:S2"), BERT)
    verify(here, EVIL, BERT, BERT, "S2")
    merge = SupplierMerge(
        absorbed_number="S2", survivor_number="S1", requested_by=ANNA, requested_at=here.now, take=("bank_accounts",)
    )
    here.take(merge, ANNA)
    here.take(answer(merge_number(merge, 1), BERT, here.now), BERT)
    here.take(PAID.model_copy(update={"bank_account": None, "remit_to": "X"}))
    here.take(supplier(accounts=(EVIL,)), ANNA)


def by_second_account(here: Dossiers) -> None:
    """The good one stays, another is added and the remit-to points there."""
    here.take(supplier(accounts=(GOOD, account("99999999999", "NEW"))), ANNA)


def by_early_answer(here: Dossiers) -> None:
    """Verified before it was there."""
    verify(here, EVIL, BERT, BERT)
    here.take(supplier(accounts=(EVIL,)), ANNA)


def by_old_answer(here: Dossiers) -> None:
    """An answer that says that it was given in time, long ago and in the future."""
    here.take(supplier(accounts=(EVIL,)), ANNA)
    for year in (2020, 2030):
        at = datetime(year, 1, 1, tzinfo=UTC)
        here.take(answer(approval_number("S1", EVIL), BERT, at), ANNA)


def by_other_code(here: Dossiers) -> None:
    """The payment names an account that the supplier does not have."""
    here.take(PAID.model_copy(update={"bank_account": "OTHER"}))


def by_another_verb(here: Dossiers) -> None:
    here.take(supplier(accounts=(EVIL,)), ANNA)
    here.take(answer(approval_number("S1", EVIL), BERT, here.now, verb=ApprovalVerb.COMMENT), BERT)


def by_invoice(here: Dossiers) -> None:
    """An invoice that names another remit-to, and the payment of it that asks for the account of that one."""
    line = InvoiceLine(number=1, quantity=Quantity(amount=Decimal(1), unit="EA"), price=PAID.amount)
    here.take(
        Invoice(invoice_number="I1", supplier_number="S1", invoiced_on=date(2026, 11, 18), remit_to="ELSEWHERE",
                stated_total=PAID.amount, lines=(line,))
    )  # fmt: skip
    here.take(PAID.model_copy(update={"bank_account": "ELSEWHERE", "remit_to": "ELSEWHERE"}))


def by_remit_to(here: Dossiers) -> None:
    """The remit-to that the payment names points to another account than it did."""
    remit_to = RemitTo(code="R", address=Address(street="9 Quay"), bank_account="NEW")
    one = supplier(accounts=(GOOD, account("99999999999", "NEW")))
    here.take(one.model_copy(update={"remit_tos": (remit_to,)}), ANNA)
    here.take(PAID.model_copy(update={"bank_account": None, "remit_to": "R"}))


def by_restoring(here: Dossiers) -> None:
    """Back to a version from before, whose details were verified then and have been replaced since."""
    here.take(supplier(accounts=(EVIL,)), ANNA)
    here.take(supplier(accounts=(GOOD,)), BERT)


def by_portal(here: Dossiers) -> None:
    """The portal's file without a person, and its answer in a colleague's name."""
    here.take(supplier(accounts=(EVIL.model_copy(update={**CLAIMS, "changed_by": "portal"}),)))
    verify(here, EVIL, BERT, None)


def by_holder(here: Dossiers) -> None:
    """The same number with another holder is another account."""
    here.take(supplier(accounts=(GOOD.model_copy(update={"holder": "Acme Trading Ltd"}),)), ANNA)


def by_switching_off_and_on(here: Dossiers) -> None:
    here.take(supplier(accounts=(GOOD.model_copy(update={"active": False}),)), ANNA)
    here.take(supplier(accounts=(GOOD,)), ANNA)


def by_another_dossier(here: Dossiers) -> None:
    """Answered where nobody looks for it, and by whom the change came from."""
    here.take(supplier(accounts=(EVIL,)), ANNA)
    here.take(answer(approval_number("S1", EVIL), BERT, here.now, "supplier:S2"), BERT)
    here.take(answer(approval_number("S2", EVIL), BERT, here.now, "supplier:S1"), BERT)


WAYS = {name: way for name, way in sorted(globals().items()) if name.startswith("by_")}
KNOWN_WAYS = {
    "by_another_dossier", "by_another_verb", "by_api", "by_early_answer", "by_edi", "by_holder", "by_import",
    "by_invoice", "by_merge", "by_old_answer", "by_other_code", "by_portal", "by_remit_to", "by_restoring",
    "by_second_account", "by_switching_off_and_on",
}  # fmt: skip


def test_the_ways_that_are_tried_are_the_known_ones() -> None:
    assert set(WAYS) == KNOWN_WAYS


@pytest.mark.parametrize("way", WAYS)
def test_no_way_around_verification(way: str) -> None:
    here = verified()
    WAYS[way](here)
    here.wait(timedelta(days=5))

    assert asked(here) == ["hold_payment"]


_STEPS = st.lists(
    st.tuples(st.sampled_from(["change", "answer", "forge", "edi"]), st.sampled_from([ANNA, BERT, CARA]),
              st.sampled_from([GOOD, EVIL])),
    max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_only_an_answer_of_another_person_to_the_details_of_now_releases(
    steps: list[tuple[str, str, BankAccount]],
) -> None:
    """Against an oracle that keeps who brought the details and who answered since."""
    here, present, maker, answered = verified(), GOOD, ANNA, {CARA}
    for step, who, details in steps:
        if step == "answer":
            verify(here, details, who, who)
            answered |= {who} if details is present else set()
        elif step == "forge":
            verify(here, details, who, ANNA if who != ANNA else BERT)
        elif details is not present:
            present, answered = details, set()
            maker = who if step == "change" else ""
            _bring(here, step, details, who)
    here.wait(timedelta(days=3))

    assert asked(here) == (["release_payment"] if answered - {maker} else ["hold_payment"])


def _bring(here: Dossiers, step: str, details: BankAccount, who: str) -> None:
    one: Supplier = supplier(accounts=(details,))
    here.take(one, who if step == "change" else None)


def test_no_account_number_is_in_what_is_shown() -> None:
    here = verified()
    here.take(supplier(accounts=(EVIL,)), ANNA)

    shown = f"{here.decide('supplier:S1')!r}".replace(repr(here.papers("supplier:S1").newest(Supplier)), "")

    assert "99999999999" not in shown


def test_however_long_its_names_an_approval_is_of_these_details_only() -> None:
    numbers = {
        approval_number(number, account(details, code))
        for number in ("S1", "S" * 80)
        for details in ("111", "222")
        for code in ("MAIN", "M" * 80, "M" * 79 + "N")
    }

    assert len(numbers) == 12
    assert max(map(len, numbers)) == 80


def test_answers_are_kept_as_they_were_given() -> None:
    here = verified()

    counted = here.decide("supplier:S1").state["bank_accounts"]["MAIN"]["counted"]

    assert [one["who"] for one in counted] == [CARA]
    assert len(here.papers("supplier:S1").newest(ApprovalAction)) == 2
