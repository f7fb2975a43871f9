"""Source and destination `channel`: one channel hands its messages to another channel's door.

The hand-over is durable in the other channel's journal before the delivery counts as made. The correlation id
goes along; the delivery's idempotency key is the natural id there, so that a repeat is a duplicate.
"""

from __future__ import annotations

import asyncio

from pydantic import Field

from engine.channel.model import Name, Settings
from engine.core.errors import ConfigurationError, DestinationError, StoreError, TransportError
from engine.core.ids import id_text
from engine.ports.connector import (
    Accept,
    ConnectorContext,
    Delivered,
    Health,
    Outbound,
    Reason,
    Receipt,
    Received,
    Semantics,
    Verdict,
)

_LONGEST_WAY = 16  # channels; more is a circle
_WAY = "way"


class ChannelSourceSettings(Settings):
    """Receives what other channels hand over; there is nothing to set."""


class ChannelSource:
    """The receiving end: the hand-over goes straight to this channel's journal, the source only stays open."""

    def __init__(self, settings: ChannelSourceSettings, context: ConnectorContext) -> None:
        self._context = context

    async def run(self, accept: Accept) -> None:
        await asyncio.Event().wait()

    async def check(self) -> Health:
        return Health(True, "open for other channels")


class ChannelDestinationSettings(Settings):
    """Hands messages or documents to another channel."""

    channel: Name = Field(description="The channel that receives them; its source is of type channel.")


class ChannelDestination:
    """The sending end."""

    def __init__(self, settings: ChannelDestinationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context

    @property
    def semantics(self) -> Semantics:
        return Semantics.IDEMPOTENT

    @property
    def parallel(self) -> int:
        return 64  # they share the journal's next flush

    async def send(self, outbound: Outbound) -> Delivered:
        if self._context.hand_over is None:
            raise ConfigurationError("channels cannot hand over here", where=self._context.name)
        try:
            receipt = await self._context.hand_over(self._settings.channel, self._received(outbound))
        except StoreError as error:
            raise TransportError(f"the channel's journal refuses: {error.code}", where=self._context.name) from None
        except ConfigurationError as error:
            raise DestinationError(error.what, where=self._context.name, remedy=error.remedy) from None
        if _is_refused(receipt):
            raise _refusal(self._settings.channel, receipt.reason)
        return Delivered(reference=id_text(receipt.message_id))

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: handing over again is safe."""
        return None

    async def check(self) -> Health:
        if self._context.hand_over is None:
            return Health(False, "channels cannot hand over here")
        return Health(True, f"hands over to {self._settings.channel}")

    async def close(self) -> None:
        """Nothing is held open."""

    def _received(self, outbound: Outbound) -> Received:
        """Raises DestinationError when the message went round in a circle."""
        way = [*filter(None, outbound.attributes.get(_WAY, "").split(" ")), outbound.channel]
        if len(way) > _LONGEST_WAY:
            raise DestinationError(
                f"the message went through {len(way)} channels",
                where=self._context.name,
                remedy="look for channels that hand over in a circle",
            )
        attributes = dict(outbound.attributes) | {_WAY: " ".join(way), "from_message": id_text(outbound.message_id)}
        return Received(
            outbound.body,
            natural_id=outbound.idempotency_key,
            message_type=outbound.kind,
            attributes=attributes,
            correlation_id=outbound.correlation_id,
        )


def _is_refused(receipt: Receipt) -> bool:
    return receipt.verdict in (Verdict.REFUSED, Verdict.CONFLICT) or (
        receipt.verdict is Verdict.DUPLICATE and receipt.reason is not None
    )


def _refusal(channel: str, reason: Reason | None) -> DestinationError:
    text = f": {reason.code} {reason.text}" if reason else ""
    return DestinationError(
        f"the channel refused it{text}", where=channel, remedy=reason.remedy if reason else "look at that channel"
    )
