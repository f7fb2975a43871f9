"""Doors that are shut: a context for connectors' own code that reaches no network, no ledger and no secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.channel.model import ChannelModel
from engine.channel.site import Site
from engine.core.clock import SystemClock
from engine.core.errors import SecretMissingError
from engine.ports.connector import ConnectorContext
from engine.ports.ledger import Claim, OutboundNumber


class DryLedger:
    """Every number is new, and none is kept: the first outbound interchange of a partner is always number 1."""

    async def claim(self, partner: str, control_number: str, message_id: int, digest: bytes) -> Claim:
        return Claim.FIRST

    async def allocate(self, partner: str, delivery_key: str, transaction_set: str) -> OutboundNumber:
        return OutboundNumber(partner, 1, delivery_key, transaction_set, SystemClock().now())

    async def acknowledge(self, partner: str, number: int, outcome: str, note: str | None) -> OutboundNumber | None:
        return None

    async def unacknowledged(self, older_than: datetime) -> list[OutboundNumber]:
        return []

    async def remark_overdue(self, partner: str, number: int, note: str) -> bool:
        return False

    async def of_deliveries(self, delivery_keys: Sequence[str]) -> list[OutboundNumber]:
        return []

    async def outbound(self, partner: str | None = None, limit: int = 100) -> list[OutboundNumber]:
        return []


class NoSecrets:
    """Refuses every reference: a dry run reaches nobody and needs none."""

    def resolve(self, reference: str) -> str:
        raise SecretMissingError("a dry run uses no secrets", where=reference)


def dry_context(
    site: Site, channel: ChannelModel, format_name: str | None, layout: str | None = None
) -> ConnectorContext:
    """`layout`: of the source, or of the destination that is looked at."""
    return ConnectorContext(
        name=channel.channel,
        channel=channel.channel,
        root=site.root,
        clock=SystemClock(),
        secrets=NoSecrets(),
        ledger=DryLedger(),
        connections=site.connections,
        services={"x12_partners": site.partners},
        format=format_name,
        charset=channel.charset,
        layout=site.layouts[layout].table() if layout is not None and layout in site.layouts else None,
    )
