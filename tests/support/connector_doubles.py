"""In-memory doubles of what a connector meets: the journal's door, the control-number ledger, secrets, a clock."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from engine.core.errors import ConflictError, SecretMissingError
from engine.core.ids import IdSource
from engine.ports.connector import Accept, ConnectorContext, Reason, Receipt, Received, Settled, Verdict
from engine.ports.ledger import Claim, ControlNumberLedger, OutboundNumber


class Door:
    """An `Accept` in memory: a known natural id is a duplicate, or a conflict when the body differs, as in the journal.

    Set `failure` to let the store fail, clear `open` to keep receipts waiting, set `judge` to refuse messages
    and `settled` for `acknowledge: after_delivery`. `stored` holds what was accepted or refused, in order.
    """

    def __init__(self) -> None:
        self.stored: list[Received] = []
        self.asked = 0
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.settled: Callable[[Received], asyncio.Future[Settled]] | None = None
        self.judge: Callable[[Received], Reason | None] = lambda received: received.refusal
        self.backlogged = False
        self._first: dict[tuple[str, str], tuple[bytes, Receipt]] = {}
        self._ids = IdSource()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, received: Received) -> Receipt:
        self.asked += 1
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return self._append(received)

    def submit(self, received: Received, done: Callable[[Receipt | Exception], None]) -> None:
        async def accept() -> None:
            try:
                outcome: Receipt | Exception = await self(received)
            except Exception as error:
                outcome = error
            done(outcome)

        task = asyncio.get_running_loop().create_task(accept())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def accepted(self) -> list[Received]:
        """Those that have a business effect."""
        return [one for one in self.stored if one.refusal is None]

    def _append(self, received: Received) -> Receipt:
        digest = hashlib.blake2b(received.body, digest_size=16).digest()
        key = (received.scope or "", received.natural_id or "")
        if received.natural_id is not None and key in self._first:
            first_digest, first = self._first[key]
            if first_digest == digest:
                return Receipt(Verdict.DUPLICATE, first.message_id, first.received_at, first.reason)
            reason = Reason(ConflictError.code, "the same id came before with another body")
            return Receipt(Verdict.CONFLICT, self._ids.next(), datetime.now(UTC), reason)
        return self._store(received, key, digest)

    def _store(self, received: Received, key: tuple[str, str], digest: bytes) -> Receipt:
        refusal = self.judge(received)
        verdict = Verdict.REFUSED if refusal else Verdict.ACCEPTED
        settled = self.settled(received) if self.settled else None
        receipt = Receipt(verdict, self._ids.next(), datetime.now(UTC), refusal, settled)
        self.stored.append(received)
        if received.natural_id is not None:
            self._first[key] = (digest, receipt)
        return receipt


class Secrets:
    """`Secrets({"env:TOKEN": "value"})`."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def resolve(self, reference: str) -> str:
        if reference not in self.values:
            raise SecretMissingError("the secret is not set", where=reference)
        return self.values[reference]


class Clock:
    """Time that moves when told to."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) -> None:
        self.moment, self.seconds = now, 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, by: timedelta) -> None:
        """Time passes: both clocks move."""
        self.moment += by
        self.seconds += by.total_seconds()

    def set(self, now: datetime) -> None:
        """Somebody sets the wall clock; no time passes."""
        self.moment = now


class Ledger:
    """A `ControlNumberLedger` in memory."""

    def __init__(self) -> None:
        self.claims: dict[tuple[str, str], int] = {}
        self.numbers: dict[tuple[str, str], OutboundNumber] = {}

    async def claim(self, partner: str, control_number: str, message_id: int, digest: bytes) -> Claim:
        first = self.claims.setdefault((partner, control_number), message_id)
        return Claim.FIRST if first == message_id else Claim.REPEATED

    async def allocate(self, partner: str, delivery_key: str, transaction_set: str) -> OutboundNumber:
        key = (partner, delivery_key)
        if key not in self.numbers:
            number = 1 + sum(1 for known, _ in self.numbers if known == partner)
            made_at = datetime(2026, 3, 1, tzinfo=UTC)
            self.numbers[key] = OutboundNumber(partner, number, delivery_key, transaction_set, made_at)
        return self.numbers[key]

    async def acknowledge(self, partner: str, number: int, outcome: str, note: str | None) -> OutboundNumber | None:
        return next((one for one in self.numbers.values() if (one.partner, one.number) == (partner, number)), None)

    async def unacknowledged(self, older_than: datetime) -> list[OutboundNumber]:
        return [one for one in self.numbers.values() if one.acknowledged is None and one.made_at < older_than]

    async def remark_overdue(self, partner: str, number: int, note: str) -> bool:
        for key, one in self.numbers.items():
            if (one.partner, one.number, one.state) == (partner, number, "waiting"):
                self.numbers[key] = msgspec.structs.replace(one, note=note)
                return True
        return False

    async def of_deliveries(self, delivery_keys: Sequence[str]) -> list[OutboundNumber]:
        return [one for one in self.numbers.values() if one.delivery_key in delivery_keys]

    async def outbound(self, partner: str | None = None, limit: int = 100) -> list[OutboundNumber]:
        return [one for one in self.numbers.values() if partner in (None, one.partner)][-limit:][::-1]


def context(root: Path, **replaced: Any) -> ConnectorContext:
    """A connector's surroundings in a test; any field can be replaced."""
    ledger: ControlNumberLedger = Ledger()
    usual: dict[str, Any] = {
        "name": "under_test",
        "channel": "under_test",
        "root": root,
        "clock": Clock(),
        "secrets": Secrets(),
        "ledger": ledger,
    }
    return ConnectorContext(**(usual | replaced))


def _keeps_the_port(door: Door) -> Accept:
    return door
