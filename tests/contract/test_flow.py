"""What the flow promises between door and far side, on both stores and real workers."""

from __future__ import annotations

import asyncio

import pytest

from engine.core.errors import DestinationError, StillAwaitedError, TransportError
from engine.flow.policy import RateLimiter
from engine.ports.connector import Attachment, Outbound, Semantics, Verdict
from engine.ports.states import DeliveryState, MessageState
from tests.support.engine_room import FAST, Far, Room, room, row


def to(name: str = "out", **settings: object) -> dict[str, object]:
    return {"name": name, "type": "far"} | FAST | settings


async def test_a_message_arrives_and_every_stage_is_kept(store_url: str) -> None:
    async with room(store_url, row()) as here:
        receipt = await here.receive(b'{"a": 1}', "id-1")
        view = await here.reaches(receipt.message_id, "DELIVERED")

    assert receipt.verdict is Verdict.ACCEPTED
    assert view.body == b'{"a": 1}'
    assert view.deliveries[0].response == b"ok"
    assert view.deliveries[0].reference == "REF-1"
    assert here.far["out"].arrived[0].correlation_id == view.row.correlation_id


async def test_files_of_an_answer_are_kept_under_their_destinations_name(store_url: str) -> None:
    far = Far()
    far.files = (Attachment("terms.pdf", "application/pdf", b"%PDF"),)
    async with room(store_url, row(), {"out": far}) as here:
        receipt = await here.receive(b'{"a": 1}', "id-1")
        await here.reaches(receipt.message_id, "DELIVERED")
        kept = await here.store.journal.attachments(receipt.message_id)

    assert kept == [Attachment("out/terms.pdf", "application/pdf", b"%PDF")]


async def test_a_repeat_is_answered_as_before_and_acts_once(store_url: str) -> None:
    async with room(store_url, row()) as here:
        first = await here.receive(b'{"a": 1}', "id-1")
        again = await here.receive(b'{"a": 1}', "id-1")
        other = await here.receive(b'{"a": 2}', "id-1")
        await here.reaches(first.message_id, "DELIVERED")

    assert (again.verdict, again.message_id, again.received_at) == (
        Verdict.DUPLICATE,
        first.message_id,
        first.received_at,
    )
    assert other.verdict is Verdict.CONFLICT
    assert len(here.far["out"].arrived) == 1


async def test_a_destination_that_is_down_costs_nothing_but_time(store_url: str) -> None:
    far = Far()
    far.down = TransportError("connection refused")
    async with room(store_url, row(), {"out": far}) as here:
        ids = [(await here.receive(b'{"n": %d}' % n)).message_id for n in range(20)]
        await here.until(lambda: sum(far.attempts.values()) > 5)
        assert not far.arrived
        far.down = None
        for message_id in ids:
            await here.reaches(message_id, "DELIVERED")

    assert len(far.arrived) == 20


async def test_a_refused_delivery_is_held_with_the_reason_and_resent_by_a_person(store_url: str) -> None:
    far = Far()
    far.down = DestinationError("item is not known", where="items", remedy="send the item first")
    async with room(store_url, row(), {"out": far}) as here:
        receipt = await here.receive(b"{}")
        view = await here.reaches(receipt.message_id, "HELD")
        far.down = None
        await here.store.journal.resend_delivery(view.deliveries[0].delivery_id)
        here.run.rescan()
        await here.reaches(receipt.message_id, "DELIVERED")

    assert view.row.reason is not None
    assert view.row.reason.code == "T002"
    assert view.row.reason.remedy == "send the item first"
    assert view.deliveries[0].attempts == 1


async def test_giving_up_holds(store_url: str) -> None:
    far = Far()
    far.down = TransportError("down")
    retry = FAST["retry"] | {"give_up_after": "150ms"}
    async with room(store_url, row(destinations=[to(retry=retry)]), {"out": far}) as here:
        receipt = await here.receive(b"{}")
        view = await here.reaches(receipt.message_id, "HELD")

    assert view.deliveries[0].attempts > 2
    assert "gave up" in (view.deliveries[0].reason.text if view.deliveries[0].reason else "")


async def test_order_holds_per_key_and_keys_do_not_wait_for_one_another(store_url: str) -> None:
    far = Far(parallel=8)

    async def uneven(outbound: Outbound) -> None:
        number = int(outbound.body.split(b": ")[2][:-1])
        while number == 0 and len(far.arrived) < 30:  # the first one of its key is the last one's match in slowness
            await asyncio.sleep(0.001)
        await asyncio.sleep(number % 7 / 1000)

    far.answer = lambda outbound, attempt: uneven(outbound)
    async with room(store_url, row(destinations=[to(order_by="key")]), {"out": far}) as here:
        for n in range(120):
            await here.receive(b'{"key": "k%d", "n": %d}' % (n % 6, n))
        await here.until(lambda: len(far.arrived) == 120)

    for key in range(6):
        numbers = [int(o.body.split(b": ")[2][:-1]) for o in far.arrived if o.order_key == f"k{key}"]
        assert numbers == sorted(numbers)
    order = [int(o.body.split(b": ")[2][:-1]) for o in far.arrived]
    assert order != sorted(order)


async def test_a_poisoned_key_stops_itself_only_and_stays_stopped_over_a_restart(store_url: str) -> None:
    def poison(outbound: Outbound, attempt: int) -> None:
        if outbound.body.startswith(b'{"key": "bad", "n": 0'):
            raise DestinationError("refused")

    deployed = row(destinations=[to(order_by="key")])
    far = Far()
    far.answer = poison
    async with room(store_url, deployed, {"out": far}) as here:
        bad = [(await here.receive(b'{"key": "bad", "n": %d}' % n)).message_id for n in range(3)]
        good = await here.receive(b'{"key": "good", "n": 9}')
        await here.reaches(good.message_id, "DELIVERED")
        held = await here.reaches(bad[0], "HELD")
    async with room(store_url, deployed, {"out": far}) as here:
        await asyncio.sleep(0.2)
        assert [b for b in far.bodies if b"bad" in b] == []
        far.answer = lambda outbound, attempt: None
        await here.store.journal.resend_delivery(held.deliveries[0].delivery_id)
        here.run.rescan()
        for message_id in bad:
            await here.reaches(message_id, "DELIVERED")

    assert [b for b in far.bodies if b"bad" in b] == [b'{"key": "bad", "n": %d}' % n for n in range(3)]


@pytest.mark.parametrize(
    ("semantics", "state", "sends", "inquiries"),
    [
        (Semantics.IDEMPOTENT, "DELIVERED", 2, 0),
        (Semantics.INQUIRABLE, "DELIVERED", 1, 1),
        (Semantics.NEITHER, "HELD", 1, 0),
    ],
)
async def test_an_unknown_outcome_is_never_doubled(
    store_url: str, semantics: Semantics, state: str, sends: int, inquiries: int
) -> None:
    far = Far(semantics)

    def acted_but_unanswered(outbound: Outbound, attempt: int) -> None:
        if attempt == 1:
            far.arrive(outbound)
            raise TransportError("connection lost", sent=True)

    far.answer = acted_but_unanswered
    async with room(store_url, row(), {"out": far}) as here:
        receipt = await here.receive(b"{}")
        view = await here.reaches(receipt.message_id, state)

    assert len(far.arrived) == 1
    assert sum(far.attempts.values()) == sends
    assert len(far.inquiries) == inquiries
    if state == "HELD":
        assert view.row.reason is not None
        assert view.row.reason.code == "T003"


@pytest.mark.parametrize("semantics", list(Semantics))
async def test_a_crash_in_the_middle_of_a_send_is_settled_at_the_next_start(
    store_url: str, semantics: Semantics
) -> None:
    far = Far(semantics)
    reached = asyncio.Event()

    async def act_then_hang(outbound: Outbound) -> None:
        far.arrive(outbound)
        reached.set()
        await asyncio.Event().wait()

    far.answer = lambda outbound, attempt: act_then_hang(outbound) if attempt == 1 else None
    async with room(store_url, row(), {"out": far}) as here:
        receipt = await here.receive(b"{}")
        await reached.wait()
        for running in here.run.destinations.values():
            running.task.cancel()  # the process is gone: nobody reads the answer
    async with room(store_url, row(), {"out": far}) as here:
        expected = "HELD" if semantics is Semantics.NEITHER else "DELIVERED"
        await here.reaches(receipt.message_id, expected)

    assert len(far.arrived) == 1


async def test_what_was_only_received_is_transformed_after_a_restart(store_url: str) -> None:
    async with room(store_url, row()) as here:
        here.run.pause()
        ids = [(await here.receive(b'{"n": %d}' % n)).message_id for n in range(50)]
        assert not here.far["out"].arrived
    async with room(store_url, row()) as here:
        for message_id in ids:
            await here.reaches(message_id, "DELIVERED")

    assert here.far["out"].bodies == [b'{"n": %d}' % n for n in range(50)]


async def test_more_than_the_window_goes_through_in_order(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.flow.transform.WINDOW_ITEMS", 40)
    monkeypatch.setattr("engine.flow.transform.REFILL", 16)
    monkeypatch.setattr("engine.flow.lane.WINDOW", 30)
    monkeypatch.setattr("engine.flow.deliver.REFILL", 16)
    far = Far()
    far.down = TransportError("down")
    async with room(store_url, row(destinations=[to(order_by="k")]), {"out": far}) as here:
        await asyncio.gather(*(here.receive(b'{"k": "1", "n": %d}' % n) for n in range(400)))
        far.down = None
        await here.until(lambda: len(far.arrived) == 400, 20)

    assert far.bodies == [b'{"k": "1", "n": %d}' % n for n in range(400)]


async def test_fallback_takes_over_while_the_circuit_is_open_and_hands_back(store_url: str) -> None:
    primary, spare = Far(), Far()
    primary.down = TransportError("down")
    destinations = [
        to("out", fallback="spare", circuit={"failures": 2, "pause": "150ms"}),
        to("spare", standby=True),
    ]
    async with room(store_url, row(destinations=destinations), {"out": primary, "spare": spare}) as here:
        for n in range(10):
            await here.receive(b'{"n": %d}' % n)
        await here.until(lambda: len(spare.arrived) == 10)
        primary.down = None
        await asyncio.sleep(0.4)  # longer than the pause
        await here.receive(b'{"n": 10}')
        await here.until(lambda: len(spare.arrived) + len(primary.arrived) == 11)
        for n in range(11, 20):
            await here.receive(b'{"n": %d}' % n)
        await here.until(lambda: len(spare.arrived) + len(primary.arrived) == 20)

    assert len(primary.arrived) >= 9
    assert len(set(primary.bodies + spare.bodies)) == 20


async def test_an_outcome_that_is_awaited_opens_no_circuit_and_holds_up_no_other(store_url: str) -> None:
    far = Far()

    def answer(outbound: Outbound, attempt: int) -> None:
        if outbound.body == b'{"n": 0}' and attempt < 4:
            raise StillAwaitedError("later", sent=True)

    far.answer = answer
    one = to("out", retry={"first": "10ms", "longest": "20ms"}, circuit={"failures": 2, "pause": "1h"})
    async with room(store_url, row(destinations=[one]), {"out": far}) as here:
        for n in range(5):
            await here.receive(b'{"n": %d}' % n)
        await here.until(lambda: len(far.arrived) == 5)

    assert sorted(far.bodies) == [b'{"n": %d}' % n for n in range(5)]


async def test_a_script_error_holds_and_a_corrected_revision_lets_it_through(store_url: str) -> None:
    bad = row("def transform(message):\n    return message.nothing\n")
    async with room(store_url, bad) as here:
        receipt = await here.receive(b"{}")
        view = await here.reaches(receipt.message_id, "HELD")
        await here.run.apply(row(revision=2))
        await here.store.journal.resend_message(receipt.message_id, 2)
        here.run.transformer.reread()
        after = await here.reaches(receipt.message_id, "DELIVERED")

    assert view.row.reason is not None
    assert view.row.reason.where == "transforms/echo.py:2"
    assert after.row.revision == 2


async def test_messages_keep_the_revision_that_received_them(store_url: str) -> None:
    one = row("from engine.sdk import *\ndef transform(message):\n    return b'one'\n")
    two = row("def transform(message):\n    return b'two'\n", revision=2)
    async with room(store_url, one) as here:
        here.run.transformer.paused = True
        await here.receive(b"{}")
        await here.run.apply(two)
        await here.receive(b"{}")
        here.run.transformer.resume()
        await here.until(lambda: len(here.far["out"].arrived) == 2)

    assert here.far["out"].bodies == [b"one", b"two"]


async def test_states_in_the_store_follow_the_table(store_url: str) -> None:
    filtered = row("from engine.sdk import Filtered\ndef transform(message):\n    return Filtered('not for us')\n")
    async with room(store_url, filtered) as here:
        receipt = await here.receive(b"{}")
        view = await here.reaches(receipt.message_id, MessageState.FILTERED.name)

    assert view.row.reason is not None
    assert view.row.reason.text == "not for us"
    assert not view.deliveries
    assert DeliveryState.QUEUED not in [d.state for d in view.deliveries]


async def _paced(here: Room, count: int) -> None:
    for n in range(count):
        await here.receive(b'{"n": %d}' % n)


async def test_rate_limit_is_never_exceeded(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    far = Far(parallel=4)
    times: list[float] = []  # as they are allowed: between that and its arrival a send may be held up by the machine
    began = RateLimiter.began
    monkeypatch.setattr(RateLimiter, "began", lambda self, now: (times.append(now), began(self, now))[1])
    destinations = [to(rate={"count": 5, "per": "200ms"})]
    async with room(store_url, row(destinations=destinations), {"out": far}) as here:
        await _paced(here, 18)
        await here.until(lambda: len(far.arrived) == 18)

    assert len(times) == 18
    assert all(sum(start <= t < start + 0.199 for t in times) <= 5 for start in times)


async def test_a_resent_message_does_not_starve_under_steady_load(store_url: str) -> None:
    script = (
        "from engine.sdk import DocumentError\n"
        "def transform(message):\n"
        "    if message.get('bad'):\n"
        "        raise DocumentError('no')\n"
        "    return message\n"
    )
    async with room(store_url, row(script)) as here:
        bad = await here.receive(b'{"bad": "1"}')
        await here.reaches(bad.message_id, "HELD")
        await here.run.apply(row(revision=2))
        stop = asyncio.Event()

        async def load() -> None:
            n = 0
            while not stop.is_set():
                await asyncio.gather(*(here.receive(b'{"n": %d}' % (n + k)) for k in range(50)))
                n += 50

        steady = asyncio.create_task(load())
        await asyncio.sleep(0.3)
        await here.store.journal.resend_message(bad.message_id, 2)
        here.run.transformer.reread()
        await here.reaches(bad.message_id, "DELIVERED")
        still_loaded = not steady.done()
        stop.set()
        await steady

    assert still_loaded


async def test_a_channel_that_only_keeps_messages_is_done_when_they_are_on_disk(store_url: str) -> None:
    keeping = row(None, transform=None, destinations=[], source={"type": "quiet", "format": "bytes"}, form="bytes")
    async with room(store_url, keeping) as here:
        receipt = await here.receive(b"anything", "id-1")
        view = await here.view(receipt.message_id)

    assert receipt.verdict is Verdict.ACCEPTED
    assert view.row.state is MessageState.TRANSFORMED
    assert view.body == b"anything"
