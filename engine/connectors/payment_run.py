"""Source `payment_run`: on each of its days, what is to be paid, as one message whose body is a PaymentRun in JSON.

Its payments are proposed in the process first; the message is for whoever pays: the ERP, or people with a file.

source: {type: payment_run, cron: "0 10 * * tue,thu", zone: America/New_York}
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import cast
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from engine.canonical import Money
from engine.channel.model import Duration
from engine.connectors.cron import between
from engine.connectors.schedule import Timetable
from engine.core.errors import ConfigurationError, StoreError
from engine.ports.connector import Accept, ConnectorContext, Health, Received
from engine.ports.payment_runs import Proposes, RunRules

RUNS = "payment_runs"  # name in ConnectorContext.services
_LONGEST_PAUSE = 5.0  # seconds
_TRY_AGAIN_AFTER = 1.0


class PaymentRunSettings(Timetable):
    """When runs are made, and what they may pay."""

    catch_up: Duration = Field(
        default=timedelta(hours=12), description="At start, a run that was due this long ago is made up for."
    )
    money_costs: Decimal = Field(
        default=Decimal(8), ge=0, le=100,
        description="Percent a year; a discount that earns less is not paid early for.", examples=["8"],
    )  # fmt: skip
    limit: Decimal | None = Field(
        default=None, gt=0, description="The most that one run pays: overdue first, then due, then discounts.",
        examples=["250000.00"],
    )  # fmt: skip
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="Currency of the limit.")

    @field_validator("money_costs", "limit", mode="before")
    @classmethod
    def _exact(cls, value: object) -> object:
        if isinstance(value, float):
            raise ValueError('amounts are exact: write them in quotes, "250000.00"')
        return value

    @property
    def rules(self) -> RunRules:
        limit = None if self.limit is None else Money(amount=self.limit, currency=self.currency)
        return RunRules(Fraction(self.money_costs) / 100, limit)


class PaymentRunSource:
    """A due time has one run: its number is made from the time, so a time that is met twice pays nothing twice."""

    def __init__(self, settings: PaymentRunSettings, context: ConnectorContext) -> None:
        runs = context.services.get(RUNS)
        if runs is None:
            raise ConfigurationError("there is no process in this engine", where=context.name)
        self._settings, self._context, self._runs = settings, context, cast("Proposes", runs)
        self._plan, self._zone = settings.plan(), ZoneInfo(settings.zone)
        self._done_until: datetime | None = None

    async def run(self, accept: Accept) -> None:
        while True:
            await asyncio.sleep(await self.look(accept))

    async def look(self, accept: Accept) -> float:
        """Make the run that is due. Of several that were missed, the latest pays for all. Returns seconds to wait."""
        now = self._context.clock.now()
        since = self._done_until or now - self._settings.catch_up
        for due in deque(between(self._plan, since, now), maxlen=1):
            try:
                await self._make(due, accept)
            except StoreError:  # what was done is found again
                return _TRY_AGAIN_AFTER
        self._done_until = max(now, since)
        after = self._plan.after(now)
        return _LONGEST_PAUSE if after is None else min((after - now).total_seconds(), _LONGEST_PAUSE)

    async def _make(self, due: datetime, accept: Accept) -> None:
        after = self._plan.after(due)
        pay_on = due.astimezone(self._zone).date()
        next_run = pay_on + timedelta(days=1) if after is None else after.astimezone(self._zone).date()
        number = f"RUN-{due.astimezone(UTC):%Y%m%dT%H%M%S}"
        run = await self._runs.propose(number, pay_on, max(next_run, pay_on), self._settings.rules)
        body = run.model_dump_json(exclude_none=True).encode()
        await accept(Received(body, natural_id=number, message_type=run.kind, attributes={"run_number": number}))

    async def check(self) -> Health:
        due = self._plan.after(self._context.clock.now())
        return Health(due is not None, f"next run at {due.isoformat()}" if due else "never due again")
