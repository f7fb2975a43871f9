"""What operators can ask of a running engine: the command line, the API and the console all call this and nothing else.

Every call that changes or reads a message names who asks; the engine writes the audit record itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from engine.ports.approvals import ApprovalOperations
from engine.ports.connector import Attachment, Health
from engine.ports.journal import MessageRow, MessageView, Query, RevisionRow
from engine.ports.measures import MeasureOperations
from engine.ports.p2p_operations import P2pOperations
from engine.ports.payments import PaymentOperations


class DestinationStatus(msgspec.Struct, frozen=True):
    """`state`: `sending`, `idle`, `retrying`, `open` (circuit), `window` (maintenance), `paused`."""

    name: str
    type: str
    state: str
    queued: int
    delivered: int
    errors: int
    last_error: str | None
    next_attempt_at: datetime | None


class Latency(msgspec.Struct, frozen=True):
    """How long something took, since start: `counts` holds one more than `bounds` (seconds, ascending), for what took
    longer than all of them; `total_seconds` is the sum."""

    bounds: Sequence[float]
    counts: Sequence[int]
    total_seconds: float


class ChannelStatus(msgspec.Struct, frozen=True):
    """`state`: `running`, `paused` (receives and journals, transforms nothing), `stopped` (receives nothing), `failed`.

    `per_second` is the intake rate over the last ten seconds. `counts` is messages by state name, all time stored.
    `recent` is the intake rate of past intervals of equal length, oldest first, for a small chart; may be empty.
    `acknowledged` is from arrival to durable, when the acknowledgement may leave.
    """

    name: str
    title: str
    facility: str | None
    source: str
    state: str
    revision: int
    per_second: float
    received: int
    counts: Mapping[str, int]
    destinations: Sequence[DestinationStatus]
    last_error: str | None
    last_received_at: datetime | None
    recent: Sequence[float] = ()
    acknowledged: Latency | None = None


class EngineStatus(msgspec.Struct, frozen=True):
    version: str
    node: str
    started_at: datetime
    site: str
    store: str
    channels: Sequence[ChannelStatus]
    notices: Sequence[str] = ()


class ReplayPlan(msgspec.Struct, frozen=True):
    """What a replay would do; nothing has been done. `duplicates` is how many deliveries would reach a destination
    that already has them under the same idempotency key (0 unless forced: they are skipped)."""

    plan_id: str
    messages: int
    first: datetime | None
    last: datetime | None
    channels: Mapping[str, int]
    destinations: Mapping[str, int]
    already_delivered: int
    duplicates: int
    changes: Sequence[Mapping[str, str]] = ()
    money_delta: Mapping[str, Decimal] = {}


class ChannelDiff(msgspec.Struct, frozen=True):
    """`change`: `new`, `changed`, `removed`, `unreadable` (its file has a mistake), `same`. `lines` is a unified
    diff; `effects` says it in words."""

    channel: str
    change: str
    active_revision: int | None
    lines: Sequence[str]
    effects: Sequence[str]


POLICIES = "policies"  # what they are called where channels have their names
PARTNERS = "partners"  # likewise; they have no revisions


class PolicyRevisions(Protocol):
    """Policies are deployed, compared and gone back to like channels. Given are those of a site
    (engine/channel/policies.py)."""

    async def diff(self, on_disk: Any) -> ChannelDiff | None: ...

    async def deploy(self, policies: Any, who: str, note: str | None) -> RevisionRow | None: ...

    async def rollback(self, revision: int | None, who: str, note: str | None) -> RevisionRow: ...

    async def history(self) -> list[RevisionRow]:
        """Oldest first."""
        ...


class Operations(Protocol):
    """What can be asked of a running engine."""

    @property
    def p2p(self) -> P2pOperations:
        """The procure-to-pay process."""
        ...

    @property
    def approvals(self) -> ApprovalOperations:
        """What waits for people's approval."""
        ...

    @property
    def measures(self) -> MeasureOperations:
        """Figures of the business."""
        ...

    @property
    def payments(self) -> PaymentOperations:
        """Payment runs and payments."""
        ...

    async def status(self) -> EngineStatus: ...

    async def search(self, query: Query, who: str) -> list[MessageRow]: ...

    async def view(self, message_id: int, who: str) -> MessageView | None:
        """Audited: a read of patient data."""
        ...

    async def attachment(self, message_id: int, position: int, who: str) -> Attachment | None:
        """A file kept with a message, from 0. Audited, as `view` is.

        Raises:
            ChecksumError: it is not what was stored.
        """
        ...

    async def set_channel(self, channel: str, state: str, who: str, reason: str | None) -> ChannelStatus:
        """`state`: running, paused, stopped."""
        ...

    async def resend(self, message_id: int, who: str, reason: str, body: bytes | None = None) -> int:
        """Send a HELD message through its channel again, with the edited body when given.

        Returns the id that goes on: the same, or the successor's. Raises IsthmusError when it is not HELD.
        """
        ...

    async def resend_delivery(self, delivery_id: int, who: str, reason: str) -> None: ...

    async def confirm_delivery(self, delivery_id: int, who: str, reason: str, reference: str | None) -> None: ...

    async def discard(self, message_id: int, who: str, reason: str) -> None: ...

    async def plan_replay(self, query: Query, who: str, revision: int | None = None) -> ReplayPlan: ...

    async def replay(self, plan_id: str, who: str, reason: str) -> int:
        """Carry out a plan; deliveries already made are skipped. Returns how many messages were replayed."""
        ...

    async def diff(self) -> list[ChannelDiff]:
        """The site on disk against what is deployed."""
        ...

    async def deploy(self, channels: Sequence[str], who: str, note: str | None) -> list[RevisionRow]: ...

    async def rollback(self, channel: str, revision: int | None, who: str, note: str | None) -> RevisionRow: ...

    async def history(self, channel: str | None) -> list[RevisionRow]: ...

    async def check(self, channel: str | None = None) -> dict[str, Health]: ...

    async def prune(self, before: datetime, who: str) -> int: ...

    async def audit_records(self, subject: str | None, limit: int) -> list[dict[str, Any]]: ...
