"""Held messages by reason: what happened, what to do, and resending many at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from engine.console.kit import Kit, go, need_reason, words_of
from engine.console.words import plural
from engine.core.errors import IsthmusError, UnknownOutcomeError
from engine.core.ids import id_text
from engine.ports.accounts import Role
from engine.ports.connector import Reason
from engine.ports.journal import MessageRow, Query
from engine.ports.states import MessageState
from engine.ports.web import Call, WebRoute

LIMIT = 500
_NO_REASON = Reason("E000", "no reason was kept")


class Group(msgspec.Struct, frozen=True):
    """Messages of one channel held for the same reason, oldest first."""

    channel: str
    reason: Reason
    rows: Sequence[MessageRow]

    @property
    def unsure(self) -> bool:
        """The far side may have acted: nobody may resend these blindly."""
        return self.reason.code == UnknownOutcomeError.code


class HeldPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/held", Role.VIEWER, self.show, page=True),
            WebRoute("POST", "/held/resend", Role.OPERATOR, self.resend, page=True),
        )

    async def show(self, call: Call) -> Response:
        channel = call.query("channel")
        query = Query(channel=channel or None, states=(MessageState.HELD,), limit=LIMIT)
        rows = await call.operations.search(query, call.who)
        full = len(rows) == LIMIT
        return await self._kit.page(call, "held.html", groups=group(rows), full=full, channel=channel)

    async def resend(self, call: Call) -> Response:
        reason, done, refused = need_reason(call), 0, ""
        for message_id in await self._chosen(call):
            try:
                await call.operations.resend(message_id, call.who, reason)
                done += 1
            except IsthmusError as error:  # the others still go
                refused = words_of(error)
        self._note(call, done, refused)
        return go("/held")

    async def _chosen(self, call: Call) -> list[int]:
        """The ticked ones that are still held, without those whose outcome is unknown."""
        query = Query(states=(MessageState.HELD,), limit=LIMIT)
        held = {id_text(row.message_id): row for row in await call.operations.search(query, call.who)}
        rows = [held[text] for text in call.form.get("id", []) if text in held]
        return [r.message_id for r in rows if r.reason is None or r.reason.code != UnknownOutcomeError.code]

    def _note(self, call: Call, done: int, refused: str) -> None:
        if done or not refused:
            self._kit.note(call, f"{plural(done, 'message')} resent." if done else "Choose messages first.")
        if refused:
            self._kit.note(call, f"Some could not be resent. {refused}", "bad")


def group(rows: Sequence[MessageRow]) -> list[Group]:
    """The largest group first."""
    found: dict[tuple[str, Reason], list[MessageRow]] = {}
    for row in sorted(rows, key=lambda r: r.message_id):
        found.setdefault((row.channel, row.reason or _NO_REASON), []).append(row)
    groups = [Group(channel, reason, kept) for (channel, reason), kept in found.items()]
    return sorted(groups, key=lambda g: (-len(g.rows), g.channel))
