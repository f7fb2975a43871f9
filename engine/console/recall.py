"""A recalled lot: what came, where it lies, for which cases it was used, what went back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from engine.console.kit import Kit, go, link
from engine.ports.accounts import Role
from engine.ports.lots import LotMention, LotView
from engine.ports.web import Call, WebRoute

_ROWS = 200  # of a stage; the command line and the API have all of them
_ASKED = 200  # characters of a label with all its parts, and more
TITLES = {
    "ordered": "Ordered",
    "shipped": "Announced by the supplier",
    "received": "Received",
    "sent_back": "Sent back to the supplier",
    "moved": "Moved",
    "used": "Used",
    "charged": "Charged",
    "invoiced": "Invoiced",
}
# In the order in which a recall is worked through: who has it, where it lies, then how it came.
ORDER = ("used", "charged", "moved", "sent_back", "received", "shipped", "ordered", "invoiced")


class Part(NamedTuple):
    """Documents of one stage; `more`: those that are not shown."""

    stage: str
    title: str
    rows: Sequence[LotMention]
    more: int


class RecallPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/recall", Role.VIEWER, self.lot, page=True),
            WebRoute("POST", "/recall/find", Role.VIEWER, self.find, page=True),
        )

    async def lot(self, call: Call) -> Response:
        item, lot = call.query("item")[:_ASKED], call.query("lot")[:_ASKED]
        found = await call.operations.p2p.lot(item, lot, call.who) if item else None
        return await self._page(call, item, lot, found, asked=bool(item))

    async def find(self, call: Call) -> Response:
        """What was typed stands in no address unless it is an item and a lot that there are."""
        item, lot = call.field("item")[:_ASKED], call.field("lot")[:_ASKED]
        found = await call.operations.p2p.lot(item, lot, call.who)
        if found is not None:
            return go(link("/recall", item=found.item, lot=found.lot))
        return await self._page(call, item, lot, None, asked=True)

    async def _page(self, call: Call, item: str, lot: str, found: LotView | None, *, asked: bool) -> Response:
        return await self._kit.page(
            call,
            "recall.html",
            item=item,
            lot=lot,
            asked=asked,
            found=found,
            parts_of=parts_of(found) if found else (),
            path_of=path_of,
        )


def parts_of(found: LotView) -> list[Part]:
    """By stage, what calls for a person first."""
    rows = sorted(found.mentions, key=lambda one: ORDER.index(one.stage))
    parts = ((stage, list(inner)) for stage, inner in groupby(rows, lambda one: one.stage))
    return [Part(stage, TITLES[stage], all_[:_ROWS], max(0, len(all_) - _ROWS)) for stage, all_ in parts]


def path_of(one: LotMention) -> str | None:
    """Where its matter is shown; None: it is a matter of its own."""
    number = one.key if one.kind == "PurchaseOrder" else one.order
    return f"/orders/{quote(number, safe='')}" if number else None
