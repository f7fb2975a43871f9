"""NATS, RabbitMQ and Redis as they are: killed servers, members that die, groups that share, poison."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import StoreError, TransportError
from engine.ports.connector import Outbound, Reason, Receipt, Received
from tests.support import rabbitmq_server, redis_server
from tests.support.brokers import Broker, Nats, NeverTold, RabbitMq, Redis, until
from tests.support.connector_doubles import Door
from tests.support.waiting import turns

pytestmark = pytest.mark.integration
NUMBERS = itertools.count(1)


def _absent(module: Any) -> Any:
    return pytest.mark.skipif(not module.INSTALLED, reason=module.ABSENT)


BROKERS = [
    pytest.param(Nats, id="nats"),
    pytest.param(RabbitMq, id="rabbitmq", marks=_absent(rabbitmq_server)),
    pytest.param(Redis, id="redis", marks=_absent(redis_server)),
]


SLOW_TO_START = [
    BROKERS[0],
    pytest.param(RabbitMq, id="rabbitmq", marks=[*BROKERS[1].marks, pytest.mark.slow]),
    BROKERS[2],
]


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Broker:
    made: Broker = request.param(f"t{next(NUMBERS)}")
    return made


def numbered(count: int) -> list[bytes]:
    return [b"message %d" % number for number in range(count)]


class Slow(Door):
    """Takes one message after another, as a busy disk does."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = asyncio.Lock()

    async def __call__(self, received: Received) -> Receipt:
        async with self._turn:
            await asyncio.sleep(0.001)
            return await super().__call__(received)


def bodies(door: Door) -> list[bytes]:
    return [one.body for one in door.stored]


@pytest.mark.parametrize("broker", SLOW_TO_START, indirect=True)
async def test_killed_server_loses_nothing_and_each_message_is_taken_once(broker: Broker, tmp_path: Path) -> None:
    door, sent = Slow(), numbered(300)
    await broker.put(sent)
    async with broker.reading(door, tmp_path, parallel=16) as source:
        await until(lambda: len(door.stored) >= 40)
        await asyncio.to_thread(broker.server.kill)
        left = len(sent) - len(door.stored)
        await until(lambda: source.problem is not None)
        await asyncio.to_thread(broker.server.start)
        await until(lambda: len(door.stored) >= len(sent))
        await until(lambda: source.problem is None)

    assert left > 0  # it was killed while there was work, or this test shows nothing
    assert sorted(bodies(door)) == sorted(sent)


async def test_order_is_kept_while_nothing_breaks(broker: Broker, tmp_path: Path) -> None:
    door, sent = Door(), numbered(500)
    await broker.put(sent)
    async with broker.reading(door, tmp_path):
        await until(lambda: len(door.stored) >= len(sent))

    assert bodies(door) == sent


async def test_order_is_kept_when_the_store_refuses_for_a_while(broker: Broker, tmp_path: Path) -> None:
    door, sent = Slow(), numbered(100)
    door.failure = StoreError("the disk is gone")
    await broker.put(sent)
    async with broker.reading(door, tmp_path, parallel=16) as source:
        await until(lambda: source.problem is not None)
        stored_meanwhile = len(door.stored)
        door.failure = None
        await until(lambda: len(door.stored) >= len(sent))

    assert stored_meanwhile == 0
    assert bodies(door) == sent


async def test_message_that_was_stored_and_not_acknowledged_acts_once(broker: Broker, tmp_path: Path) -> None:
    door = NeverTold()
    await broker.put([b"once"])
    async with broker.reading(door, tmp_path):
        await until(lambda: len(door.stored) == 1)
    told = Door()
    told.stored, told._first = door.stored, door._first  # the same journal, after the crash
    async with broker.reading(told, tmp_path):
        await until(lambda: told.asked == 1)
        await asyncio.sleep(0.05)
    third = Door()
    async with broker.reading(third, tmp_path):
        await asyncio.sleep(0.1)

    assert bodies(told) == [b"once"]
    assert third.asked == 0  # it was acknowledged


async def test_two_members_of_a_group_share_and_none_is_taken_twice(broker: Broker, tmp_path: Path) -> None:
    one, other, sent = Slow(), Slow(), numbered(200)
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    few = broker.patient() | {"parallel": 4}
    one.open.clear()
    other.open.clear()
    async with broker.reading(one, tmp_path / "one", **few), broker.reading(other, tmp_path / "other", **few):
        await broker.put(sent)
        await until(lambda: one.asked > 0 and other.asked > 0)  # neither has taken all before the other had begun
        one.open.set()
        other.open.set()
        await until(lambda: len(one.stored) + len(other.stored) >= len(sent))

    assert one.stored
    assert other.stored
    assert sorted(bodies(one) + bodies(other)) == sorted(sent)


async def test_what_a_member_that_died_had_under_way_is_given_to_another(broker: Broker, tmp_path: Path) -> None:
    stuck, other = Door(), Door()
    stuck.open.clear()
    (tmp_path / "stuck").mkdir()
    await broker.put(numbered(5))
    async with broker.reading(stuck, tmp_path / "stuck"):
        await until(lambda: stuck.asked == 5)
    async with broker.reading(other, tmp_path):
        await until(lambda: len(other.stored) == 5)
    stuck.open.set()

    assert sorted(bodies(other)) == numbered(5)


async def test_refused_messages_do_not_stop_the_others(broker: Broker, tmp_path: Path) -> None:
    door, sent = Door(), numbered(50)
    door.judge = lambda received: Reason("M005", "no message") if received.body.endswith(b"7") else None
    await broker.put(sent)
    async with broker.reading(door, tmp_path):
        await until(lambda: len(door.stored) >= len(sent))

    assert bodies(door) == sent


async def test_queue_that_waits_is_not_read_while_the_journal_is_behind(broker: Broker, tmp_path: Path) -> None:
    door = Door()
    door.backlogged = True
    await broker.put(numbered(600))
    async with broker.reading(door, tmp_path, parallel=8):
        await asyncio.sleep(0.1)
        meanwhile = door.asked
        door.backlogged = False
        await until(lambda: len(door.stored) >= 600)

    assert meanwhile <= 8  # what a server may send ahead, and no more


async def test_check_tells_what_is_missing_and_what_to_do(broker: Broker, tmp_path: Path) -> None:
    async with broker.reading(Door(), tmp_path, declare=False) as source:
        health = await source.check()

    assert not health.ok
    assert broker.name in health.text
    assert "declare: true" in health.text or "make it" in health.text


async def test_sent_messages_arrive_with_their_ids_and_in_order(broker: Broker, tmp_path: Path) -> None:
    sink, door = broker.writing(tmp_path), Door()
    for number in range(20):
        await sink.send(
            Outbound(number, number, "c", f"correlation-{number}", f"key-{number}", b"%d" % number, order_key="PO.1 *")
        )
    health = await sink.check()
    await sink.close()
    async with broker.reading(door, tmp_path):
        await until(lambda: len(door.stored) == 20)

    assert health.ok
    assert bodies(door) == [b"%d" % number for number in range(20)]
    assert [one.natural_id for one in door.stored] == [f"key-{number}" for number in range(20)]
    assert [one.correlation_id for one in door.stored] == [f"correlation-{number}" for number in range(20)]


@pytest.mark.parametrize("broker", SLOW_TO_START, indirect=True)
async def test_destination_goes_on_after_its_server_was_killed(broker: Broker, tmp_path: Path) -> None:
    sink = broker.writing(tmp_path)
    await sink.send(_delivery("one"))
    await asyncio.to_thread(broker.server.kill)
    await turns(200)  # enough to notice the end of the connection
    with pytest.raises(TransportError) as caught:
        await sink.send(_delivery("two"))
    await asyncio.to_thread(broker.server.start)
    await _sent(sink, _delivery("two"))
    door = Door()
    await sink.close()
    async with broker.reading(door, tmp_path):
        await until(lambda: len(door.stored) == 2)

    assert not caught.value.sent  # the end of the connection had been noticed
    assert bodies(door) == [b"one", b"two"]


def _delivery(key: str) -> Outbound:
    return Outbound(1, 1, "c", "c-1", key, key.encode(), order_key="PO")


async def _sent(sink: Any, outbound: Outbound) -> None:
    for _ in range(600):
        try:
            await sink.send(outbound)
            return
        except TransportError:
            await asyncio.sleep(0.05)
    raise TimeoutError("the server takes nothing")
