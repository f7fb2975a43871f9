"""Approvals as pages: what waits for whom, what is to be approved and what changed, and the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from engine.console.kit import Kit, link, need_reason
from engine.console.p2p import flat
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.approvals import WHOSE, ApprovalAsk
from engine.ports.web import Call, WebRoute

LIMIT = 200
COLUMNS = 7  # as many as stand side by side without scrolling
_ELSEWHERE = frozenset({"amount", "asked", "state"})  # facts that have a place of their own
_WORDS = {"flip": "what would settle it", "handed to": "handed on to"}
TITLES: Mapping[str, str] = {"mine": "Mine", "delegated": "Delegated to me", "all": "All"}
SUBJECTS: Mapping[str, str] = {
    "requisition": "Requisition",
    "order": "Order",
    "invoice": "Invoice",
    "case": "Exception",
    "supplier": "Supplier",
    "bank_change": "Bank details",
    "merge": "Merge or split",
    "payment": "Payment",
}
ANSWERS: Mapping[str, tuple[str, str, str]] = {
    "approve": ("Approve", "It goes on as it is shown here.", "primary"),
    "reject": ("Reject", "It ends here; who asked for it is told why.", "bad"),
    "delegate": ("Hand on", "Somebody else answers this one instead of you.", ""),
    "withdraw": ("Withdraw", "You asked for it, and want it no longer.", ""),
}


_OF_LINE = re.compile(r"(\w+)\[(\d+)\]\.(.+)")


class Lines(NamedTuple):
    """What repeats in a document, as a table: `rows` have a text for each column, empty where a line has none.

    `same` holds what all lines of a wide table agree on: column and text.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    same: Sequence[tuple[str, str]] = ()


class Content(NamedTuple):
    """What is to be approved: single facts, and its lines."""

    facts: Sequence[tuple[str, str]]
    tables: Sequence[Lines]


def laid_out(content: Iterable[tuple[str, str]]) -> Content:
    """`lines[2].quantity` belongs into row 2 of the table `lines`; columns stand in the order they come in."""
    facts: list[tuple[str, str]] = []
    tables: dict[str, dict[int, dict[str, str]]] = {}
    for name, text in content:
        found = _OF_LINE.fullmatch(name)
        if found is None:
            facts.append((name, text))
        else:
            table, number, column = found.groups()
            tables.setdefault(table, {}).setdefault(int(number), {})[column] = text
    return Content(facts, [_lines(name, rows) for name, rows in tables.items()])


def _lines(name: str, rows: Mapping[int, Mapping[str, str]]) -> Lines:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    same = _same(columns, list(rows.values()))
    columns = [column for column in columns if column not in same]
    shown = [[row.get(column, "") for column in columns] for _, row in sorted(rows.items())]
    return Lines(name, columns, shown, tuple(same.items()))


def _same(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Of a table too wide for a page, what every line agrees on, the last columns first: those tell the least."""
    texts = {column: {row.get(column, "") for row in rows} for column in columns}
    agreed = [column for column in reversed(columns) if len(texts[column]) == 1]
    taken = agreed[: max(0, len(columns) - COLUMNS)]
    return {column: next(iter(texts[column])) for column in columns if column in taken}


class ApprovalPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/approvals", Role.VIEWER, self.waiting, page=True),
            WebRoute("GET", "/approvals/{ref}", Role.VIEWER, self.one, page=True),
            WebRoute("POST", "/approvals/{ref}/answer", Role.OPERATOR, self.answer, page=True),
        )

    async def waiting(self, call: Call) -> Response:
        rows = await call.operations.approvals.waiting("all", call.who, LIMIT)
        counts = {whose: sum(whose in ("all", row.mine) for row in rows) for whose in WHOSE}
        asked = call.query("whose")
        whose = asked if asked in WHOSE else "mine" if counts["mine"] else "all"
        return await self._kit.page(
            call,
            "approvals.html",
            rows=[row for row in rows if whose in ("all", row.mine)],
            whose=whose,
            titles=TITLES,
            counts=counts,
            subjects=SUBJECTS,
            full=len(rows) == LIMIT,
            limited=bool(call.user and call.user.facilities),
            here=lambda one: link("/approvals", whose=one),
        )

    async def one(self, call: Call) -> Response:
        view = await call.operations.approvals.approval(_ref(call), call.who)
        if view is None:
            raise NotFoundError("no such approval waits: it was answered, or is no longer wanted")
        return await self._kit.page(
            call,
            "approval.html",
            view=view,
            content=laid_out(view.content),
            row=view.row,
            facts=[(_WORDS.get(name, name), text) for name, text in flat(view.facts) if name not in _ELSEWHERE],
            subjects=SUBJECTS,
            answers=ANSWERS,
            may_any=any(choice.why_not is None for choice in view.choices),
        )

    async def answer(self, call: Call) -> Response:
        ref = _ref(call)
        ask = ApprovalAsk(
            action=call.field("action")[:40],
            reason=need_reason(call),
            seen=call.field("seen") or None,
            on_behalf_of=call.field("on_behalf_of")[:80] or None,
            delegate_to=call.field("delegate_to")[:80] or None,
            delegate_until=call.field("delegate_until") or None,
        )
        title = ANSWERS[ask.action][0] if ask.action in ANSWERS else "Answer"
        before = await call.operations.approvals.approval(ref, call.who)
        work = call.operations.approvals.answer(ref, ask, call.who, "console")
        response = await self._kit.act(call, f"{title}: kept, and the matter decided over.", "/approvals", work)
        still = await call.operations.approvals.approval(ref, call.who) if before is not None else None
        if still is not None:
            response.headers["location"] = f"/approvals/{quote(ref)}"
        return response


def _ref(call: Call) -> str:
    return str(call.request.path_params["ref"])[:40]
