"""How the `hl7v2_mllp` listener answers, orders, limits and ends. Real sockets, the journal in memory."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.hl7v2_mllp.settings import MllpSourceSettings
from engine.connectors.hl7v2_mllp.source import MllpSource
from engine.core.errors import StoreError, TransportError
from engine.ports.connector import Reason, Received, Settled
from engine.protocols.hl7v2.acknowledge import plan, read
from engine.protocols.hl7v2.batch import split_batch, write_batch
from engine.protocols.hl7v2.framing import frame
from engine.protocols.hl7v2.message import Hl7Message
from tests.support.certificates import Authority
from tests.support.connector_doubles import Door, context
from tests.support.mllp import MOMENT, Sender, adt

CONDITIONS = ("", "AL", "NE", "ER", "SU")


class TypedDoor(Door):
    """Refuses what the channel's `accept:` does not list, as the flow does, and can hold single messages back."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[str, asyncio.Event] = {}

    async def __call__(self, received: Received) -> Any:
        if gate := self.gates.get(received.natural_id or ""):
            await gate.wait()
        if received.message_type not in (None, "ADT^A01", "ACK"):
            reason = Reason("M006", "this channel does not accept this message type", "MSH-9")
            received = Received(received.body, received.natural_id, received.message_type, refusal=reason)
        return await super().__call__(received)


@asynccontextmanager
async def serving(folder: Path, door: Door, **settings: Any) -> AsyncIterator[MllpSource]:
    charset = settings.pop("charset", None)
    model = MllpSourceSettings.model_validate({"listen": "127.0.0.1:0", **settings})
    source = MllpSource(model, context(folder, charset=charset))
    task = asyncio.ensure_future(source.run(door))
    while source._server is None and not task.done():
        await asyncio.sleep(0)
    try:
        if task.done():
            await task
        yield source
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def door() -> TypedDoor:
    return TypedDoor()


async def silent(sender: Sender) -> bool:
    """Nothing more comes for a moment."""
    try:
        await sender.frame(patience=0.05)
    except TimeoutError:
        return True
    return False


# ------------------------------------------------------------------ what is answered
@pytest.mark.parametrize("outcome", ["ok", "error", "reject"])
async def test_every_cell_of_the_acknowledgement_table_over_the_wire(
    tmp_path: Path, door: TypedDoor, outcome: str
) -> None:
    kind = "ZZZ^Z01" if outcome == "reject" else "ADT^A01"
    wrong: list[tuple[str, str, list[str]]] = []
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        for number, (accept, application) in enumerate((a, b) for a in CONDITIONS for b in CONDITIONS):
            if outcome == "error":
                door.failure = StoreError("the disk is gone")
            sender.write(frame(adt(f"C{number}", accept=accept, application=application, kind=kind)))
            expected = plan(accept, application, outcome).codes  # type: ignore[arg-type]
            # A message that is always answered follows, so that silence is seen without waiting.
            sender.write(frame(adt(f"M{number}", kind="ZZZ^Z01")))
            codes = []
            while (known := await sender.ack()) and known.control_id == f"C{number}":
                codes.append(known.code)
            if tuple(codes) != expected:
                wrong.append((accept, application, codes))
        await sender.close()

    assert wrong == []


async def test_an_unaccepted_type_is_rejected_with_its_place(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        known = await sender.exchange(adt("C1", kind="ORU^R01"))
        await sender.close()

    assert known is not None
    assert (known.code, known.errors[0].code, known.errors[0].where) == ("AR", "200", "MSH[1]-9")
    assert door.stored[0].refusal is not None


async def test_the_same_message_again_gets_the_same_bytes(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        first, second = await Sender.connect(source.port), await Sender.connect(source.port)
        answers = []
        for sender in (first, second, first):
            sender.write(frame(adt("C1")))
            answers.append(await sender.frame())
        await asyncio.gather(first.close(), second.close())

    assert len(set(answers)) == 1
    assert len(door.accepted) == 1


async def test_the_same_id_with_another_body_is_an_error_with_duplicate_key(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        await sender.exchange(adt("C1", "one"))
        known = await sender.exchange(adt("C1", "two"))
        await sender.close()

    assert known is not None
    assert (known.code, known.errors[0].code) == ("AE", "205")


async def test_the_same_id_from_another_sender_is_another_message(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        codes = [await sender.exchange(adt("C1")), await sender.exchange(adt("C1").replace(b"|OR|", b"|LAB|"))]
        await sender.close()

    assert [known.code for known in codes if known] == ["AA", "AA"]
    assert len(door.accepted) == 2


async def test_bytes_of_another_character_set_are_an_error_with_the_field(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        known = await sender.exchange(adt("C1", "Müller"))
        await sender.close()

    assert known is not None
    assert (known.code, known.errors[0].where) == ("AE", "PID[1]-5")
    assert door.stored[0].refusal is not None
    assert door.accepted == []


@pytest.mark.parametrize("field", [9, 10, 11, 15, 16])
async def test_a_header_that_cannot_be_read_is_answered_all_the_same(
    tmp_path: Path, door: TypedDoor, field: int
) -> None:
    fields = adt("C1", accept="", application="").split(b"\r")[0].split(b"|")
    fields += [b""] * (18 - len(fields))
    fields[field - 1] += b"\xff"
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(b"|".join(fields) + b"\rPID|1\r"))
        answer = await sender.frame()
        sender.write(frame(adt("C2")))
        next_one = await sender.ack()
        await sender.close()

    assert b"\rMSA|" in answer
    assert b"MSA|AA" not in answer
    assert next_one is not None
    assert (next_one.code, next_one.control_id) == ("AA", "C2")
    assert door.stored[0].refusal is not None


async def test_the_channels_character_set_overrules_the_message(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door, charset="utf-8") as source:
        sender = await Sender.connect(source.port)
        known = await sender.exchange(adt("C1", "Müller"))
        await sender.close()

    assert known is not None
    assert known.code == "AA"


async def test_an_acknowledgement_is_stored_and_never_acknowledged(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(adt("C1", kind="ACK", accept="AL", application="AL")))
        known = await sender.exchange(adt("C2"))
        await sender.close()

    assert known is not None
    assert known.control_id == "C2"
    assert len(door.stored) == 2


async def test_strict_refuses_what_is_otherwise_tolerated(tmp_path: Path, door: TypedDoor) -> None:
    body = adt("C1").replace(b"\r", b"\n")
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        tolerated = await sender.exchange(body)
        await sender.close()
    async with serving(tmp_path, TypedDoor(), strict=True) as source:
        sender = await Sender.connect(source.port)
        refused = await sender.exchange(body)
        await sender.close()

    assert tolerated is not None
    assert refused is not None
    assert (tolerated.code, refused.code) == ("AA", "AE")


# ------------------------------------------------------------------ order
async def test_acknowledgements_leave_in_the_order_of_arrival(tmp_path: Path, door: TypedDoor) -> None:
    door.gates = {f"C{number}": asyncio.Event() for number in range(4)}
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(b"".join(frame(adt(f"C{number}")) for number in range(4)))
        for number in (3, 1, 2):
            door.gates[f"C{number}"].set()
        early = not await silent(sender)
        door.gates["C0"].set()
        ids = [known.control_id for known in [await sender.ack() for _ in range(4)] if known]
        await sender.close()

    assert not early
    assert ids == ["C0", "C1", "C2", "C3"]


async def test_a_waiting_message_does_not_hold_up_other_connections(tmp_path: Path, door: TypedDoor) -> None:
    door.gates = {"SLOW": asyncio.Event()}
    async with serving(tmp_path, door) as source:
        slow, quick = await Sender.connect(source.port), await Sender.connect(source.port)
        slow.write(frame(adt("SLOW")))
        known = await quick.exchange(adt("QUICK"))
        door.gates["SLOW"].set()
        await asyncio.gather(slow.close(), quick.close())

    assert known is not None
    assert known.control_id == "QUICK"


async def test_one_byte_packets_are_answered_like_whole_ones(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        for byte in frame(adt("C1")) + frame(adt("C2")):
            sender.write(bytes([byte]))
            await sender.writer.drain()
            await asyncio.sleep(0)
        ids = [known.control_id for known in [await sender.ack(), await sender.ack()] if known]
        await sender.close()

    assert ids == ["C1", "C2"]


# ------------------------------------------------------------------ after_delivery
async def test_after_delivery_answers_when_the_message_is_delivered(tmp_path: Path, door: TypedDoor) -> None:
    waiting: dict[str, asyncio.Future[Settled]] = {}
    door.settled = lambda one: waiting.setdefault(one.natural_id or "", asyncio.get_running_loop().create_future())
    async with serving(tmp_path, door, acknowledge="after_delivery") as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(adt("C1")) + frame(adt("C2")))
        early = not await silent(sender)
        waiting["C2"].set_result(Settled(False, Reason("T002", "the ERP refused", "ORC-4")))
        waiting["C1"].set_result(Settled(True))
        first, second = await sender.ack(), await sender.ack()
        await sender.close()

    assert not early
    assert first is not None
    assert second is not None
    assert (first.code, first.control_id) == ("AA", "C1")
    assert (second.code, second.control_id, second.errors[0].where) == ("AE", "C2", "ORC[1]-4")


async def test_after_delivery_in_enhanced_mode_accepts_at_once_and_answers_later(
    tmp_path: Path, door: TypedDoor
) -> None:
    waiting: dict[str, asyncio.Future[Settled]] = {}
    door.settled = lambda one: waiting.setdefault(one.natural_id or "", asyncio.get_running_loop().create_future())
    async with serving(tmp_path, door, acknowledge="after_delivery") as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(adt("C1", accept="AL", application="AL")) + frame(adt("C2", accept="AL", application="NE")))
        accepted = [await sender.ack(), await sender.ack()]
        waiting["C1"].set_result(Settled(True))
        final = await sender.ack()
        await sender.close()

    assert [(one.code, one.control_id) for one in accepted if one] == [("CA", "C1"), ("CA", "C2")]
    assert final is not None
    assert (final.code, final.control_id) == ("AA", "C1")


async def test_a_delivery_that_takes_too_long_is_answered_and_the_repeat_is_accepted(
    tmp_path: Path, door: TypedDoor
) -> None:
    door.settled = lambda one: asyncio.get_running_loop().create_future()
    async with serving(tmp_path, door, acknowledge="after_delivery", answer_within="50ms") as source:
        sender = await Sender.connect(source.port)
        late, again = await sender.exchange(adt("C1")), await sender.exchange(adt("C1"))
        await sender.close()

    assert late is not None
    assert again is not None
    assert (late.code, again.code) == ("AE", "AA")


# ------------------------------------------------------------------ batches
async def test_a_batch_becomes_its_messages_and_is_answered_by_a_batch(tmp_path: Path, door: TypedDoor) -> None:
    bodies = [adt("C1"), adt("C2", kind="ORU^R01"), adt("C3")]
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(write_batch(bodies, "B7", MOMENT, ("OR", "HARBOR"), ("ISTHMUS", "HARBOR"))))
        answer = await sender.frame()
        await sender.close()

    assert answer is not None
    batch = split_batch(answer, strict=True)
    assert [read(one).code for one in batch.messages] == ["AA", "AR", "AA"]
    assert batch.header is not None
    assert batch.header.split(b"|")[11].strip() == b"B7"
    assert [one.natural_id for one in door.accepted] == ["C1", "C3"]


async def test_several_messages_in_a_frame_are_never_taken_for_one(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(adt("C1") + adt("C2")))
        ids = [known.control_id for known in [await sender.ack(), await sender.ack()] if known]
        await sender.close()

    assert ids == ["C1", "C2"]
    assert [Hl7Message.parse(one.body).control_id for one in door.accepted] == ["C1", "C2"]


async def test_a_batch_with_a_wrong_count_is_kept_as_refused_when_strict(tmp_path: Path, door: TypedDoor) -> None:
    batch = write_batch([adt("C1")], "B1", MOMENT).replace(b"BTS|1", b"BTS|2")
    async with serving(tmp_path, door, strict=True) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(batch))
        closed = await sender.frame() is None
        await sender.close()

    assert closed
    assert [one.refusal.where for one in door.stored if one.refusal] == ["BTS[1]-1"]
    assert door.accepted == []


# ------------------------------------------------------------------ limits and bad peers
async def test_a_frame_without_a_header_is_kept_as_refused_and_its_sender_goes(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(b"hello"))
        closed = await sender.frame() is None
        await sender.close()

    assert closed
    assert [one.refusal.code for one in door.stored if one.refusal] == ["M005"]


async def test_an_empty_frame_is_ignored(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(b""))
        known = await sender.exchange(adt("C1"))
        await sender.close()

    assert known is not None
    assert len(door.stored) == 1


async def test_messages_before_the_break_are_still_answered(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door, max_message="200B") as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(adt("C1")) + frame(adt("C2", "x" * 500)))
        known, closed = await sender.ack(), await sender.frame() is None
        await sender.close()

    assert known is not None
    assert known.control_id == "C1"
    assert closed


async def test_a_slow_sender_loses_its_connection_and_no_other(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door, message_timeout="100ms") as source:
        slow, good = await Sender.connect(source.port), await Sender.connect(source.port)

        async def drip() -> None:
            for byte in frame(adt("SLOW", "x" * 400)):
                slow.write(bytes([byte]))
                await asyncio.sleep(0.01)

        dripping = asyncio.ensure_future(drip())
        closed = await slow.frame() is None
        known = await good.exchange(adt("GOOD"))
        dripping.cancel()
        await asyncio.gather(slow.close(), good.close())

    assert closed
    assert known is not None
    assert known.code == "AA"
    assert [one.natural_id for one in door.stored] == ["GOOD"]


async def test_an_idle_connection_is_closed_and_junk_does_not_keep_it_open(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door, idle_timeout="100ms") as source:
        sender = await Sender.connect(source.port)
        for _ in range(4):
            sender.write(b"\r\n")
            await asyncio.sleep(0.02)
        closed = await sender.frame() is None
        await sender.close()

    assert closed


async def test_a_connection_too_many_is_closed_at_once(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door, max_connections=1) as source:
        first = await Sender.connect(source.port)
        await first.exchange(adt("C1"))
        second = await Sender.connect(source.port)
        turned_away = await second.frame() is None
        known = await first.exchange(adt("C2"))
        await asyncio.gather(first.close(), second.close())

    assert turned_away
    assert known is not None


async def test_unfinished_messages_are_bounded_over_all_connections(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door, max_buffered="10kB") as source:
        hogs = [await Sender.connect(source.port) for _ in range(4)]
        good = await Sender.connect(source.port)
        for hog in hogs:
            hog.write(b"\x0bMSH|" + b"x" * 4000)
            await hog.writer.drain()
            await asyncio.sleep(0.02)
        known = await good.exchange(adt("C1"))
        held = source._buffered
        await asyncio.gather(good.close(), *(hog.close() for hog in hogs))

    assert known is not None
    assert 0 < held <= 10_000


async def test_an_address_that_is_not_allowed_is_turned_away(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door, allow=["10.0.0.0/8"]) as source:
        sender = await Sender.connect(source.port)
        turned_away = await sender.frame() is None
        await sender.close()

    assert turned_away


async def test_a_connection_with_too_many_unanswered_messages_is_not_read_further(
    tmp_path: Path, door: TypedDoor
) -> None:
    door.open.clear()
    async with serving(tmp_path, door, in_flight=4) as source:
        sender = await Sender.connect(source.port)
        for number in range(40):
            sender.write(frame(adt(f"C{number}", "x" * 20_000)))
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        asked = door.asked
        door.open.set()
        ids = [known.control_id for known in [await sender.ack() for _ in range(40)] if known]
        await sender.close()

    assert asked < 40
    assert ids == [f"C{number}" for number in range(40)]


async def test_a_backlogged_engine_slows_the_sender_and_goes_on_later(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        await sender.exchange(adt("C0"))
        door.backlogged = True
        await sender.exchange(adt("C1"))
        sender.write(frame(adt("C2")))
        held_back = await silent(sender)
        door.backlogged = False
        known = await sender.ack()
        await sender.close()

    assert held_back
    assert known is not None
    assert known.control_id == "C2"


async def test_a_half_closed_connection_still_gets_its_answers(tmp_path: Path, door: TypedDoor) -> None:
    door.open.clear()
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(adt("C1")))
        sender.writer.write_eof()
        await asyncio.sleep(0.02)
        door.open.set()
        known, closed = await sender.ack(), await sender.frame() is None
        await sender.close()

    assert known is not None
    assert closed


async def test_a_stop_still_answers_what_is_on_its_way_to_the_journal(tmp_path: Path, door: TypedDoor) -> None:
    door.open.clear()
    async with serving(tmp_path, door) as source:
        sender = await Sender.connect(source.port)
        sender.write(frame(adt("C1")))
        while not door.asked:
            await asyncio.sleep(0.001)
        asyncio.get_running_loop().call_later(0.05, door.open.set)
    known = await sender.ack()
    await sender.close()

    assert known is not None
    assert known.code == "AA"


async def test_an_address_in_use_is_a_transport_error(tmp_path: Path, door: TypedDoor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TransportError):
            async with serving(tmp_path, door, listen=address):
                pass


async def test_check_tells_whether_the_address_can_be_listened_on(tmp_path: Path, door: TypedDoor) -> None:
    async with serving(tmp_path, door) as source:
        settings = MllpSourceSettings.model_validate({"listen": f"127.0.0.1:{source.port}"})
        running = await source.check()
        taken = await MllpSource(settings, context(tmp_path)).check()
    free = await MllpSource(settings, context(tmp_path)).check()

    assert (running.ok, taken.ok, free.ok) == (True, False, True)


# ------------------------------------------------------------------ TLS
async def test_mutual_tls_lets_in_only_known_clients(tmp_path: Path, door: TypedDoor) -> None:
    authority, stranger = Authority(), Authority("Another authority")
    authority.issue(tmp_path / "server.pem", tmp_path / "server.key")
    authority.issue(tmp_path / "client.pem", tmp_path / "client.key")
    stranger.issue(tmp_path / "stranger.pem", tmp_path / "stranger.key")
    authority.write(tmp_path / "ca.pem")
    tls = {"certificate": "server.pem", "key": "server.key", "client_ca": "ca.pem"}

    async def exchange(port: int, name: str) -> str | None:
        client = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        client.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        try:
            sender = await Sender.connect(port, ssl=client, server_hostname="localhost")
            known = await sender.exchange(adt("C1"))
            await sender.close()
        except OSError:
            return None
        return known.code if known else None

    async with serving(tmp_path, door, tls=tls) as source:
        assert await exchange(source.port, "client") == "AA"
        assert await exchange(source.port, "stranger") is None
    assert len(door.accepted) == 1
