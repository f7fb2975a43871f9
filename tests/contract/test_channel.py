"""The connector contract of `channel`: the other channel's door is the far side."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from engine.connectors.channel import ChannelDestination, ChannelDestinationSettings
from engine.core.errors import ConfigurationError, DestinationError, DiskFullError, TransportError
from engine.ports.connector import ConnectorContext, Outbound, Reason, Receipt, Received
from tests.support.connector_contract import (
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.connector_doubles import Door, context


class ChannelDestinationHarness(DestinationHarness):
    type = "channel"
    exempt = {"down": "the other channel's journal is our own", "check": "there is no far side to be down"}  # noqa: RUF012

    def settings(self) -> dict[str, Any]:
        return {"channel": "next_channel"}

    async def start(self) -> None:
        self.door, self.refusal = Door(), None

    def context(self) -> ConnectorContext:
        async def hand_over(channel: str, received: Received) -> Receipt:
            return await self.door(msgspec.structs.replace(received, refusal=self.refusal))

        return context(self.folder, hand_over=hand_over)

    def refuse(self) -> None:
        self.refusal = Reason("M006", "the channel does not accept this type")

    def hang(self) -> None:
        self.door.open.clear()

    def effects(self) -> list[bytes]:
        return [one.body for one in self.door.accepted]


class Sender:
    def __init__(self, door: Door) -> None:
        self.door = door

    async def send(self, body: bytes) -> Answer:
        await self.door(Received(body))
        return Answer.ACCEPTED

    async def close(self) -> None:
        """Nothing to close."""


class ChannelSourceHarness(SourceHarness):
    type = "channel"
    exempt = dict.fromkeys(
        ("repeat", "conflict", "oversize", "protocol", "tls", "store_failure", "durable"),
        "the hand-over goes straight to the journal, which has its own contract",
    )

    def settings(self) -> dict[str, Any]:
        return {}

    async def connect(self) -> Sender:
        await asyncio.sleep(0)
        return Sender(self.door)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return key.encode()


TestChannelDestinationContract = destination_contract(ChannelDestinationHarness)
TestChannelSourceContract = source_contract(ChannelSourceHarness)


async def sent_by(harness: ChannelDestinationHarness, outbound: Outbound) -> Received:
    await harness.start()
    settings = ChannelDestinationSettings.model_validate(harness.settings())
    await ChannelDestination(settings, harness.context()).send(outbound)
    return harness.door.stored[0]


async def test_correlation_id_and_key_go_along(tmp_path: Any) -> None:
    harness = ChannelDestinationHarness(tmp_path)
    received = await sent_by(harness, harness.outbound())

    assert (received.correlation_id, received.natural_id) == ("correlation-1", "key-1")


async def test_circle_of_channels_ends_with_an_error(tmp_path: Any) -> None:
    harness = ChannelDestinationHarness(tmp_path)
    outbound = harness.outbound()
    for _ in range(16):
        received = await sent_by(harness, outbound)
        outbound = msgspec.structs.replace(outbound, attributes=received.attributes)

    with pytest.raises(DestinationError, match="17 channels"):
        await sent_by(harness, outbound)


async def test_channel_that_is_not_there_is_refused(tmp_path: Any) -> None:
    async def nobody(channel: str, received: Received) -> Receipt:
        raise ConfigurationError("there is no such channel", remedy="deploy it")

    destination = ChannelDestination(ChannelDestinationSettings(channel="lost"), context(tmp_path, hand_over=nobody))
    with pytest.raises(DestinationError) as caught:
        await destination.send(ChannelDestinationHarness(tmp_path).outbound())

    assert caught.value.remedy == "deploy it"


async def test_journal_that_refuses_is_a_transport_error_with_nothing_sent(tmp_path: Any) -> None:
    harness = ChannelDestinationHarness(tmp_path)
    await harness.start()
    harness.door.failure = DiskFullError("no space")
    settings = ChannelDestinationSettings.model_validate(harness.settings())
    with pytest.raises(TransportError) as caught:
        await ChannelDestination(settings, harness.context()).send(harness.outbound())

    assert not caught.value.sent
