"""Messages: searching, paging, and planning a replay of what was found."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from engine.console.asking import FIELDS, PAGE, Criteria, from_form, from_url
from engine.console.kit import Kit, go, need_reason
from engine.core.errors import IsthmusError
from engine.core.ids import id_text
from engine.ports.accounts import Role
from engine.ports.journal import MessageRow
from engine.ports.web import Call, WebRoute

REPLAY_LIMIT = 100_000


class MessagesPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/messages", Role.VIEWER, self.results, page=True),
            WebRoute("POST", "/messages/find", Role.VIEWER, self.find, page=True),
            WebRoute("POST", "/replays/plan", Role.ANALYST, self.plan, page=True),
            WebRoute("POST", "/replays", Role.ANALYST, self.replay, page=True),
        )

    async def find(self, call: Call) -> Response:
        """Keeps the value on the desk and goes on to an address without it."""
        return go(from_form(self._kit, call).path())

    async def results(self, call: Call) -> Response:
        criteria = from_url(self._kit, call)
        rows = await self._search(call, criteria) if not criteria.problems else []
        shown, more = rows[:PAGE], len(rows) > PAGE
        return await self._kit.page(
            call,
            "messages.html",
            rows=shown,
            older=id_text(shown[-1].message_id) if more else None,
            criteria=criteria,
            fields=FIELDS,
        )

    async def _search(self, call: Call, criteria: Criteria) -> list[MessageRow]:
        """One row more than a page shows, to know whether there is an older page."""
        exact = criteria.exact_id
        query = criteria.query(limit=1 if exact is not None else PAGE + 1)
        rows = await call.operations.search(query, call.who)
        return [row for row in rows if exact is None or row.message_id == exact]

    async def plan(self, call: Call) -> Response:
        criteria = from_url(self._kit, call)
        query = msgspec.structs.replace(criteria.query(REPLAY_LIMIT), before_id=None)
        revision = call.field("revision")
        number = int(revision) if revision.isdecimal() else None
        try:
            plan = await call.operations.plan_replay(query, call.who, number)
        except IsthmusError as error:
            return await self._kit.act(call, "", criteria.path(), _raise(error))
        return await self._kit.page(call, "replay.html", plan=plan, criteria=criteria, revision=number)

    async def replay(self, call: Call) -> Response:
        plan_id, reason = call.field("plan_id"), need_reason(call)
        work = call.operations.replay(plan_id, call.who, reason)
        return await self._kit.act(call, "The replay was carried out.", "/messages", work)


async def _raise(error: IsthmusError) -> None:
    raise error
