"""What is told of an invoice's payment: what all tellers say together, not the ERP's word alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from engine.canonical import Money, PaidInvoice, Payment, PaymentProgress
from engine.core.clock import to_micros
from engine.ports.procure import Record, Reference
from engine.procure.deciders import decide
from engine.procure.desk.timeline import Known, invoice_status
from engine.procure.papers import Papers
from tests.support.dossiers import NOON, Dossiers
from tests.support.purchases import invoice

INVOICE = invoice(number="I-1", total="100.00")
SENT = Payment(
    payment_number="CK-1", supplier_number=INVOICE.supplier_number, amount=Money(amount=Decimal("100.00")),
    pay_on=date(2026, 11, 20), state=PaymentProgress.TRANSMITTED,
    invoices=(PaidInvoice(invoice_number="I-1", amount=Money(amount=Decimal("100.00"))),),
)  # fmt: skip


def known(**states: str) -> Known:
    record = Record("Payment", "CK-1", 1, SENT.model_dump_json().encode(), to_micros(NOON))
    return Known(Papers(()), {}, payments=Papers((record,)), payment_states=states)


def test_without_another_word_the_erp_is_believed() -> None:
    found = invoice_status(INVOICE, known())

    assert (found.payment, found.paid_on) == ("transmitted", "2026-11-20")


@pytest.mark.parametrize("word", ["returned", "rejected", "disputed"])
def test_money_that_did_not_arrive_has_no_day_of_payment(word: str) -> None:
    found = invoice_status(INVOICE, known(**{"CK-1": word}))

    assert (found.payment, found.paid_on) == (word, None)


def test_a_payment_looks_at_its_invoices_so_that_they_find_it() -> None:
    here = Dossiers()
    here.take(SENT)

    world = here.world()
    decide("payment:CK-1", here.papers("payment:CK-1"), world)

    assert Reference("Invoice", INVOICE.natural_key) in world.asked
