"""An order that the process asked for and the ERP tells back: it stays what was asked for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from engine.canonical import Money, OrderLine, PurchaseOrder, Quantity, Urgency
from engine.channel.policies import Policies
from engine.channel.policy_records import RecordRules
from engine.ports.procure import Change, Command, Reference
from engine.procure.papers import read
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock

ERP = ("supplier_number", "ordered_on", "lines.quantity", "lines.price")
NUMBER = "R1-S1"


def _order(price: str = "742.50", category: str | None = None, **more: Any) -> PurchaseOrder:
    line = OrderLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(2)),
                     price=Money(amount=Decimal(price)), category=category)  # fmt: skip
    return PurchaseOrder(
        order_number=NUMBER, supplier_number="S1", ordered_on=date(2026, 11, 20), lines=(line,), **more
    )


ASKED = _order(category="implants", urgency=Urgency.STAT, requisition_numbers=("R1",), approval_number="A-1")


async def _asked(store: Store) -> None:
    body = ASKED.model_dump_json().encode()
    command = Command(f"create_order:{NUMBER}", "create_order", "PurchaseOrder", NUMBER, body)
    await store.records.save(Change("requisition:R1", 0, 100, commands=[command]))


async def _kept(store: Store) -> PurchaseOrder:
    reference = Reference("PurchaseOrder", NUMBER)
    found = read((await store.records.latest([reference]))[reference])
    assert isinstance(found, PurchaseOrder)
    return found


def _process(store: Store, *rules: dict[str, Any]) -> Process:
    policies = Policies(records=RecordRules.model_validate({"fields": rules}))
    return Process(store.records, Clock(), lambda: policies)


async def test_what_the_erp_does_not_know_of_an_order_stays_as_it_was_asked_for(store: Store) -> None:
    process = _process(store)
    await _asked(store)
    for price in ("742.50", "745.00"):
        await process.take(_order(price), system="erp", fields=ERP)

        kept = await _kept(store)
        assert (kept.urgency, kept.requisition_numbers, kept.lines[0].category) == (Urgency.STAT, ("R1",), "implants")
        assert kept.lines[0].price == Money(amount=Decimal(price))


async def test_what_was_asked_for_is_no_order_before_its_system_tells_it(store: Store) -> None:
    await _asked(store)

    assert await store.records.latest([Reference("PurchaseOrder", NUMBER)]) == {}


async def test_an_order_that_nobody_here_asked_for_is_as_the_erp_tells_it(store: Store) -> None:
    await _process(store).take(_order(), system="erp", fields=ERP)

    assert await _kept(store) == _order()


async def test_a_field_that_the_erp_does_not_own_stays_as_it_was_asked_for(store: Store) -> None:
    await _asked(store)
    rule = {"field": "PurchaseOrder.approval_number", "owner": ["approvals"]}

    await _process(store, rule).take(_order(approval_number="OTHER"), system="erp")

    assert (await _kept(store)).approval_number == "A-1"


async def test_a_command_is_found_by_its_key(store: Store) -> None:
    await _asked(store)

    found = await store.records.command_by_key(f"create_order:{NUMBER}")
    assert found is not None
    assert (found.name, found.natural_key) == ("create_order", NUMBER)
    assert await store.records.command_by_key("create_order:R2-S1") is None
