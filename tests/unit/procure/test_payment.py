"""Where a payment stands, from three tellers: whatever the order of their words, and said aloud when they disagree."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from engine.canonical import (
    BankState,
    BankStatusReport,
    CaseAction,
    CaseVerb,
    Document,
    Money,
    PaidInvoice,
    Payment,
    PaymentMethod,
    PaymentProgress,
    ReportSource,
    Supplier,
)
from engine.procure.payments.codes import REASONS, reason_of
from engine.procure.payments.payment import decide_payment, standing_of_payment
from engine.procure.payments.states import PAYMENT_TRANSITIONS, may_follow
from tests.support.dossiers import NOON, Dossiers
from tests.support.purchases import invoice

HUNDRED = Money(amount=Decimal("100.00"))
P = PaymentProgress


def payment(state: P = P.TRANSMITTED, method: PaymentMethod = PaymentMethod.CHECK, **more: object) -> Payment:
    return Payment(
        payment_number="P1", supplier_number="S1", amount=HUNDRED, pay_on=date(2026, 11, 16), state=state,
        method=method, invoices=(PaidInvoice(invoice_number="I1", amount=HUNDRED),),
    ).model_copy(update=more)  # fmt: skip


def said(
    state: str, day: int = 17, source: str = "camt.054", reason: str | None = None, **more: object
) -> BankStatusReport:
    return BankStatusReport(
        report_number=f"{state}-{day}", source=ReportSource(source), state=BankState(state), payment_number="P1",
        reported_at=datetime(2026, 11, day, tzinfo=UTC), reason_code=reason,
    ).model_copy(update=more)  # fmt: skip


def told(*documents: Document) -> Dossiers:
    here = Dossiers()
    here.take(Supplier(supplier_number="S1", name="Acme"))
    for one in documents:
        here.take(one)
    return here


CASES = [
    (P.PROPOSED, [], "proposed"),
    (P.APPROVED, [], "approved"),
    (P.TRANSMITTED, [], "transmitted"),
    (P.TRANSMITTED, [said("received")], "transmitted"),
    (P.TRANSMITTED, [said("accepted", source="pain.002")], "accepted"),
    (P.RELEASED, [said("settled")], "settled"),
    (P.TRANSMITTED, [said("accepted"), said("settled", 18)], "settled"),
    (P.RECONCILED, [said("settled")], "reconciled"),
    (P.SETTLED, [said("accepted")], "settled"),
    (P.TRANSMITTED, [said("rejected", source="pain.002", reason="AC01")], "rejected"),
    (P.TRANSMITTED, [said("settled"), said("returned", 19, "ach_return", "R02")], "returned"),
    (P.SETTLED, [said("settled"), said("returned", 19, "ach_return", "R02")], "returned"),
    (P.REISSUED, [said("settled"), said("returned", 19, "ach_return", "R02")], "reissued"),
    (P.VOIDED, [], "voided"),
    (P.VOIDED, [said("stopped")], "voided"),
    (P.TRANSMITTED, [said("settled", 18, "portal")], "transmitted"),
    (P.TRANSMITTED, [said("settled"), said("corrected", 19, "ach_change", "C01")], "settled"),
    (P.SETTLED, [said("rejected")], "disputed"),
    (P.VOIDED, [said("settled")], "disputed"),
    (P.PROPOSED, [said("settled")], "disputed"),
    (P.APPROVED, [said("accepted")], "disputed"),
    (P.TRANSMITTED, [said("rejected"), said("settled", 18, "portal")], "disputed"),
    (P.APPROVED, [said("settled", 18, "portal")], "disputed"),
    (P.SETTLED, [said("settled", amount=Money(amount=Decimal("99.00")))], "disputed"),
    (P.SETTLED, [said("settled", amount=Money(amount=Decimal("100.00"), currency="EUR"))], "disputed"),
    (P.SETTLED, [said("settled"), said("settled", 18, "portal", amount=Money(amount=Decimal("99.00")))], "disputed"),
    (P.SETTLED, [said("settled"), said("returned", 19, amount=Money(amount=Decimal("40.00")))], "disputed"),
    (P.TRANSMITTED, [said("rejected", 17, "pain.002"), said("settled", 18)], "disputed"),
    (P.TRANSMITTED, [said("settled", 17, "bai2"), said("rejected", 18, "pain.002")], "disputed"),
    (P.TRANSMITTED, [said("settled", 17, "bai2"), said("settled", 18)], "settled"),
    (P.STALE, [said("settled")], "settled"),  # cashed after all
    (P.REISSUED, [said("stopped"), said("settled", 18)], "disputed"),  # the stop came too late: paid twice
    (P.REISSUED, [said("settled"), said("stopped", 18)], "disputed"),
    (P.REISSUED, [said("stopped"), said("settled", 18), said("returned", 19)], "reissued"),
    (P.TRANSMITTED, [said("accepted", 17, "pain.002"), said("rejected", 18, "pain.002")], "rejected"),
    (P.TRANSMITTED, [said("rejected", 17, "pain.002"), said("accepted", 18, "pain.002")], "disputed"),
    (P.TRANSMITTED, [said("rejected", 17, "portal")], "disputed"),  # whose word pays nothing, and pays nothing again
    (P.TRANSMITTED, [said("received"), said("returned", 18, "portal")], "disputed"),
    (P.TRANSMITTED, [said("rejected"), said("rejected", 18, "portal")], "rejected"),
    (P.VOIDED, [said("rejected", 17, "portal")], "voided"),
]


@pytest.mark.parametrize(("erp", "reports", "state"), CASES, ids=lambda one: str(one)[:30])
def test_the_state_is_a_function_of_what_erp_bank_and_portal_say(
    erp: P, reports: list[BankStatusReport], state: str
) -> None:
    for turn in itertools.permutations(reports):
        assert standing_of_payment(payment(erp), turn, NOON).state == state


def test_a_disagreement_is_a_case_that_names_both_words_and_tells_nobody() -> None:
    here = told(payment(P.VOIDED), said("settled"))

    found = here.decide("payment:P1")

    (case,) = found.findings
    assert (case.type, case.money, list(case.facts["against"])) == (
        "payment_disputed", HUNDRED, ["erp says voided, bank says settled"],
    )  # fmt: skip
    assert found.intents == ()


def test_money_that_came_back_after_it_was_settled_is_told_with_its_reason() -> None:
    here = told(payment(P.SETTLED), said("settled"), said("returned", 19, "ach_return", "R02"))

    found = here.decide("payment:P1")

    (case,) = found.findings
    assert (case.type, case.facts["what"], case.facts["account_to_blame"]) == (
        "payment_returned",
        "account closed",
        True,
    )
    (status,) = found.intents
    assert isinstance(status.document, Payment)
    assert (status.what, status.document.state) == ("tell_status", P.RETURNED)


def test_the_reason_is_that_of_the_word_that_holds_when_files_tell_both_of_the_same_day() -> None:
    here = told(payment(), said("returned", reason="R02"), said("settled"))  # sorted by name, not as they happened

    found = here.decide("payment:P1")

    assert (found.state["state"], found.state["reason"]) == ("returned", "R02")


def test_each_step_is_told_once_and_under_its_own_key() -> None:
    first = told(payment(P.TRANSMITTED)).decide("payment:P1").intents
    second = told(payment(P.TRANSMITTED), said("settled")).decide("payment:P1").intents
    third = told(payment(P.TRANSMITTED), said("settled"), said("returned", 19)).decide("payment:P1").intents

    assert len({one.key for one in (*first, *second, *third) if one.what == "tell_status"}) == 3


def test_a_notice_of_change_is_a_case_and_changes_no_account() -> None:
    here = told(payment(P.SETTLED), said("settled"), said("corrected", 19, "ach_change", "C01"))

    found = here.decide("payment:P1")

    assert [(one.type, one.facts["code"]) for one in found.findings] == [("bank_account_changed", "C01")]
    assert {one.what for one in found.intents} == {"tell_status"}


def test_a_report_by_the_banks_own_reference_finds_its_payment_in_either_order() -> None:
    report = said("settled", payment_number=None, bank_reference="TRACE-9")
    one = payment(P.TRANSMITTED, bank_reference="TRACE-9")

    states = [told(*turn).decide("payment:P1").state["state"] for turn in ((one, report), (report, one))]

    assert states == ["settled", "settled"]
    assert told(one, report).decide("bank:TRACE-9").findings == ()


def test_a_report_of_an_unknown_payment_is_a_case_after_two_days() -> None:
    here = told(said("settled", 16, payment_number=None, bank_reference="TRACE-9"))
    assert here.decide("bank:TRACE-9").findings == ()
    assert here.decide("bank:TRACE-9").look_again_at == datetime(2026, 11, 18, tzinfo=UTC)
    here.wait(timedelta(days=2))

    assert [one.type for one in here.decide("bank:TRACE-9").findings] == ["bank_report_unmatched"]


def noted(type_: str, place: str, dossier: str) -> CaseAction:
    return CaseAction(
        action_number=f"{type_}-{place}", case_id="c", dossier=dossier, action=CaseVerb.ACCEPT, who="t.ruiz",
        reason="seen to", at=NOON, case_type=type_, place=place,
    )  # fmt: skip


def test_a_person_takes_note_of_what_a_bank_told_of_an_unknown_payment() -> None:
    report = said("settled", 16, payment_number=None, bank_reference="TRACE-9")
    here = told(report, noted("bank_report_unmatched", report.natural_key, "bank:TRACE-9"))
    here.wait(timedelta(days=2))

    assert here.decide("bank:TRACE-9").findings == ()


def test_a_person_takes_note_of_what_happened_and_not_of_what_holds_or_contradicts() -> None:
    change = said("corrected", 19, "ach_change", "C01")
    returned = noted("payment_returned", "P1", "payment:P1")
    both = noted("bank_account_changed", change.natural_key, "payment:P1")
    here = told(payment(P.SETTLED), said("settled"), said("returned", 19), change, returned, both)
    disputed = told(payment(P.VOIDED), said("settled"), noted("payment_disputed", "P1", "payment:P1"))

    assert here.decide("payment:P1").findings == ()
    assert [one.type for one in disputed.decide("payment:P1").findings] == ["payment_disputed"]


def test_a_check_that_nobody_cashed_is_stale_after_six_months() -> None:
    here = told(payment(P.TRANSMITTED))
    here.wait(timedelta(days=180))
    assert here.decide("payment:P1").state["state"] == "transmitted"
    here.wait(timedelta(days=1))

    found = here.decide("payment:P1")

    assert found.state["state"] == "stale"
    assert "payment_stale" in [one.type for one in found.findings]


def test_a_silent_bank_is_a_case_and_it_is_looked_again_then() -> None:
    here = told(payment(P.TRANSMITTED))
    assert here.decide("payment:P1").look_again_at == datetime(2026, 11, 18, tzinfo=UTC)
    here.wait(timedelta(days=2))

    assert [one.type for one in here.decide("payment:P1").findings] == ["bank_silent"]


def second(amount: str = "100.00", **more: object) -> Payment:
    part = Money(amount=Decimal(amount))
    return payment(
        P.PROPOSED, payment_number="P2", amount=part, invoices=(PaidInvoice(invoice_number="I1", amount=part),), **more
    )


def types_of(here: Dossiers, dossier: str = "payment:P2") -> list[str]:
    return [one.type for one in here.decide(dossier).findings]


def test_the_second_payment_of_an_invoice_is_held_and_names_the_first() -> None:
    here = told(payment(P.TRANSMITTED), second())
    found = here.decide("payment:P2")

    twice = next(one for one in found.findings if one.type == "invoice_paid_twice")
    assert (twice.money, twice.facts["other_payments"]) == (HUNDRED, ["P1"])
    assert twice.flip
    assert {one.what for one in found.intents} == {"hold_payment", "tell_status"}
    assert types_of(here, "payment:P1") == []


@pytest.mark.parametrize("state", ["rejected", "returned", "stopped"])
def test_an_invoice_whose_payment_came_back_is_paid_again(state: str) -> None:
    here = told(payment(P.TRANSMITTED), said("accepted"), said(state, 18), second())

    assert types_of(here) == []


def test_a_second_payment_that_is_on_its_way_is_stopped_and_one_that_is_settled_is_told() -> None:
    on_its_way = told(payment(P.SETTLED), second().model_copy(update={"state": P.TRANSMITTED})).decide("payment:P2")
    settled = told(payment(P.SETTLED), second().model_copy(update={"state": P.SETTLED}))

    assert "stop_payment" in {one.what for one in on_its_way.intents}
    assert types_of(settled) == ["invoice_paid_twice"]


@pytest.mark.parametrize(("asked", "over"), [("200.00", None), ("160.00", "40.00")])
def test_parts_of_an_invoice_are_paid_by_several_up_to_what_it_asks_for(asked: str, over: str | None) -> None:
    here = told(payment(P.SETTLED), second())
    here.take(invoice(number="I1", total=asked))
    found = [one for one in here.decide("payment:P2").findings if one.type == "invoice_paid_twice"]

    assert [one.money for one in found] == ([Money(amount=Decimal(over))] if over else [])


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize(("amount", "over"), [("2.00", "2.00"), ("98.00", "98.00")])
def test_a_discount_that_was_taken_is_not_paid_by_a_second_payment(amount: str, over: str, is_known: bool) -> None:
    net, off = Money(amount=Decimal("98.00")), Money(amount=Decimal("2.00"))
    first = PaidInvoice(invoice_number="I1", amount=net, discount=off)
    here = told(payment(P.SETTLED, amount=net, invoices=(first,)), second(amount))
    if is_known:
        here.take(invoice(number="I1", total="100.00"))
    found = [one for one in here.decide("payment:P2").findings if one.type == "invoice_paid_twice"]

    assert [one.money for one in found] == [Money(amount=Decimal(over))]


def test_a_payment_to_an_unknown_supplier_is_held() -> None:
    here = Dossiers()
    here.take(payment(P.PROPOSED))

    found = decide_payment(here.papers("payment:P1"), here.world())

    assert found.state["held_because"] == ["supplier_unknown"]
    assert [one.what for one in found.intents] == ["hold_payment", "tell_status"]


def test_an_electronic_payment_without_an_account_is_held() -> None:
    here = told(payment(P.PROPOSED, PaymentMethod.ACH))

    assert here.decide("payment:P1").state["held_because"] == ["bank_account_unknown"]


def test_the_table_reaches_every_state_and_reissued_is_the_end() -> None:
    reached = {P.PROPOSED}
    while new := {one.after for one in PAYMENT_TRANSITIONS if one.before in reached} - reached:
        reached |= new

    assert reached == set(P)
    assert [one for one in PAYMENT_TRANSITIONS if one.before is P.REISSUED] == []
    assert may_follow(P.SETTLED, P.RETURNED)
    assert not may_follow(P.RETURNED, P.SETTLED)


def test_return_codes_say_whether_the_account_is_to_blame() -> None:
    assert {code for code, one in REASONS.items() if one.account} >= {"R02", "R03", "R04", "R16", "R20", "AC04"}
    assert not reason_of("R29").account
    assert reason_of("R99").what == "a reason that is not in the list"
