"""Channels: all of them with live figures, one in depth, and running, pausing, stopping."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.responses import JSONResponse, Response

from engine.console import figures
from engine.console.kit import Kit, go, need_reason
from engine.core.clock import SystemClock
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.operations import ChannelStatus
from engine.ports.web import Access, Call, WebRoute

_DONE = {
    "running": "runs again",
    "paused": "is paused: it still receives and keeps",
    "stopped": "stops",
}


def _troubled(channel: ChannelStatus) -> bool:
    return channel.state == "failed" or any(one.state in figures.TROUBLED for one in channel.destinations)


SHOWN: dict[str, tuple[str, Callable[[ChannelStatus], bool]]] = {
    "": ("All", lambda channel: True),
    "trouble": ("In trouble", _troubled),
    "held": ("Holding messages", lambda channel: figures.held([channel]) > 0),
    "queued": ("With a queue", lambda channel: any(one.queued for one in channel.destinations)),
    "still": ("Not running", lambda channel: channel.state != "running"),
}
"""Which channels a list can be narrowed to: the word of the address, its title, and whether a channel is shown."""


class ChannelPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/", Access.SIGNED_IN, self.home, page=True),
            WebRoute("GET", "/channels", Role.VIEWER, self.overview, page=True),
            WebRoute("GET", "/channels/{channel}", Role.VIEWER, self.channel, page=True),
            WebRoute("POST", "/channels/{channel}/state", Role.OPERATOR, self.set_state, page=True),
            WebRoute("GET", "/active", Access.SIGNED_IN, self.active),
            WebRoute("GET", "/live", Role.VIEWER, self.live, page=True, passive=True),
        )

    async def home(self, call: Call) -> Response:
        return go("/channels")

    async def overview(self, call: Call) -> Response:
        engine = await call.operations.status()
        show = call.query("show") if call.query("show") in SHOWN else ""
        rows = sorted(filter(SHOWN[show][1], engine.channels), key=_importance)
        tabs = [(word, title, sum(map(is_shown, engine.channels))) for word, (title, is_shown) in SHOWN.items()]
        return await self._kit.page(call, "channels.html", engine=engine, rows=rows, show=show, tabs=tabs)

    async def channel(self, call: Call) -> Response:
        engine = await call.operations.status()
        name = str(call.request.path_params["channel"])
        found = next((c for c in engine.channels if c.name == name), None)
        if found is None:
            raise NotFoundError("there is no such channel")
        return await self._kit.page(call, "channel.html", engine=engine, channel=found)

    async def set_state(self, call: Call) -> Response:
        name, state = str(call.request.path_params["channel"]), call.field("state")
        if state not in _DONE:
            raise NotFoundError("there is no such channel state")
        reason = need_reason(call)
        work = call.operations.set_channel(name, state, call.who, reason)
        return await self._kit.act(call, f"Channel {name} {_DONE[state]}.", f"/channels/{name}", work)

    async def active(self, call: Call) -> Response:
        """A person is typing on a page: keeps the session alive, as refreshing alone does not."""
        return Response(status_code=204)

    async def live(self, call: Call) -> Response:
        """All figures, for elements that show one; `shape` changes when a page must be drawn anew."""
        return await live_answer(call)


async def live_answer(call: Call, more: str = "") -> Response:
    """`more`: what else of the page may change. With `csrf`, forms of a page that was open while its person signed in
    anew go on; `who` tells whether it is the same one."""
    engine = await call.operations.status()
    shown = {key: [one.text, one.tone, one.points] for key, one in figures.of_engine(engine).items()}
    return JSONResponse(
        {
            "at": f"{SystemClock().now():%H:%M:%S}",
            "shape": "|".join(filter(None, (shape(engine.channels), more))),
            "figures": shown,
            "who": call.who,
            "csrf": call.session.csrf if call.session else "",
        }
    )


def _importance(channel: ChannelStatus) -> tuple[bool, ...]:
    """What is in trouble first, then what holds messages, what is busy, what ever had something to do."""
    return not _troubled(channel), not figures.held([channel]), not any(channel.recent), not channel.received


def shape(channels: Sequence[ChannelStatus]) -> str:
    """Which channels and destinations there are, and their revisions."""
    return "|".join(f"{c.name}@{c.revision}:{','.join(d.name for d in c.destinations)}" for c in channels)
