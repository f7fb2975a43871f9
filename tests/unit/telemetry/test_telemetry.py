"""Events become lines and metrics, once declared; nothing that they say holds a value."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import string
from datetime import UTC, datetime
from typing import Any, get_type_hints

import msgspec
import pytest

from engine.core.ids import id_text
from engine.telemetry import Event, Level, Telemetry, events
from engine.telemetry.libraries import capture
from tests.support.connector_doubles import Clock

KINDS = [one for one in vars(events).values() if isinstance(one, type) and issubclass(one, Event) and one is not Event]
FORBIDDEN = {"body", "payload", "value", "natural_id", "secret", "token", "password", "content", "patient", "file_name"}
CANARY = "CANARY-4711"


def example(kind: type[Event], text: str = "text") -> Event:
    values: dict[type, Any] = {str: text, int: 7, float: 1.5}
    hints = get_type_hints(kind)
    return kind(**{field: values.get(hints[field], text) for field in kind.__struct_fields__})


def lines(*emitted: Event, level: Level = Level.DEBUG, as_json: bool = True) -> list[str]:
    stream = io.StringIO()
    telemetry = Telemetry(stream, level=level, json=as_json, clock=Clock(datetime(2026, 3, 1, 12, tzinfo=UTC)))
    for event in emitted:
        telemetry.emit(event)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_event_declares_words_and_metrics_that_fit_its_fields(kind: type[Event]) -> None:
    fields, hints = set(kind.__struct_fields__), get_type_hints(kind)
    named = {name for _, name, _, _ in string.Formatter().parse(kind.words) if name}

    assert kind.words
    assert named <= fields
    for metric in kind.metrics:
        assert set(metric.labels) <= fields
        assert all(hints[label] is str for label in metric.labels)
        assert metric.value is None or hints[metric.value] in (int, float)
        assert metric.kind != "counter" or metric.name.endswith("_total")


@pytest.mark.parametrize("kind", KINDS)
def test_event_has_no_field_for_values_of_messages(kind: type[Event]) -> None:
    assert not FORBIDDEN & set(kind.__struct_fields__)
    for hint in get_type_hints(kind).values():
        assert hint in (str, int, float) or str(hint) in ("str | None",) or "ClassVar" in str(hint)


@pytest.mark.parametrize("kind", KINDS)
def test_event_is_frozen(kind: type[Event]) -> None:
    with pytest.raises(AttributeError):
        setattr(example(kind), kind.__struct_fields__[0], "other")


@pytest.mark.parametrize("kind", KINDS)
def test_event_makes_one_line_and_feeds_every_metric(kind: type[Event]) -> None:
    telemetry = Telemetry(stream := io.StringIO(), level=Level.DEBUG, json=True)
    telemetry.emit(example(kind))

    assert len(stream.getvalue().splitlines()) == 1
    for metric in kind.metrics:
        assert f"# TYPE {metric.name} {metric.kind}\n{metric.name}" in telemetry.render()


def test_json_line_has_time_level_event_and_ids_as_people_see_them() -> None:
    [line] = lines(events.MessageHeld("orders", 12345, "S002", "too long", where="RQD[2]-5"))

    assert json.loads(line) == {
        "at": "2026-03-01T12:00:00.000Z",
        "level": "warning",
        "event": "message_held",
        "channel": "orders",
        "message_id": id_text(12345),
        "code": "S002",
        "text": "too long",
        "where": "RQD[2]-5",
    }


def test_text_line_says_place_and_remedy() -> None:
    held = events.MessageHeld("orders", 12345, "S002", "too long", where="RQD[2]-5", remedy="look at line 3")
    [line] = lines(held, as_json=False)

    assert "orders: message" in line
    assert "(at RQD[2]-5; look at line 3)" in line


def test_normal_operation_writes_no_line_for_a_message() -> None:
    normal = [
        events.MessageReceived("c", 1, "accepted", 10, 0.1),
        events.MessageTransformed("c", 1, 1, 0.1),
        events.DeliveryAttempted("c", "d", 1, 1, "delivered", 0.1),
        events.DeliverySettled("c", "d", 1, "DELIVERED", 1, 0.1),
    ]

    assert lines(*normal, level=Level.INFO) == []


@pytest.mark.parametrize("as_json", [True, False])
def test_nobody_writes_a_second_line_or_colour_into_the_log(as_json: bool) -> None:
    found = lines(events.SourceFailed("c", "T001", "evil\n12:00 info  fake\x1b[31m"), as_json=as_json)

    assert len(found) == 1
    assert "\x1b[31mfake" not in found[0]
    assert "fake\x1b" not in found[0]


def test_stream_that_breaks_does_not_stop_the_engine() -> None:
    stream = io.StringIO()
    telemetry = Telemetry(stream, level=Level.DEBUG, json=True)
    stream.close()
    telemetry.emit(events.StoreRecovered(1.0))
    telemetry.emit(events.MessageFiltered("c", 1))

    assert "isthmus_messages_filtered_total" in telemetry.render()


def test_listener_hears_events_until_it_ends() -> None:
    heard: list[Event] = []
    telemetry = Telemetry()
    end = telemetry.listen(heard.append)
    telemetry.emit(events.StoreRecovered(1.0))
    end()
    telemetry.emit(events.StoreRecovered(2.0))

    assert heard == [events.StoreRecovered(1.0)]


async def test_library_warning_shows_its_place_but_no_value() -> None:
    telemetry = Telemetry(stream := io.StringIO(), json=True)
    give_back = capture(telemetry.emit, asyncio.get_running_loop())
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("a.library").warning("cannot read %s", CANARY, exc_info=True)
        logging.getLogger("a.library").error(f"cannot read {CANARY}")
    finally:
        give_back()
    await asyncio.sleep(0)

    assert CANARY not in stream.getvalue()
    assert "cannot read %s ValueError" in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2


def test_own_remark_is_shown_and_its_error_only_by_class_and_place() -> None:
    telemetry = Telemetry(stream := io.StringIO(), json=True)
    give_back = capture(telemetry.emit)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("isthmus.flow").info("channel %s starts", "orders")
        logging.getLogger("isthmus.flow").warning("channel %s does not start", "orders", exc_info=True)
        logging.getLogger("a.library").info("chatter")
    finally:
        give_back()

    said, warned = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (said["event"], said["text"]) == ("engine_said", "channel orders starts")
    assert (warned["level"], warned["text"]) == ("warning", "channel orders does not start ValueError")
    assert warned["where"].startswith("test_telemetry.py:")
    assert CANARY not in stream.getvalue()


def test_every_event_round_trips_as_a_value() -> None:
    for kind in KINDS:
        event = example(kind)
        assert msgspec.json.decode(msgspec.json.encode(event), type=kind) == event
