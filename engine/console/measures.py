"""Figures of the business as pages: tiles with their trend, and each with its definition, slices, documents and SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from engine.console.figures import spark_points
from engine.console.kit import Kit, link
from engine.ports.accounts import Role
from engine.ports.measures import Behind, MeasureAsk, MeasureRow
from engine.ports.p2p_operations import ref_of
from engine.ports.web import Call, WebRoute
from engine.procure.measures.catalog import GROUPS, NOT_MEASURED, measure
from engine.procure.measures.compute import statement
from engine.procure.measures.measure import Measure

DAYS: Mapping[str, str] = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
PARTS = 6
_BARS = 25  # slices that are drawn; the rest are in the API and the command line
_UNITS = {"percent": "%", "count": "", "money": ""}


class Tile(msgspec.Struct, frozen=True):
    """`values`: by currency mostly one. `points` is the line of the parts of the period."""

    measure: Measure
    values: Sequence[MeasureRow]
    points: str
    trend: str


class Bar(msgspec.Struct, frozen=True):
    """`width`: percent of the longest."""

    of: str
    value: str
    currency: str
    width: int
    link: str


class MeasurePages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/measures", Role.VIEWER, self.overview, page=True),
            WebRoute("GET", "/measures/{name}", Role.VIEWER, self.one, page=True),
        )

    async def overview(self, call: Call) -> Response:
        ask, days = _ask(call)
        rows = await call.operations.measures.figures(ask)
        trend = await call.operations.measures.trend(msgspec.structs.replace(ask, parts=PARTS))
        known = {row.measure for row in rows}
        groups = [
            (title, [_tile(one, rows, trend) for one in group if one.name in known]) for title, group in GROUPS.items()
        ]
        return await self._kit.page(
            call,
            "measures.html",
            groups=[(title, tiles) for title, tiles in groups if tiles],
            promises=await call.operations.measures.promises(msgspec.structs.replace(ask, limit=20)),
            not_measured=NOT_MEASURED,
            days=days,
            offered=DAYS,
            unit_of=unit_of,
            link_to=lambda name: link(f"/measures/{quote(name)}", days=days),
            path_of=path_of,
        )

    async def one(self, call: Call) -> Response:
        one, (ask, days) = measure(str(call.request.path_params["name"])[:80]), _ask(call)
        by = call.query("by") if call.query("by") in one.slices else next(iter(one.slices), None)
        of = call.query("of")[:200] or None
        ask = msgspec.structs.replace(ask, names=(one.name,))
        asks = call.operations.measures
        whole = await asks.figures(ask)
        sliced = await asks.figures(msgspec.structs.replace(ask, by=by)) if by else []
        trend = await asks.trend(msgspec.structs.replace(ask, parts=PARTS))
        behind = await asks.behind(msgspec.structs.replace(ask, by=by if of else None, of=of, limit=50))
        here = f"/measures/{quote(one.name)}"
        return await self._kit.page(
            call,
            "measure.html",
            one=one,
            tile=_tile(one, whole, trend),
            bars=_bars(sliced, lambda name: link(here, days=days, by=by, of=name)),
            more=max(0, len(sliced) - _BARS),
            behind=[(found, path_of(found.dossier, found.key), _adds(one, found)) for found in behind],
            by=by,
            of=of,
            days=days,
            offered=DAYS,
            unit_of=unit_of,
            sql=statement(one, by),
            here=lambda **changed: link(here, **{"days": days, "by": by, **changed}),
        )


def unit_of(one: Measure, currency: str | None = None) -> str:
    unit = _UNITS.get(one.unit, one.unit)
    return f"{unit} of {currency}" if unit == "%" and currency else ", ".join(filter(None, (unit, currency)))


def path_of(dossier: str, key: str = "") -> str | None:
    """The page of an exception or of a matter, when it has one."""
    if key.startswith(f"{dossier}#"):
        return f"/cases/{ref_of(key)}"
    kind, _, number = dossier.partition(":")
    return f"/orders/{quote(number, safe='')}" if kind == "order" else None


def _ask(call: Call) -> tuple[MeasureAsk, str]:
    days = call.query("days") if call.query("days") in DAYS else "30"
    until = datetime.now(UTC).replace(microsecond=0)
    return MeasureAsk(until - timedelta(days=int(days)), until), days


def _tile(one: Measure, rows: Sequence[MeasureRow], trend: Sequence[Sequence[MeasureRow]]) -> Tile:
    values = [row for row in rows if row.measure == one.name]
    first = values[0].currency if values else None
    found = [_first(part, one.name, first) for part in trend]
    known = [float(value) for value in found if value is not None]  # for the drawing only
    words = ", ".join("none" if value is None else value for value in found)
    return Tile(one, values, spark_points(known), f"{one.title}, oldest first: {words}")


def _first(rows: Sequence[MeasureRow], name: str, currency: str | None) -> str | None:
    return next((row.value for row in rows if (row.measure, row.currency) == (name, currency)), None)


def _bars(rows: Sequence[MeasureRow], link_to: Any) -> list[Bar]:
    known = sorted((row for row in rows if row.value is not None), key=lambda row: (-Decimal(row.value or 0), row.of))
    longest = max((abs(Decimal(row.value or 0)) for row in known), default=Decimal(0))
    return [
        Bar(
            row.of, row.value or "", row.currency or "",
            int(abs(Decimal(row.value or 0)) * 100 / longest) if longest else 0, link_to(row.of),
        )
        for row in known[:_BARS]
    ]  # fmt: skip


def _adds(one: Measure, found: Behind) -> str:
    """What one document says by itself."""
    value = one.value(int(Decimal(found.numerator)), int(Decimal(found.denominator)))
    return "" if value is None else format(value, "f")
