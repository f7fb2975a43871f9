"""What the flow's meters tell becomes declared events."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.core.errors import TransportError
from engine.flow.meter import ChannelMeter, DeliveryMeter
from engine.ports.connector import Reason, Verdict
from engine.telemetry import Event, Telemetry, events
from engine.telemetry.named import named

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REASON = Reason("S002", "the script took too long", "RQD[2]-5")


def told(act: str) -> list[Event]:
    heard: list[Event] = []
    emit = named(heard.append)
    channel, destination = ChannelMeter("orders", emit), DeliveryMeter("orders", "erp", emit)
    {
        "refused": lambda: channel.received(Verdict.REFUSED, 7, REASON, NOW),
        "duplicate": lambda: channel.received(Verdict.DUPLICATE, 7, None, NOW),
        "held": lambda: channel.transformed(7, "HELD", REASON, 10),
        "source": lambda: channel.source_failed(OSError("no")),
        "store": lambda: channel.store_failed(OSError("no")),
        "circuit": lambda: destination.circuit_opened(TransportError("down")),
        "connector": lambda: destination.connector_failed(ValueError("CANARY")),
        "unknown": lambda: emit("moon_rose", "", {"value": "CANARY"}),
        "figures": lambda: emit("measures_differed", "measures", {"count": 3, "rows": "exception"}),
        "worker": lambda: emit("worker_replaced", "", {"pid": 12, "why": "it ended"}),
    }[act]()
    return heard


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("refused", events.MessageRefused),
        ("duplicate", events.MessageRepeated),
        ("held", events.MessageHeld),
        ("source", events.SourceFailed),
        ("store", events.StoreFailed),
        ("circuit", events.CircuitOpened),
        ("connector", events.DestinationFailed),
        ("unknown", events.OtherHappened),
        ("figures", events.MeasuresDiffered),
        ("worker", events.WorkerReplaced),
    ],
)
def test_each_tale_of_the_flow_is_one_declared_event(act: str, kind: type[Event]) -> None:
    heard = told(act)

    assert [type(event) for event in heard] == [kind]
    assert "CANARY" not in repr(heard)


def test_refusal_keeps_code_and_place() -> None:
    [event] = told("refused")

    assert isinstance(event, events.MessageRefused)
    assert (event.channel, event.message_id, event.code, event.where) == ("orders", 7, "S002", "RQD[2]-5")
    assert event.text == REASON.text


def test_told_events_are_counted() -> None:
    telemetry = Telemetry()
    meter = ChannelMeter("orders", named(telemetry.emit))
    meter.received(Verdict.REFUSED, 7, REASON, NOW)

    assert 'isthmus_messages_refused_total{channel="orders",code="S002"} 1' in telemetry.render()


def test_tale_that_lacks_a_fact_stops_nothing() -> None:
    heard: list[Event] = []
    named(heard.append)("delivery_failed", "orders", {})

    assert heard == [events.OtherHappened("delivery_failed", "orders")]
