"""MLLP figures of this machine: messages taken in and sent, beside python-hl7's own server and client.

python-hl7 parses each message and answers; ours peeks, keeps the message at the door (in memory here: the journal
has its own benchmark) and answers. The far side shares the process. Run: python -m tests.bench.bench_mllp
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from hl7.mllp import HL7StreamReader, HL7StreamWriter, open_hl7_connection, start_hl7_server

from engine.core.loopback import free_port
from tests.bench.rates import destination, line, outbound, source, timed
from tests.support.connector_contract import connect_when_up
from tests.support.mllp import adt

COUNT, CONNECTIONS = 2_000, 8


async def answer(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()


async def exchanged(port: int) -> float:
    """python-hl7's client, one message under way on each connection."""
    links = [await open_hl7_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    free = asyncio.Queue[tuple[HL7StreamReader, HL7StreamWriter]]()
    for link in links:
        free.put_nowait(link)

    async def exchange(number: int) -> None:
        reader, writer = link = await free.get()
        writer.write(b"\x0b" + adt(f"C{number}", "x" * 800) + b"\x1c\r")
        await reader.readblock()
        free.put_nowait(link)

    rate = await timed(COUNT, CONNECTIONS, exchange)
    for _, writer in links:
        writer.close()
    return rate


async def run(root: Path) -> None:
    bare_port, port = free_port(), free_port()
    server = await start_hl7_server(answer, host="127.0.0.1", port=bare_port)
    print(f"{COUNT} messages of {len(adt('C1', 'x' * 800))} bytes, {CONNECTIONS} connections")
    bare = line("python-hl7's server, which parses and answers", await exchanged(bare_port))
    async with source("hl7v2_mllp", root, {"listen": f"127.0.0.1:{port}"}, "hl7v2") as door:
        (await connect_when_up(port))[1].close()
        line("our source, the same client", await exchanged(port), bare)
        assert len(door.accepted) == COUNT
    far = destination("hl7v2_mllp", root, {"address": f"127.0.0.1:{bare_port}"})
    body = adt("C1", "x" * 800)
    line("our destination to python-hl7's server", await timed(COUNT, 1, lambda n: far.send(outbound(n, body))))
    await far.close()
    server.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


if __name__ == "__main__":
    main()
