"""Who approves a payment approves where its money goes: another account is another payment to approve."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from engine.canonical import Money, Payment, PaymentProgress, RemitTo, Supplier
from engine.channel.policies import Policies
from engine.channel.policy_routing import Route
from engine.procure.payments.approval import payment_approval_number
from engine.procure.payments.bank_accounts import approval_number
from engine.procure.payments.hold import account_told
from engine.procure.suppliers.approval import supplier_number_of_approval
from tests.support.dossiers import Dossiers
from tests.support.suppliers import ANNA, BERT, CARA, POLICIES, account, answer, clear, supplier

MAIN, FACTOR = account(), account("99999999999", "FACTOR")
RUN = Payment(
    payment_number="R1-0001", supplier_number="S1", amount=Money(amount=Decimal("900.00")), pay_on=date(2026, 11, 20),
    state=PaymentProgress.PROPOSED, remit_to="BOX", run_number="R1", proposed_by="payment run",
)  # fmt: skip


def rules() -> Policies:
    routes = POLICIES.approvals.routes
    pay = Route(route="pay", subjects=("payment",), steps=routes[0].steps)
    return POLICIES.model_copy(
        update={"approvals": POLICIES.approvals.model_copy(update={"routes": (*routes, pay)})}
    )  # fmt: skip


def sent_to(code: str) -> Supplier:
    """Its remit-to is paid at this one of its two accounts."""
    remit_tos = (RemitTo(code="BOX", bank_account=code),)
    return supplier(accounts=(MAIN, FACTOR)).model_copy(update={"remit_tos": remit_tos})


def approved(here: Dossiers) -> None:
    number = payment_approval_number(RUN, account_told(RUN, here.world()))
    here.take(answer(number, CARA, here.now, "payment:R1-0001"), CARA)


def proposed() -> Dossiers:
    """To an approved supplier whose two accounts others verified."""
    here, one = Dossiers(rules()), sent_to("MAIN")
    here.take(one, ANNA)
    here.take(clear(one))
    here.take(answer(supplier_number_of_approval(one), BERT, here.now), BERT)
    for each in (MAIN, FACTOR):
        here.take(answer(approval_number("S1", each), BERT, here.now), BERT)
    here.wait(timedelta(days=2))
    here.take(RUN, "payment run")
    return here


def held_because(here: Dossiers) -> list[str]:
    return list(here.decide("payment:R1-0001").state["held_because"])


def test_a_payment_whose_remit_to_was_sent_to_another_account_since_is_approved_again() -> None:
    here = proposed()
    assert held_because(here) == ["payment_unapproved"]
    approved(here)
    assert held_because(here) == []

    here.take(sent_to("FACTOR"), ANNA)

    assert held_because(here) == ["payment_unapproved"]
    approved(here)
    assert held_because(here) == []


def test_an_approval_of_before_holds_no_more_though_the_new_details_were_verified() -> None:
    here = proposed()
    approved(here)
    other = account("00055555555")
    changed = sent_to("MAIN").model_copy(update={"bank_accounts": (other, FACTOR)})
    here.take(changed, ANNA)
    here.take(answer(approval_number("S1", other), BERT, here.now), BERT)
    here.wait(timedelta(days=2))

    assert held_because(here) == ["payment_unapproved"]
