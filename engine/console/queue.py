"""The work queue of exceptions: filtered, sorted, in pages; one decision over many of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from engine.console.kit import Kit, go, link, need_reason, words_of
from engine.console.words import plural
from engine.core.errors import IsthmusError
from engine.ports.accounts import Role
from engine.ports.p2p_operations import CaseAsk, CaseRow
from engine.ports.procure import CaseQuery
from engine.ports.web import Call, WebRoute

MOST, PAGE = 5000, 100  # exceptions that are sorted; rows of a page
STATES = ("open", "decided", "gone")
FILTERS = ("owner", "type", "supplier", "facility")
# Decisions that need nothing but a reason, by what the button says.
AT_ONCE = {"accept": "Accept", "rematch": "Match again", "hold": "Hold", "reject": "Reject", "comment": "Comment"}
_DONE = {"accept": "accepted", "rematch": "matched again", "hold": "held", "reject": "rejected", "comment": "commented"}
_WHYS = 3  # reasons against that are told; each with how many it stopped
_LONG = 2000
_Key = Callable[[CaseRow], Any]
SORTS: Mapping[str, tuple[str, _Key]] = {
    "title": ("Exception", lambda row: row.title),
    "dossier": ("Matter", lambda row: row.dossier),
    "amount": ("At stake", lambda row: row.amount and (row.currency, Decimal(row.amount))),
    "due": ("Due", lambda row: row.due_at),
    "owner": ("Owner", lambda row: row.owner),
    "supplier": ("Supplier", lambda row: row.supplier),
    "facility": ("Facility", lambda row: row.facility),
    "opened": ("Opened", lambda row: row.opened_at),
}


class QueuePages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/cases", Role.VIEWER, self.cases, page=True),
            WebRoute("POST", "/cases/decide", Role.OPERATOR, self.decide, page=True),
        )

    async def cases(self, call: Call) -> Response:
        chosen = {name: call.query(name)[:200] for name in FILTERS}
        state = call.query("state") if call.query("state") in STATES else "open"
        query = CaseQuery(states=(state,), limit=MOST, **{name: value or None for name, value in chosen.items()})
        rows = await call.operations.p2p.cases(query, call.who)
        known = rows
        if any(chosen.values()):
            known = await call.operations.p2p.cases(CaseQuery((state,), limit=MOST), call.who)
        sort = call.query("sort") if call.query("sort").removeprefix("-") in SORTS else ""
        page, pages = _page_of(call, len(rows))
        return await self._kit.page(
            call,
            "p2p_cases.html",
            rows=ordered(rows, sort)[(page - 1) * PAGE : page * PAGE],
            count=len(rows),
            page=page,
            pages=pages,
            sort=sort,
            sorts={name: title for name, (title, _) in SORTS.items()},
            chosen=chosen,
            state=state,
            states=STATES,
            at_once=AT_ONCE,
            offered=_offered(known, chosen),
            full=len(rows) == MOST,
            most=MOST,
            summary=await call.operations.p2p.summary(call.who),
            here=lambda **changed: link("/cases", **{**chosen, "state": state, "sort": sort, **changed}),
        )

    async def decide(self, call: Call) -> Response:
        """Each is decided for itself: what one of them does not allow stops no other."""
        action, reason = call.field("action"), need_reason(call)
        done, against = 0, Counter[str]()
        for text in call.form.get("case", [])[:PAGE] if action in AT_ONCE else ():
            ref, _, seen = text.partition(".")
            try:
                await call.operations.p2p.act(ref[:40], CaseAsk(action, reason, seen[:40]), call.who, "console")
                done += 1
            except IsthmusError as error:
                against[words_of(error)] += 1
        self._tell(call, action, done, against)
        back = call.field("back")[:_LONG]
        return go(back if back.startswith("/cases?") else "/cases")

    def _tell(self, call: Call, action: str, done: int, against: Counter[str]) -> None:
        if done:
            self._kit.note(call, f"{plural(done, 'exception')} {_DONE[action]}.")
        elif not against:
            self._kit.note(call, "Choose exceptions first.", "bad")
        for words, count in against.most_common(_WHYS):
            self._kit.note(call, f"{plural(count, 'exception')} not decided: {words}", "bad")
        if others := sum(against.values()) - sum(count for _, count in against.most_common(_WHYS)):
            self._kit.note(call, f"{plural(others, 'further exception')} not decided: open them to see why.", "bad")


def ordered(rows: Sequence[CaseRow], sort: str) -> list[CaseRow]:
    """By a column, with `-` before it downwards; the most important first where there is none. What is empty: last."""
    if not sort:
        return list(rows)
    key = SORTS[sort.removeprefix("-")][1]
    known = sorted((row for row in rows if key(row)), key=key, reverse=sort.startswith("-"))
    return known + [row for row in rows if not key(row)]


def _page_of(call: Call, count: int) -> tuple[int, int]:
    """Which page is asked for, of how many."""
    pages, text = max(1, -(-count // PAGE)), call.query("page")
    asked = int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else 1
    return min(max(asked, 1), pages), pages


def _offered(rows: Sequence[CaseRow], chosen: Mapping[str, str]) -> dict[str, list[str]]:
    """What a filter can be set to: what there is, and what is chosen."""
    return {
        name: sorted({str(found) for row in rows if (found := getattr(row, name))} | ({chosen[name]} - {""}))
        for name in FILTERS
    }
