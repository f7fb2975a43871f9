"""The `hl7v2_mllp` destination believes only the acknowledgement of the message that it sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.hl7v2_mllp.destination import MllpDestination
from engine.connectors.hl7v2_mllp.settings import MllpDestinationSettings
from engine.core.errors import DestinationError, TransportError
from engine.core.loopback import free_port
from engine.ports.connector import Delivered, Outbound, Semantics
from engine.protocols.hl7v2.acknowledge import AckError
from engine.protocols.hl7v2.framing import COMMIT, NEGATIVE, frame
from tests.support.certificates import Authority
from tests.support.connector_doubles import context
from tests.support.mllp import Receiver, ack_of, adt


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    yield receiver
    await receiver.stop()


@asynccontextmanager
async def sending_to(folder: Path, receiver: Receiver, **settings: Any) -> AsyncIterator[MllpDestination]:
    port = free_port()
    await receiver.start(port, **settings.pop("server", {}))
    values = {"address": f"127.0.0.1:{port}", "ack_timeout": "30s", **settings}
    destination = MllpDestination(MllpDestinationSettings.model_validate(values), context(folder))
    try:
        yield destination
    finally:
        await destination.close()


def outbound(control_id: str, body: bytes | None = None) -> Outbound:
    return Outbound(1, 1, "under_test", "correlation-1", control_id, body or adt(control_id))


async def test_delivered_with_the_response_kept_verbatim(tmp_path: Path, receiver: Receiver) -> None:
    async with sending_to(tmp_path, receiver) as destination:
        delivered = await destination.send(outbound("C1"))

    assert delivered == Delivered(response=ack_of(adt("C1")), reference="C1")
    assert receiver.received == [adt("C1")]


@pytest.mark.parametrize(
    "answer",
    [
        lambda body: frame(ack_of(adt("OTHER"))),
        lambda body: frame(b"junk"),
        lambda body: frame(b"MSH|^~\\&|A\rMSA|ZZ|C1\r"),
        lambda body: frame(b"MSH|^~\\&|A\rMSA|AA\r"),
        lambda body: b"no frame at all",
        lambda body: frame(ack_of(body))[:-2],
        lambda body: frame(adt("C1")),
        lambda body: None,
        lambda body: frame(COMMIT),
    ],
    ids=["wrong", "junk", "code", "unnamed", "unframed", "unfinished", "no_msa", "nothing", "only_commit"],
)
async def test_a_wrong_junk_or_missing_acknowledgement_never_counts(
    tmp_path: Path, receiver: Receiver, answer: Callable[[bytes], bytes | None]
) -> None:
    receiver.manner = answer
    async with sending_to(tmp_path, receiver, ack_timeout="200ms") as destination:
        with pytest.raises(TransportError) as caught:
            await destination.send(outbound("C1"))

    assert caught.value.sent


async def test_a_late_acknowledgement_of_an_earlier_message_never_counts(tmp_path: Path, receiver: Receiver) -> None:
    receiver.manner = lambda body: None
    async with sending_to(tmp_path, receiver, ack_timeout="1s") as destination:
        with pytest.raises(TransportError):
            await destination.send(outbound("C1"))
        receiver.manner = lambda body: frame(ack_of(adt("C1"))) + frame(ack_of(body, "AE"))
        with pytest.raises(DestinationError):
            await destination.send(outbound("C2"))

    assert receiver.connections == 2


async def test_an_acknowledgement_in_one_byte_packets_counts(tmp_path: Path, receiver: Receiver) -> None:
    async with sending_to(tmp_path, receiver) as destination:
        receiver.manner = lambda body: None
        sending = asyncio.ensure_future(destination.send(outbound("C1")))
        while not receiver.received:
            await asyncio.sleep(0.001)
        (writer,) = receiver._writers
        for byte in frame(ack_of(adt("C1"))):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        delivered = await sending

    assert delivered.reference == "C1"


async def test_a_refusal_names_code_condition_and_place_but_no_words_of_the_receiver(
    tmp_path: Path, receiver: Receiver
) -> None:
    errors = (AckError("101", "SECRET", "RQD[2]-5"),)
    receiver.manner = lambda body: frame(ack_of(body, "AE", text="SECRET", errors=errors))
    async with sending_to(tmp_path, receiver) as destination:
        with pytest.raises(DestinationError) as caught:
            await destination.send(outbound("C1"))

    assert caught.value.where == "RQD[2]-5"
    assert "AE" in caught.value.what
    assert "101" in caught.value.what
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("code", ["AE", "AR", "CE", "CR"])
async def test_negative_codes_are_refusals_unless_retry_is_chosen(
    tmp_path: Path, receiver: Receiver, code: str
) -> None:
    receiver.manner = lambda body: frame(ack_of(body, code))
    async with sending_to(tmp_path, receiver) as destination:
        with pytest.raises(DestinationError):
            await destination.send(outbound("C1"))
    await receiver.stop()
    async with sending_to(tmp_path, receiver, retry_on=[code]) as destination:
        with pytest.raises(TransportError):
            await destination.send(outbound("C1"))


async def test_a_commit_acknowledgement_counts_unless_the_applications_is_wanted(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.manner = lambda body: frame(ack_of(body, "CA"))
    async with sending_to(tmp_path, receiver) as destination:
        await destination.send(outbound("C1"))
    await receiver.stop()
    async with sending_to(tmp_path, receiver, acknowledgement="application", ack_timeout="1s") as destination:
        with pytest.raises(TransportError):
            await destination.send(outbound("C2"))
        receiver.manner = lambda body: frame(ack_of(body, "CA")) + frame(ack_of(body, "AA"))
        delivered = await destination.send(outbound("C3"))

    assert b"MSA|AA|C3" in (delivered.response or b"")


async def test_release_2_commit_blocks_are_understood(tmp_path: Path, receiver: Receiver) -> None:
    receiver.manner = lambda body: frame(COMMIT) + frame(ack_of(body))
    async with sending_to(tmp_path, receiver) as destination:
        await destination.send(outbound("C1"))
        receiver.manner = lambda body: frame(NEGATIVE)
        with pytest.raises(TransportError) as caught:
            await destination.send(outbound("C2"))

    assert not caught.value.sent


async def test_the_connection_is_kept_and_used_again(tmp_path: Path, receiver: Receiver) -> None:
    async with sending_to(tmp_path, receiver) as destination:
        for number in range(5):
            await destination.send(outbound(f"C{number}"))

    assert receiver.connections == 1


async def test_a_receiver_that_closes_after_each_message_is_served(tmp_path: Path, receiver: Receiver) -> None:
    receiver.close_after_each = True
    async with sending_to(tmp_path, receiver) as destination:
        for number in range(5):
            await destination.send(outbound(f"C{number}"))

    assert len(set(receiver.received)) == 5


async def test_a_connection_lost_without_an_answer_is_not_tried_again_blindly(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with sending_to(tmp_path, receiver, idempotent=False) as destination:
        assert destination.semantics is Semantics.NEITHER
        receiver.manner, receiver.close_after_each = (lambda body: None), True
        with pytest.raises(TransportError) as caught:
            await destination.send(outbound("C1"))

    assert caught.value.sent
    assert len(receiver.received) == 1


async def test_connections_carry_as_many_messages_at_once_as_there_are(tmp_path: Path, receiver: Receiver) -> None:
    receiver.manner = lambda body: None
    async with sending_to(tmp_path, receiver, connections=3) as destination:
        sending = [asyncio.ensure_future(destination.send(outbound(f"C{number}"))) for number in range(5)]
        while len(receiver.received) < 3:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        under_way = len(receiver.received)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    assert under_way == destination.parallel == 3


async def test_an_unused_connection_is_closed_after_its_time(tmp_path: Path, receiver: Receiver) -> None:
    async with sending_to(tmp_path, receiver, idle_timeout="30ms") as destination:
        await destination.send(outbound("C1"))
        async with asyncio.timeout(30):
            while receiver._writers:
                await asyncio.sleep(0.005)

    assert receiver.received
    assert not receiver._writers


@pytest.mark.parametrize(("body", "where"), [(b"no HL7", "MSH"), (b"MSH|^~\\&|A|B\r", "MSH-10")])
async def test_what_is_no_message_with_a_control_id_is_not_sent(
    tmp_path: Path, receiver: Receiver, body: bytes, where: str
) -> None:
    async with sending_to(tmp_path, receiver) as destination:
        with pytest.raises(DestinationError) as caught:
            await destination.send(outbound("C1", body))

    assert caught.value.where == where
    assert receiver.received == []


async def test_mutual_tls(tmp_path: Path, receiver: Receiver) -> None:
    authority = Authority()
    authority.issue(tmp_path / "server.pem", tmp_path / "server.key")
    authority.issue(tmp_path / "client.pem", tmp_path / "client.key")
    authority.write(tmp_path / "ca.pem")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server.verify_mode = ssl.CERT_REQUIRED
    tls = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key", "server_name": "localhost"}
    async with sending_to(tmp_path, receiver, tls=tls, server={"ssl": server}) as destination:
        assert (await destination.send(outbound("C1"))).reference == "C1"
        assert (await destination.check()).ok


async def test_an_unknown_authority_is_a_transport_error_with_nothing_sent(tmp_path: Path, receiver: Receiver) -> None:
    Authority().issue(tmp_path / "server.pem", tmp_path / "server.key")
    Authority("Another authority").write(tmp_path / "ca.pem")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    async with sending_to(tmp_path, receiver, tls={"ca": "ca.pem"}, server={"ssl": server}) as destination:
        with pytest.raises(TransportError) as caught:
            await destination.send(outbound("C1"))
        health = await destination.check()

    assert not caught.value.sent
    assert not health.ok
