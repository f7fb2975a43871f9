"""Payments over a real store: held, released and held again as the supplier's details change and are verified."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from engine.canonical import Money, Payment, PaymentProgress
from engine.ports.procure import CaseQuery
from engine.procure.payments.bank_accounts import approval_number
from engine.procure.process import Process
from engine.procure.suppliers.approval import supplier_number_of_approval
from engine.store.open import Store
from tests.support.connector_doubles import Clock
from tests.support.suppliers import ANNA, BERT, CARA, POLICIES, account, answer, clear, named, supplier

GOOD, OTHER = account("00012345678"), account("99999999999")
PAID = Payment(
    payment_number="P1", supplier_number="S1", amount=Money(amount=Decimal("100.00")), pay_on=date(2026, 3, 20),
    state=PaymentProgress.APPROVED, bank_account="MAIN",
)  # fmt: skip


async def told(store: Store) -> list[str]:
    commands = [one.command for one in await store.records.given(0, ("hold_payment", "release_payment"), 100)]
    return [one.name for one in commands]


async def test_a_payment_follows_its_supplier_and_each_turn_is_told_once(store: Store) -> None:
    clock = Clock()
    process, one = Process(store.records, clock, lambda: POLICIES), supplier(accounts=(GOOD,))
    await process.take(PAID)
    assert await told(store) == ["hold_payment"]

    await process.take(one, who=ANNA)
    await process.take(clear(one))
    await process.take(answer(supplier_number_of_approval(one), BERT, clock.now()), who=BERT)
    await process.take(answer(approval_number("S1", GOOD), CARA, clock.now()), who=CARA)
    clock.advance(timedelta(days=1))
    await process.look()
    assert (await told(store))[-1] == "release_payment"

    await process.take(supplier(accounts=(OTHER,)), who=ANNA)
    assert (await told(store))[-1] == "hold_payment"
    cases = {case.type for case in await store.records.cases(CaseQuery())}
    assert cases == {"payment_held", "bank_account_unverified"}

    before = await told(store)
    await process.take(supplier(accounts=(OTHER,)), who=ANNA)
    await process.take(PAID)
    assert await told(store) == before


async def test_two_numbers_of_one_entity_open_a_case_at_both_whichever_came_first(store: Store) -> None:
    process = Process(store.records, Clock(), lambda: POLICIES)
    for number in ("S1", "S2"):
        await process.take(supplier(number), who=ANNA)

    cases = await store.records.cases(CaseQuery(type="supplier_duplicate"))

    assert sorted(case.dossier for case in cases) == ["supplier:S1", "supplier:S2"]


async def test_a_supplier_that_has_another_name_by_now_is_no_twin_of_those_that_it_was_found_by(store: Store) -> None:
    process = Process(store.records, Clock(), lambda: POLICIES)
    for number, name in (("S1", "Acme Medical"), ("S2", "Medical Acme Inc"), ("S2", "Zenith Labs")):
        await process.take(named(number, name))

    assert await store.records.cases(CaseQuery(type="supplier_duplicate")) == []
    gone = await store.records.cases(CaseQuery(states=("gone",), type="supplier_duplicate"))
    assert sorted(case.dossier for case in gone) == ["supplier:S1", "supplier:S2"]
