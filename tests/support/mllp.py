"""MLLP peers for tests: a sender that reads its acknowledgements, and a receiver whose manners can be chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from engine.protocols.hl7v2.acknowledge import Acknowledgement, build, read
from engine.protocols.hl7v2.framing import MllpFramer, frame
from engine.protocols.hl7v2.header import peek
from tests.support.connector_harness import connect_when_up

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def adt(control_id: str, text: str = "text", accept: str = "", application: str = "", kind: str = "ADT^A01") -> bytes:
    """A small message."""
    header = f"MSH|^~\\&|OR|HARBOR|ISTHMUS|HARBOR|20260301||{kind}|{control_id}|P|2.5.1|||{accept}|{application}"
    return f"{header}\rPID|1||M1||{text}\r".encode()


class Sender:
    """One connection to a listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._framer, self._frames = MllpFramer(), list[bytes]()

    @classmethod
    async def connect(cls, port: int, **options: object) -> Sender:
        return cls(*await connect_when_up(port, **options))

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def frame(self, patience: float = 30.0) -> bytes | None:
        """The next frame; None when the listener closed the connection."""
        async with asyncio.timeout(patience):
            while not self._frames:
                try:
                    data = await self.reader.read(65536)
                except ConnectionError:
                    return None
                if not data:
                    return None
                self._frames += self._framer.feed(data)
        return self._frames.pop(0)

    async def ack(self) -> Acknowledgement | None:
        body = await self.frame()
        return None if body is None else read(body)

    async def exchange(self, body: bytes) -> Acknowledgement | None:
        self.write(frame(body))
        return await self.ack()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass  # the listener was first


class Receiver:
    """A far side. `manner` gets each received body and gives the bytes to send back; None: nothing."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self.manner: Callable[[bytes], bytes | None] = lambda body: frame(ack_of(body))
        self.close_after_each = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int, **options: object) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, **options)  # type: ignore[arg-type]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        framer = MllpFramer()
        try:
            while data := await reader.read(65536):
                for body in framer.feed(data):
                    self.received.append(body)
                    answer = self.manner(body)
                    if answer is not None:
                        writer.write(answer)
                    if self.close_after_each:
                        return
        except ConnectionError:
            pass  # the sender went
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()


def ack_of(body: bytes, code: str = "AA", **options: object) -> bytes:
    return build(peek(body), code, "R1", MOMENT, **options)  # type: ignore[arg-type]
