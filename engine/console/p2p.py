"""Exceptions and orders: a case with its evidence and decisions, an order's way."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from engine.console.channels import live_answer
from engine.console.kit import Kit, go, need_reason
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.p2p_operations import CaseAsk, CaseView, EvidenceLine, Hit, Lineage
from engine.ports.web import Call, WebRoute

TONES = {"open": "warn", "decided": "good", "gone": "quiet", "done": "good", "waiting": "busy", "trouble": "bad"}
STATUS_TONES = {"matched": "good", "posted": "good", "paid": "good", "exception": "warn", "waiting": "busy"}
ACTIONS: Mapping[str, tuple[str, str]] = {
    "accept": ("Accept", "The document is taken as it is, although it differs."),
    "correct": ("Correct", "Say which field is wrong and what is right; the document itself is kept as it came."),
    "return_to_supplier": ("Return to supplier", "The supplier is told why by an application advice (824)."),
    "hold": ("Hold", "Nothing happens until then, or until somebody decides otherwise."),
    "split": ("Split", "One line of the invoice goes to two lines of orders."),
    "rematch": ("Match again", "The matter is decided over anew, with all that is known now."),
    "release": ("Release", "The hold ends: the matter goes on."),
    "reject": ("Reject", "It is not paid; the supplier is not told by this."),
    "reassign": ("Give to", "Somebody else decides it."),
    "comment": ("Comment", "Kept in the history; nothing is decided."),
}
ADVICE_CODES = {
    "010": "010 total out of balance",
    "011": "011 not matching",
    "007": "007 missing data",
    "812": "812 not as ordered",
    "848": "848 incorrect data",
}
_PARTS = 2
_MANY = 25  # lines that are seen at a glance
_STANDS_FOR, _REMEMBERED = 3.0, 500  # seconds, open pages
CORRECTED = {"order_line_number": "order line", "item_number": "item", "cost_center": "cost center"}


class P2pPages:
    """`_stands`: when who looked last at a case, and how it stood: an open page asks every second."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._stands: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/cases/{ref}", Role.VIEWER, self.case, page=True),
            WebRoute("GET", "/cases/{ref}/live", Role.VIEWER, self.live, page=True, passive=True),
            WebRoute("POST", "/cases/{ref}/act", Role.OPERATOR, self.act, page=True),
            WebRoute("GET", "/orders", Role.VIEWER, self.orders, page=True),
            WebRoute("POST", "/orders/find", Role.VIEWER, self.find, page=True),
            WebRoute("GET", "/orders/{number:path}", Role.VIEWER, self.order, page=True),
            WebRoute("GET", "/lineage/{asked:path}", Role.VIEWER, self.lineage, page=True),
        )

    # -------------------------------------------------------------- one case
    async def case(self, call: Call) -> Response:
        view = await call.operations.p2p.case(_part(call, "ref"), call.who)
        if view is None:
            raise NotFoundError("there is no such case")
        own, every = line_in_question(view), call.query("lines") == "all"
        return await self._kit.page(
            call,
            "p2p_case.html",
            view=view,
            row=view.row,
            evidence=view.evidence,
            own=own,
            lines=shown_lines(view.evidence.lines, own, every=every),
            every=every,
            facts=list(flat(view.facts)),
            order=_order_of(view.row.dossier),
            actions=ACTIONS,
            advice_codes=ADVICE_CODES,
            corrected=CORRECTED,
            tones=TONES,
        )

    async def live(self, call: Call) -> Response:
        """As `/live`; the shape changes also when somebody else decided, or the matter is another one now."""
        ref = _part(call, "ref")
        asked, now = (call.who, ref), time.monotonic()
        at, stand = self._stands.pop(asked, (0.0, ""))
        if now - at > _STANDS_FOR or not stand:
            view = await call.operations.p2p.case(ref, call.who)
            if view is None:
                raise NotFoundError("there is no such case")
            at, stand = now, f"{view.row.state}|{view.seen}"
        self._stands[asked] = at, stand
        if len(self._stands) > _REMEMBERED:
            self._stands.popitem(last=False)
        return await live_answer(call, stand)

    async def act(self, call: Call) -> Response:
        ref = _part(call, "ref")
        ask = _ask(call)
        work = call.operations.p2p.act(ref, ask, call.who, "console")
        title = ACTIONS[ask.action][0] if ask.action in ACTIONS else "Decision"
        return await self._kit.act(call, f"{title}: kept, and the matter decided over.", f"/cases/{quote(ref)}", work)

    # -------------------------------------------------------------- orders
    async def orders(self, call: Call) -> Response:
        return await self._kit.page(call, "p2p_orders.html", hits=None, asked="", path_of=_path_of)

    async def find(self, call: Call) -> Response:
        """What was typed stands in no address, unless it is the number of an order that there is."""
        asked = call.field("value")[:200]
        hits = await call.operations.p2p.find(asked, call.who)
        paths = {_path_of(hit) for hit in hits}
        if len(paths) == 1 and None not in paths:
            return go(str(paths.pop()))
        found = None if hits else await call.operations.p2p.lineage(asked.strip(), call.who)
        if found is not None:  # a number of the ledger, the bank or a message
            return await self._way(call, found)
        return await self._kit.page(call, "p2p_orders.html", hits=hits, asked=asked, path_of=_path_of)

    async def order(self, call: Call) -> Response:
        view = await call.operations.p2p.order(_part(call, "number"), call.who)
        if view is None:
            raise NotFoundError("there is no such order")
        return await self._kit.page(call, "p2p_order.html", view=view, tones=TONES, status_tones=STATUS_TONES)

    async def lineage(self, call: Call) -> Response:
        found = await call.operations.p2p.lineage(_part(call, "asked"), call.who)
        if found is None:
            raise NotFoundError("nothing is known of this number")
        return await self._way(call, found)

    async def _way(self, call: Call, found: Lineage) -> Response:
        stages = {stage: list(traces) for stage, traces in groupby(found.traces, lambda one: one.stage)}
        orders = [(dossier, _order_of(dossier)) for dossier in found.dossiers]
        return await self._kit.page(call, "p2p_lineage.html", found=found, stages=stages, orders=orders)


def line_in_question(view: CaseView) -> EvidenceLine | None:
    """That of the invoice line at which the place of the case ends; None: it is about more than a line."""
    _, colon, number = view.row.case_id.rpartition(":")
    if not (colon and number.isdecimal()):
        return None
    names = (f"line {number}", f"invoice {number}")
    invoiced = (one for one in view.evidence.lines if one.invoiced or one.number in names)
    return next((one for one in invoiced if one.number == names[1] or names[0] in _documents(one)), None)


def _documents(line: EvidenceLine) -> Sequence[str]:
    return line.invoiced.documents if line.invoiced else ()


def shown_lines(
    lines: Sequence[EvidenceLine], own: EvidenceLine | None, *, every: bool = False
) -> Sequence[EvidenceLine]:
    """The line in question first. Of many lines only those that differ, unless all of them are asked for."""
    first = [] if own is None else [own]
    others = [one for one in lines if one is not own]
    if len(lines) > _MANY and not every:
        others = [one for one in others if one.differs] or (others if own is None else [])
    return first + others


def flat(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Name and text of every fact, inner ones with their way."""
    for name, value in facts.items():
        words = f"{before} {name.replace('_', ' ')}".strip()
        if isinstance(value, Mapping):
            yield from flat(value, words)
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            for number, one in enumerate(value, 1):
                yield from flat(one if isinstance(one, Mapping) else {"value": one}, f"{words} {number}")
        elif value not in (None, "", [], ()):
            yield words, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _ask(call: Call) -> CaseAsk:
    what, line = call.field("what"), _number(call.field("line"))
    return CaseAsk(
        action=call.field("action")[:40],
        reason=need_reason(call),
        seen=call.field("seen") or None,
        corrections=((f"lines[{line}].{what}", call.field("value")[:200] or None),) if what in CORRECTED else (),
        parts=tuple(_parts(call)),
        assign_to=call.field("assign_to")[:80] or None,
        hold_until=call.field("hold_until") or None,
        code=call.field("code")[:80] or None,
    )


def _parts(call: Call) -> Iterator[tuple[int, str, str, str, int]]:
    for number in range(1, _PARTS + 1):
        if quantity := call.field(f"quantity_{number}"):
            line, order_line = _number(call.field("line")), _number(call.field(f"order_line_{number}"))
            yield line, quantity[:40], call.field("unit")[:12] or "EA", call.field(f"order_{number}")[:80], order_line


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else 0


def _part(call: Call, name: str) -> str:
    return str(call.request.path_params[name])[:200]


def _order_of(dossier: str) -> str | None:
    kind, _, number = dossier.partition(":")
    return number if kind == "order" else None


def _path_of(hit: Hit) -> str | None:
    number = _order_of(hit.dossier)
    return None if number is None else f"/orders/{quote(number, safe='')}"
