"""The connector contract of `events`, fed by a real journal; the journal is its peer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from engine.canonical import Invoice, Money, Quantity
from engine.canonical.finance import InvoiceLine
from engine.connectors.events.settings import EventsSourceSettings
from engine.connectors.events.source import EventsSource
from engine.core.errors import StoreError
from engine.core.ids import id_text
from engine.ports.connector import ConnectorContext, Reason
from engine.ports.journal import NewDocument, Outcome
from engine.ports.states import DeliveryState, MessageState
from engine.store.open import Store, open_store
from tests.support.connector_contract import Answer, SourceHarness, source_contract
from tests.support.connector_doubles import Door, context
from tests.support.stores import CLOCK, Driver, settlement


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """The feed's own tests go over every store; what is made of it is the same on all of them."""
    return f"sqlite:///{tmp_path}/journal.db"


def invoice(number: str = "INV-1", total: str = "10.00") -> NewDocument:
    money = Money(amount=total)
    line = InvoiceLine(number=1, quantity=Quantity(amount="1"), price=money, description="PATIENT NAME CANARY")
    made = Invoice(
        invoice_number=number, supplier_number="S1", invoiced_on="2026-03-01", stated_total=money, lines=(line,)
    )
    return NewDocument(0, made.model_dump_json().encode(), "Invoice", made.natural_key)


def source(store: Store, tmp_path: Any, **settings: Any) -> EventsSource:
    return EventsSource(
        EventsSourceSettings.model_validate(settings), context(tmp_path, services={"feed": store.feed}, clock=CLOCK)
    )


async def started(store: Store, tmp_path: Any, **settings: Any) -> tuple[EventsSource, Door]:
    made, door = source(store, tmp_path, **settings), Door()
    await made.look(door)
    return made, door


def told(door: Door) -> list[str]:
    return [json.loads(one.body)["type"] for one in door.accepted]


async def make(drive: Driver, document: NewDocument, *destinations: str, **more: Any) -> int:
    appended = await drive.append(**more)
    await drive.finishing(drive.outcome(appended.message_id, *destinations, document=document))
    return appended.message_id


async def test_an_invoice_on_its_way_is_three_events(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path)
    message_id = await make(drive, invoice(), "erp")
    (waiting,) = await drive.waiting("erp")
    await drive.settling(settlement(waiting, DeliveryState.HELD, reason=Reason("T002", "words of the far side")))
    await store.journal.confirm_delivery(waiting.delivery_id, "PI-7")
    await events.look(door)

    assert told(door) == ["invoice.received", "invoice.blocked", "invoice.posted"]
    first, blocked, posted = (json.loads(one.body) for one in door.accepted)
    assert first["specversion"] == "1.0"
    assert first["subject"] == "S1/INV-1"
    assert first["dataschema"] == "urn:isthmus:event:invoice.received:1"
    assert first["data"]["message_id"] == id_text(message_id)
    assert first["data"]["document"]["stated_total"] == {"amount": "10.00", "currency": "USD"}
    assert blocked["data"]["code"] == "T002"
    assert posted["data"]["reference"] == "PI-7"
    assert len({first["id"], blocked["id"], posted["id"]}) == 3
    assert all(b"CANARY" not in one.body and b"words of" not in one.body for one in door.accepted)


async def test_what_is_read_again_after_a_crash_is_a_duplicate(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path)
    for number in range(5):
        await make(drive, invoice(f"INV-{number}"), "erp")
    await events.look(door)
    await source(store, tmp_path).look(door)  # its place was not saved yet

    assert door.asked == 10
    assert told(door) == ["invoice.received"] * 5
    assert len(door.stored) == 5


async def test_nothing_is_lost_when_the_journal_refuses(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path)
    await make(drive, invoice(), "erp")
    door.failure = StoreError("the disk is gone")
    pause = await events.look(door)
    assert not (await events.check()).ok
    door.failure = None
    await events.look(door)

    assert pause == 1.0
    assert told(door) == ["invoice.received"]


async def test_a_replay_is_no_second_event_and_a_correction_is(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path)
    message_id = await make(drive, invoice())
    again = {"parent_id": message_id, "attributes": {"origin": id_text(message_id)}}
    again["correlation_id"] = id_text(message_id)
    await make(drive, invoice(), **again)
    await make(drive, invoice(total="11.00"), **again)
    await events.look(door)

    assert [json.loads(one.body)["data"]["document"]["stated_total"]["amount"] for one in door.accepted] == [
        "10.00",
        "11.00",
    ]
    assert len(door.stored) == 2


async def test_delivered_twice_under_one_key_is_told_once(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path, types=["invoice.posted"])
    for _ in range(2):
        appended = await drive.append()
        outcome = drive.outcome(appended.message_id, "erp", document=invoice())
        same = [msgspec.structs.replace(one, idempotency_key="the-key") for one in outcome.deliveries]
        await drive.finishing(msgspec.structs.replace(outcome, deliveries=same))
        (waiting,) = await drive.waiting("erp")
        await drive.settling(settlement(waiting, DeliveryState.DELIVERED))
    await events.look(door)

    assert len(door.stored) == 1


async def test_an_event_about_an_event_is_never_made(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path)
    await make(drive, invoice(), attributes={"event": "invoice.received"})
    appended = await drive.append(attributes={"event": "invoice.received"})
    await drive.finishing(Outcome(appended.message_id, MessageState.HELD, Reason("S001", "failed")))
    await events.look(door)

    assert door.stored == []


async def test_only_wanted_types_and_channels_are_told(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path, types=["message.*"], channels=["orders"])
    await make(drive, invoice())
    for one in (drive, Driver(store, "other")):
        appended = await one.append()
        await one.finishing(Outcome(appended.message_id, MessageState.HELD, Reason("S001", "failed")))
    await events.look(door)

    assert told(door) == ["message.held"]
    assert json.loads(door.stored[0].body)["data"] == {
        "channel": "orders",
        "message_id": json.loads(door.stored[0].body)["subject"],
        "code": "S001",
    }


async def test_what_was_read_goes_from_the_journal_in_time(store: Store, drive: Driver, tmp_path: Any) -> None:
    events, door = await started(store, tmp_path)
    await make(drive, invoice())
    await events.look(door)
    events._saved_at -= 10
    await events.look(door)

    assert (await store.feed.open("under_test", ())).number == 1


@pytest.mark.parametrize("settings", [{"types": ["invoices.*"]}, {"types": []}, {"every": "10ms"}, {"source": ""}])
def test_settings_that_cannot_mean_anything_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EventsSourceSettings.model_validate(settings)


# ------------------------------------------------------------------ the kit
class Journal:
    """Something happens in another channel."""

    def __init__(self, harness: EventsHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        harness = self.harness
        asked = harness.door.asked
        await make(Driver(harness.store), invoice(body.decode()))
        while harness.door.asked == asked or not harness.door.open.is_set():
            await asyncio.sleep(0.01)
        return Answer.SILENT if harness.door.failure else Answer.ACCEPTED

    async def close(self) -> None:
        """Nothing is held."""


_NO_PEER = "the journal is its peer: it has no connection, and its ids are its own"


class EventsHarness(SourceHarness):
    type = "events"
    exempt = dict.fromkeys(("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), _NO_PEER) | {
        "cancel": "the journal that the harness opened stays open; the source holds nothing"
    }
    store: Store

    def settings(self) -> dict[str, Any]:
        return {"every": "100ms"}

    def context(self) -> ConnectorContext:
        return context(self.folder, services={"feed": _Late(self)}, clock=CLOCK)

    async def connect(self) -> Journal:
        while not hasattr(self, "store"):
            await asyncio.sleep(0.01)
        return Journal(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return key.encode()


class _Late:
    """The feed of a store that is opened when it is first asked."""

    def __init__(self, harness: EventsHarness) -> None:
        self._harness = harness

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            if not hasattr(self._harness, "store"):
                opened = await open_store(f"sqlite:///{self._harness.folder}/journal.db", CLOCK)
                await opened.feed.open("under_test", ())
                self._harness.store = opened
            return await getattr(self._harness.store.feed, name)(*arguments)

        return call


TestEventsContract = source_contract(EventsHarness)
