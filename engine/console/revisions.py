"""Revisions: the site on disk against what runs, deploying, rolling back, history."""

from __future__ import annotations

from starlette.responses import Response

from engine.console.kit import Kit, go, need_reason
from engine.ports.accounts import Role
from engine.ports.web import Call, WebRoute


class RevisionPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/revisions", Role.VIEWER, self.show, page=True),
            WebRoute("POST", "/revisions/deploy", Role.ANALYST, self.deploy, page=True),
            WebRoute("POST", "/revisions/rollback", Role.ANALYST, self.rollback, page=True),
        )

    async def show(self, call: Call) -> Response:
        channel = call.query("channel")
        diffs = await call.operations.diff()
        changed = [d for d in diffs if d.change != "same" and channel in {"", d.channel}]
        history = await call.operations.history(channel or None)
        same = sum(d.change == "same" for d in diffs)
        return await self._kit.page(
            call, "revisions.html", changed=changed, same=same, history=history[:200], channel=channel
        )

    async def deploy(self, call: Call) -> Response:
        channels = call.form.get("channel", [])
        if not channels:
            self._kit.note(call, "Choose the channels to deploy.", "bad")
            return go("/revisions")
        work = call.operations.deploy(channels, call.who, need_reason(call))
        return await self._kit.act(call, f"Deployed: {', '.join(channels)}.", "/revisions", work)

    async def rollback(self, call: Call) -> Response:
        channel, revision = call.field("channel"), call.field("revision")
        number = int(revision) if revision.isdecimal() else None
        work = call.operations.rollback(channel, number, call.who, need_reason(call))
        return await self._kit.act(call, f"Channel {channel} is back on revision {revision}.", "/revisions", work)
