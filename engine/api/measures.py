"""Figures of the business over the API: calls, the control socket's client, and what a person's facilities show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from engine.api.answers import answer
from engine.api.reading import BadRequestError
from engine.api.wire import from_wire
from engine.core.errors import AccessError
from engine.ports.accounts import Role
from engine.ports.measures import (
    Behind,
    Difference,
    MeasureAsk,
    MeasureOperations,
    MeasureRow,
    Promises,
)
from engine.ports.web import Call, WebRoute

USUAL = timedelta(days=30)
MOST_PARTS, MOST_ROWS = 60, 1000


# ------------------------------------------------------------------ calls
def asked(call: Call, names: tuple[str, ...] = ()) -> MeasureAsk:
    """From the query: `name` (with commas), `since`, `until`, `by`, `of`, `parts`, `limit`. The usual period is the
    last 30 days.

    Raises:
        BadRequestError: a time or a number is not one.
    """
    until = _moment(call.query("until")) or datetime.now(UTC).replace(microsecond=0)
    since = _moment(call.query("since")) or until - USUAL
    if since >= until:
        raise BadRequestError("since must be before until")
    return MeasureAsk(
        since,
        until,
        names or tuple(one for one in call.query("name").split(",") if one),
        call.query("by") or None,
        call.query("of") or None,
        _count(call, "parts", 1, MOST_PARTS),
        _count(call, "limit", 100, MOST_ROWS),
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise BadRequestError("a time is written as 2026-11-01 or 2026-11-01T08:00:00+00:00") from None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _count(call: Call, name: str, usual: int, most: int) -> int:
    text = call.query(name) or str(usual)
    if not text.isdecimal() or not 1 <= int(text[:6]) <= most:
        raise BadRequestError(f"{name} must be 1 to {most}")
    return int(text)


async def figures(call: Call) -> Response:
    return answer(await call.operations.measures.figures(asked(call)))


async def trend(call: Call) -> Response:
    return answer(await call.operations.measures.trend(asked(call)))


async def behind(call: Call) -> Response:
    ask = asked(call)
    if len(ask.names) != 1:
        raise BadRequestError("name one measure")
    return answer(await call.operations.measures.behind(ask))


async def promises(call: Call) -> Response:
    return answer(await call.operations.measures.promises(asked(call)))


async def check(call: Call) -> Response:
    return answer(await call.operations.measures.check(asked(call)))


async def remake(call: Call) -> Response:
    return answer({"dossiers": await call.operations.measures.remake(call.who)})


_PATH = "/api/p2p/measures"
ROUTES: tuple[WebRoute, ...] = (
    WebRoute("GET", _PATH, Role.VIEWER, figures),
    WebRoute("GET", f"{_PATH}/trend", Role.VIEWER, trend),
    WebRoute("GET", f"{_PATH}/behind", Role.VIEWER, behind),
    WebRoute("GET", f"{_PATH}/promises", Role.VIEWER, promises),
    WebRoute("GET", f"{_PATH}/check", Role.OPERATOR, check),
    WebRoute("POST", f"{_PATH}/remake", Role.ADMIN, remake),
)


# ------------------------------------------------------------------ the client
class RemoteMeasures:
    """`MeasureOperations` of a running engine, through its control socket."""

    def __init__(self, get: Callable[..., Awaitable[Any]], post: Callable[..., Awaitable[Any]]) -> None:
        self._get, self._post = get, post

    async def figures(self, ask: MeasureAsk) -> list[MeasureRow]:
        return from_wire(list[MeasureRow], await self._get(_PATH, **_query(ask)))

    async def trend(self, ask: MeasureAsk) -> list[list[MeasureRow]]:
        return from_wire(list[list[MeasureRow]], await self._get(f"{_PATH}/trend", **_query(ask)))

    async def behind(self, ask: MeasureAsk) -> list[Behind]:
        return from_wire(list[Behind], await self._get(f"{_PATH}/behind", **_query(ask)))

    async def promises(self, ask: MeasureAsk) -> Promises:
        return from_wire(Promises, await self._get(f"{_PATH}/promises", **_query(ask)))

    async def check(self, ask: MeasureAsk) -> list[Difference]:
        return from_wire(list[Difference], await self._get(f"{_PATH}/check", **_query(ask)))

    async def remake(self, who: str) -> int:
        """Who it is, the engine knows by itself."""
        return int((await self._post(f"{_PATH}/remake", {}))["dossiers"])


def _query(ask: MeasureAsk) -> dict[str, str | None]:
    return {
        "since": ask.since.isoformat(),
        "until": ask.until.isoformat(),
        "name": ",".join(ask.names) or None,
        "by": ask.by,
        "of": ask.of,
        "parts": str(ask.parts),
        "limit": str(ask.limit),
    }


# ------------------------------------------------------------------ facilities
class ScopedMeasures:
    """The figures of some facilities only; what cannot be told by facility does not exist."""

    def __init__(self, inner: MeasureOperations, facilities: frozenset[str]) -> None:
        self._inner, self._facilities = inner, tuple(sorted(facilities))

    async def figures(self, ask: MeasureAsk) -> list[MeasureRow]:
        return await self._inner.figures(self._mine(ask))

    async def trend(self, ask: MeasureAsk) -> list[list[MeasureRow]]:
        return await self._inner.trend(self._mine(ask))

    async def behind(self, ask: MeasureAsk) -> list[Behind]:
        return await self._inner.behind(self._mine(ask))

    async def promises(self, ask: MeasureAsk) -> Promises:
        return await self._inner.promises(self._mine(ask))

    async def check(self, ask: MeasureAsk) -> list[Difference]:
        raise AccessError("the check looks at every facility", remedy="ask somebody who answers for all of them")

    async def remake(self, who: str) -> int:
        raise AccessError("the rows of every facility are made anew", remedy="ask somebody who answers for all of them")

    def _mine(self, ask: MeasureAsk) -> MeasureAsk:
        return msgspec.structs.replace(ask, facilities=self._facilities)
