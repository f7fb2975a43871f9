"""The connector contract of `hl7v2_mllp`, over real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.ports.connector import Outbound
from engine.protocols.hl7v2.framing import JUNK_LIMIT, frame
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.mllp import Receiver, Sender, ack_of, adt


class Peer:
    def __init__(self, sender: Sender) -> None:
        self.sender = sender

    async def send(self, body: bytes) -> Answer:
        acknowledgement = await self.sender.exchange(body)
        if acknowledgement is None:
            return Answer.SILENT
        if acknowledgement.positive:
            return Answer.ACCEPTED
        return Answer.AGAIN if "J001" in (acknowledgement.errors[0].text) else Answer.REFUSED

    async def close(self) -> None:
        await self.sender.close()


class MllpSourceHarness(SourceHarness):
    type = "hl7v2_mllp"

    def settings(self) -> dict[str, Any]:
        return {"listen": f"127.0.0.1:{self.port}", "max_message": f"{LIMIT}B"}

    async def connect(self) -> Peer:
        return Peer(await Sender.connect(self.port))

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return adt(key, text + "x" * size)

    async def break_protocol(self) -> None:
        sender = await Sender.connect(self.port)
        sender.write(b"GET / HTTP/1.1\r\n" + b"x" * JUNK_LIMIT)
        assert await sender.frame() is None
        await sender.close()


class MllpDestinationHarness(DestinationHarness):
    type = "hl7v2_mllp"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.receiver = Receiver()

    def settings(self) -> dict[str, Any]:
        return {"address": f"127.0.0.1:{self.port}", "ack_timeout": "3s"}

    async def start(self) -> None:
        await self.receiver.start(self.port)

    async def stop(self) -> None:
        await self.receiver.stop()

    def refuse(self) -> None:
        self.receiver.manner = lambda body: frame(ack_of(body, "AE"))

    def hang(self) -> None:
        self.receiver.manner = lambda body: None

    def effects(self) -> list[bytes]:
        """A receiver knows a message again by its MSH-10."""
        return list({body.split(b"|")[9]: body for body in self.receiver.received}.values())

    def outbound(self, key: str = "key-1", body: bytes = b"body") -> Outbound:
        return super().outbound(key, body if body.startswith(b"MSH") else adt(key, body.decode()))


TestMllpSourceContract = source_contract(MllpSourceHarness)
TestMllpDestinationContract = destination_contract(MllpDestinationHarness)
