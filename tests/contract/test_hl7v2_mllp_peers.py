"""Peers that nobody of this project wrote: python-hl7's MLLP client and server, hl7apy's server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import hl7
import pytest
from hl7.mllp import HL7StreamReader, HL7StreamWriter, open_hl7_connection, start_hl7_server
from hl7apy.mllp import AbstractHandler, MLLPServer

from engine.connectors.hl7v2_mllp.destination import MllpDestination
from engine.connectors.hl7v2_mllp.settings import MllpDestinationSettings, MllpSourceSettings
from engine.connectors.hl7v2_mllp.source import MllpSource
from engine.core.loopback import free_port
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, context
from tests.support.connector_harness import connect_when_up
from tests.support.mllp import ack_of, adt


def destination(folder: Path, port: int) -> MllpDestination:
    settings = MllpDestinationSettings.model_validate({"address": f"127.0.0.1:{port}", "ack_timeout": "30s"})
    return MllpDestination(settings, context(folder))


def outbound(control_id: str) -> Outbound:
    return Outbound(1, 1, "under_test", "correlation-1", control_id, adt(control_id))


async def test_python_hl7s_client_reads_our_acknowledgements(tmp_path: Path) -> None:
    door = Door()
    port = free_port()
    settings = MllpSourceSettings.model_validate({"listen": f"127.0.0.1:{port}"})
    task = asyncio.ensure_future(MllpSource(settings, context(tmp_path)).run(door))
    (await connect_when_up(port))[1].close()
    reader, writer = await open_hl7_connection("127.0.0.1", port)
    answers = []
    for number in range(20):
        writer.writemessage(hl7.parse(adt(f"C{number}").decode()))
        await writer.drain()
        answers.append(await asyncio.wait_for(reader.readmessage(), 30))
    writer.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert [(str(one["MSA"][0][1]), str(one["MSA"][0][2])) for one in answers] == [
        ("AA", f"C{number}") for number in range(20)
    ]
    assert len(door.accepted) == 20


@asynccontextmanager
async def python_hl7_server(received: list[str]) -> AsyncIterator[int]:
    async def serve(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        try:
            while True:
                message = await reader.readmessage()
                received.append(str(message))
                writer.writemessage(message.create_ack())
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    server = await start_hl7_server(serve, host="127.0.0.1", port=0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_python_hl7s_server_takes_our_messages_on_one_connection(tmp_path: Path) -> None:
    received: list[str] = []
    async with python_hl7_server(received) as port:
        sender = destination(tmp_path, port)
        for number in range(20):
            assert (await sender.send(outbound(f"C{number}"))).reference == f"C{number}"
        await sender.close()
        await asyncio.sleep(0.05)

    assert [str(hl7.parse(one).segment("MSH")[10]) for one in received] == [f"C{number}" for number in range(20)]


class _Acknowledge(AbstractHandler):  # type: ignore[misc]  # the library is untyped
    def reply(self) -> str:
        body = self.incoming_message.encode().strip(b"\x0b\x1c\r") + b"\r"
        return "\x0b" + ack_of(body).decode() + "\x1c\r"


@pytest.fixture
def hl7apy_server() -> AsyncIterator[int]:
    port = free_port()
    server = MLLPServer("127.0.0.1", port, {"ADT^A01": (_Acknowledge,), "ADT^A01^ADT_A01": (_Acknowledge,)})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield port
    server.shutdown()
    server.server_close()
    thread.join(5)


async def test_hl7apys_server_that_closes_after_each_message_is_served(tmp_path: Path, hl7apy_server: int) -> None:
    sender = destination(tmp_path, hl7apy_server)
    for number in range(5):
        assert (await sender.send(outbound(f"C{number}"))).reference == f"C{number}"
    await sender.close()

    with socket.create_connection(("127.0.0.1", hl7apy_server), 5):
        pass  # it is still up
