"""What an engine does by itself once a day: drop finished messages whose time is over, look at certificates and at
whatever else it is given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from engine.channel.settings import RetentionSettings
from engine.core.clock import Clock
from engine.flow.certificates import CertificateWatch
from engine.ports.audit import Audit
from engine.ports.journal import Journal

log = logging.getLogger("isthmus.housekeeping")

_LOOK_SECONDS = 30.0


def is_due(now: datetime, last: datetime, at: str, zone: str) -> bool:
    """Has the daily time `at` (HH:MM on the wall clock of `zone`) passed between `last` and `now`, both aware?"""
    local = now.astimezone(ZoneInfo(zone))
    wanted = datetime.combine(local.date(), time.fromisoformat(at), ZoneInfo(zone))
    if wanted > local:
        wanted = datetime.combine(local.date() - timedelta(days=1), time.fromisoformat(at), ZoneInfo(zone))
    return last.timestamp() < wanted.timestamp() <= now.timestamp()


class Housekeeping:
    """Runs until cancelled. The audit names `retention` as who did it."""

    def __init__(
        self,
        journal: Journal,
        audit: Audit,
        clock: Clock,
        settings: RetentionSettings,
        zone: str,
        certificates: CertificateWatch | None = None,
        looks: Mapping[str, Callable[[datetime], Awaitable[None]]] = MappingProxyType({}),
    ) -> None:
        """`looks`: further ones, by what they look at."""
        self._journal, self._audit, self._clock = journal, audit, clock
        self._settings, self._zone, self._certificates, self._looks = settings, zone, certificates, looks

    async def run(self) -> None:
        last = self._clock.now()
        await self.look_at_certificates(last)
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = self._clock.now()
            if is_due(now, last, self._settings.at, self._zone):
                await self.clean(now)
                await self.look_at_certificates(now)
                await self.look_at_others(now)
            last = now

    async def look_at_certificates(self, now: datetime) -> None:
        try:
            if self._certificates is not None:
                await self._certificates.look(now)
        except Exception as error:  # the engine's work must go on whatever stands in the files
            log.error("the certificates were not looked at: %s", type(error).__name__)

    async def look_at_others(self, now: datetime) -> None:
        for name, look in self._looks.items():
            try:
                await look(now)
            except Exception as error:  # one that fails keeps neither the others nor the engine from going on
                log.error("the daily look at %s failed: %s", name, type(error).__name__)

    async def clean(self, now: datetime) -> int:
        """Drop what is older than the retention; a store that is away is tried again the next day."""
        before = now - self._settings.messages
        try:
            await self._audit.record("retention", "prune", f"messages received before {before.isoformat()}")
            dropped = await self._journal.prune(before)
        except Exception as error:  # the engine's work must go on whatever the clean-up meets
            log.error("the daily clean-up failed and is tried again tomorrow: %s", type(error).__name__)
            return 0
        log.info("the daily clean-up dropped %d messages", dropped)
        return dropped
