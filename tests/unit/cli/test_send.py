"""`isthmus send` against a listener of the test: in the open, under TLS, and what it says when it gets no answer."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli.send import command
from engine.core.loopback import free_port
from engine.protocols.hl7v2.acknowledge import build
from engine.protocols.hl7v2.framing import MllpFramer, frame
from engine.protocols.hl7v2.header import peek
from tests.support.certificates import Authority
from tests.support.mllp import MOMENT, adt


async def _accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers AA to each message, until the sender goes."""
    framer = MllpFramer(65_536)
    while data := await reader.read(65_536):
        for body in framer.feed(data):
            writer.write(frame(build(peek(body), "AA", "1", MOMENT)))
    writer.close()


@contextmanager
def listener(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    port, loop = free_port(), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_accept, "127.0.0.1", port, ssl=tls))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "order.hl7"
    path.write_bytes(adt("C-1"))
    return path


@pytest.fixture
def door(tmp_path: Path) -> ssl.SSLContext:
    """A door under TLS; the authority that it is to be trusted by lies in `authority.pem`."""
    authority = Authority()
    authority.write(tmp_path / "authority.pem")
    authority.issue(tmp_path / "door.pem", tmp_path / "door.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "door.pem", tmp_path / "door.key")
    return context


def send(port: int, *arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [f"127.0.0.1:{port}", *map(str, arguments)])


def test_a_message_is_acknowledged_as_often_as_it_is_sent(order: Path) -> None:
    with listener() as port:
        sent = send(port, order, "--repeat", "2")

    assert (sent.exit_code, sent.output.count("AA C-1")) == (0, 2)


def test_a_door_under_tls_is_spoken_to_when_its_authority_is_named(order: Path, door: ssl.SSLContext) -> None:
    with listener(door) as port:
        sent = send(port, order, "--ca", order.with_name("authority.pem"))

    assert (sent.exit_code, sent.output) == (0, "order.hl7: AA C-1\n")


def test_an_unknown_authority_is_told_with_its_remedy(order: Path, door: ssl.SSLContext) -> None:
    with listener(door) as port:
        sent = send(port, order, "--tls")

    assert sent.exit_code == 1
    assert "not trusted" in sent.output
    assert "--ca" in sent.output


def test_a_door_that_wants_tls_is_told_from_one_that_is_not_there(order: Path, door: ssl.SSLContext) -> None:
    with listener(door) as port:
        closed = send(port, order)
    absent = send(free_port(), order)

    assert "does this door ask for TLS" in closed.output
    assert "Connection refused; does the channel run there?" in absent.output
