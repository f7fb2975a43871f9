"""Certificates of doors and destinations that will soon expire: told in the log, in the metrics and on the console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.channel.model import ChannelModel
from engine.flow.meter import Emit
from engine.ports.connector import Health

FIRST_DAYS, DAILY_DAYS = 30, 7  # told once in the last month, then every day of the last week

Place = tuple[str, str]
"""Who uses a certificate (`orders`, `orders.erp`, `console`) and its file as the settings name it.

A partner's is used by `orders.partner ALDERBROOK`: of several files there, the one that lasts longest counts, for it
follows the others.
"""
_OF_PARTNER = ".partner "


def certificates_of(models: Iterable[ChannelModel]) -> Iterator[Place]:
    """What these channels name: our own for TLS and for signing (AS2), and the partners' for AS2."""
    for model in models:
        yield from _named(model.channel, model.source.settings)
        for destination in model.destinations:
            yield from _named(f"{model.channel}.{destination.name}", destination.settings)


def _named(place: str, settings: Mapping[str, Any]) -> Iterator[Place]:
    for named in (settings, settings.get("tls")):
        if isinstance(named, Mapping) and isinstance(named.get("certificate"), str):
            yield place, named["certificate"]
    partners = settings.get("partners")
    for one in partners if isinstance(partners, list | tuple) else ():
        if isinstance(one, Mapping):
            yield from _of_partner(place, one.get("as2_id"), one.get("certificates"))
    yield from _of_partner(place, settings.get("as2_to"), settings.get("partner_certificates"))


def _of_partner(place: str, name: object, files: object) -> Iterator[Place]:
    for file in files if isinstance(files, list | tuple) else ():
        if isinstance(file, str):
            yield f"{place}{_OF_PARTNER}{name}", file


class CertificateWatch:
    """`notices` are sentences for people, as of the last look.

    Args:
        places: the certificates in use now.
        days_left: whole days until a PEM file's certificate expires, negative afterwards; None: it cannot be read.
    """

    def __init__(
        self,
        root: Path,
        places: Callable[[], Iterable[Place]],
        days_left: Callable[[Path, datetime], int | None],
        emit: Emit,
    ) -> None:
        self._root, self._places, self._days_left, self._emit = root, places, days_left, emit
        self._told: dict[Place, int] = {}
        self.notices: tuple[str, ...] = ()

    async def look(self, now: datetime) -> None:
        soon = {place: days for place, days in (await self._left(now)).items() if days <= FIRST_DAYS}
        for place, days in soon.items():
            if place not in self._told or days <= DAILY_DAYS:
                self._emit("certificate_expiring", place[0], {"file": place[1], "days": days, "when": when(days)})
        self._told = soon
        self.notices = tuple(f"{place}: the certificate {file} {when(days)}" for (place, file), days in soon.items())

    async def check(self, now: datetime) -> dict[Place, Health]:
        """Every certificate that can be read; only one that has expired is not well: the others still work."""
        return {
            (place, file): Health(days >= 0, f"{file} {when(days)}{_advice(place) if days <= FIRST_DAYS else ''}")
            for (place, file), days in (await self._left(now)).items()
        }

    async def _left(self, now: datetime) -> dict[Place, int]:
        places = sorted(set(self._places()))
        # Reading certificates waits for the disk, and its library takes long to load.
        left = await asyncio.to_thread(lambda: [self._days_left(self._root / file, now) for _, file in places])
        known = {place: days for place, days in zip(places, left, strict=True) if days is not None}
        return {place: days for place, days in known.items() if not _is_followed(place, days, known)}


def _is_followed(place: Place, days: int, known: Mapping[Place, int]) -> bool:
    """A partner's other certificate lasts longer: what comes is checked against both."""
    who, file = place
    others = ((last, name) for (other, name), last in known.items() if other == who and _OF_PARTNER in who)
    return max(others, default=(days, file)) > (days, file)


def _advice(place: str) -> str:
    if _OF_PARTNER in place:
        return "; ask the partner for its next one, name it beside this one and deploy"
    return "; put a new one there and deploy"


def when(days: int) -> str:
    """In words; `days` are whole ones, negative once it is over."""
    if days < 0:
        return "has expired"
    return f"expires in {days} day{'' if days == 1 else 's'}" if days else "expires within a day"
