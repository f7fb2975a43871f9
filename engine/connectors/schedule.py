"""Source `schedule`: a small JSON message at each due time of a cron expression or interval.

The due time is the natural id, so a time that is met twice (restart, clock set back, a second node) is a
duplicate. Times that were passed over are made up for: all after a clock was set forward, the latest after a start.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, field_validator, model_validator

from engine.channel.model import Duration, Settings
from engine.connectors.cron import Cron, Every, Plan, between
from engine.core.errors import StoreError
from engine.ports.connector import Accept, ConnectorContext, Health, Received

_LOOK_AT_LEAST_EVERY = 5.0  # seconds: so late is a clock that was set noticed
_TRY_AGAIN_AFTER = 1.0  # seconds, when the store refuses
_SHORTEST = timedelta(seconds=1)
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)  # of a leap year: 29 February is found


class Timetable(Settings):
    """When something is due."""

    cron: str | None = Field(
        default=None, description="Five fields: minute hour day month weekday.", examples=["30 2 * * mon-fri"]
    )
    every: Duration | None = Field(default=None, description="Interval, instead of cron.", examples=["15m"])
    zone: str = Field(default="UTC", description="Zone of the cron fields, an IANA name.", examples=["America/Chicago"])

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise ValueError("not a zone; write an IANA name, for example America/Chicago") from None
        return name

    @model_validator(mode="after")
    def _one_plan(self) -> Self:
        if (self.cron is None) == (self.every is None):
            raise ValueError("a schedule has either cron or every")
        if self.every is not None and self.every < _SHORTEST:
            raise ValueError("the shortest interval is 1s")
        if self.plan().after(_SOME_DAY) is None:
            raise ValueError("these fields name a day that no year has: it would never be due")
        return self

    def plan(self) -> Plan:
        """Raises ValueError: not a cron expression."""
        return Cron(self.cron, self.zone) if self.cron is not None else Every(self.every or _SHORTEST)


class ScheduleSourceSettings(Timetable):
    """When messages are made, and what they say besides their time."""

    catch_up: Duration = Field(
        default=timedelta(minutes=15), description="At start, due times this long ago are made up for."
    )
    missed: Literal["latest", "all"] = Field(
        default="latest", description="Which of several due times are made up for at start."
    )
    message: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of each message.", examples=[{"report": "open orders"}]
    )

    @model_validator(mode="after")
    def _own_fields_stay(self) -> Self:
        if {"scheduled_for", "local_time"} & set(self.message):
            raise ValueError("scheduled_for and local_time are set by the schedule itself")
        return self


class ScheduleSource:
    """Makes the messages of one schedule."""

    def __init__(self, settings: ScheduleSourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._plan, self._zone = settings.plan(), ZoneInfo(settings.zone)
        self._done_until: datetime | None = None
        self._looked_at: datetime | None = None

    async def run(self, accept: Accept) -> None:
        while True:
            await asyncio.sleep(await self.look(accept))

    async def look(self, accept: Accept) -> float:
        """Make what is due now. Returns seconds until the next look."""
        now = self._context.clock.now()
        for due in self._due(now):
            try:
                await accept(self._received(due))
            except StoreError:  # nothing was stored: this time stays due
                return _TRY_AGAIN_AFTER
            self._done_until = due
        self._done_until = now
        return self._pause(now)

    def _due(self, now: datetime) -> Iterable[datetime]:
        starting = self._done_until is None
        due = between(self._plan, self._since(now), now)
        return deque(due, maxlen=1) if starting and self._settings.missed == "latest" else due

    async def check(self) -> Health:
        due = self._plan.after(self._context.clock.now())
        return Health(due is not None, f"next at {due.isoformat()}" if due else "never due again")

    def _since(self, now: datetime) -> datetime:
        """Where to go on. A clock set back starts again from there: what was made already is a duplicate."""
        back = self._looked_at is not None and now < self._looked_at
        self._looked_at = now
        if self._done_until is None:
            self._done_until = now - self._settings.catch_up
        elif back:
            self._done_until = min(now, self._done_until)
        return self._done_until

    def _pause(self, now: datetime) -> float:
        due = self._plan.after(now)
        left = _LOOK_AT_LEAST_EVERY if due is None else (due - now).total_seconds()
        return min(left, _LOOK_AT_LEAST_EVERY)

    def _received(self, due: datetime) -> Received:
        """The same bytes whenever it is made."""
        times = {
            "scheduled_for": due.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "local_time": due.astimezone(self._zone).isoformat(),
        }
        body = msgspec.json.encode(times | self._settings.message)
        return Received(body, natural_id=times["scheduled_for"], message_type="schedule")
