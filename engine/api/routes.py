"""The JSON API: one line a route, with its rule; the handlers below in the same order. Source: ports/operations.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import PlainTextResponse, Response

from engine.api.answers import answer
from engine.api.reading import (
    Ask,
    BadRequestError,
    DeployAsk,
    ReplayAsk,
    RollbackAsk,
    StateAsk,
    bounded,
    decode_body,
    need_reason,
    path_id,
    read,
    text_id,
)
from engine.api.scope import ScopedOperations
from engine.api.wire import from_wire
from engine.core.errors import NotFoundError
from engine.core.ids import id_text
from engine.ports.accounts import Role
from engine.ports.journal import Query
from engine.ports.web import Access, Call, WebRoute
from engine.telemetry.snapshot import exposition

CHANNEL_STATES = frozenset({"running", "paused", "stopped"})
BODY_LIMIT = 64 * 1024**2  # an edited message in base64, or as a form
AUDIT_LIMIT = 1000
EVENTS = "events"  # where the application keeps what events have counted


async def health(call: Call) -> Response:
    """For load balancers and the container: tells nothing but that the loop turns."""
    return PlainTextResponse("ok\n")


# ------------------------------------------------------------------ seeing
async def status(call: Call) -> Response:
    return answer(await call.operations.status())


async def metrics(call: Call) -> Response:
    """The same figures as Prometheus reads them (text exposition 0.0.4)."""
    events = getattr(call.request.app.state, EVENTS, None)
    limited = isinstance(call.operations, ScopedOperations)
    text = exposition((await call.operations.status()).channels, events, limited=limited)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def search(call: Call) -> Response:
    """POST, because what is searched for may be a patient's and must not stand in a URL."""
    return answer(await call.operations.search(bounded(_query(_object(call))), call.who))


async def view(call: Call) -> Response:
    found = await call.operations.view(path_id(call), call.who)
    if found is None:
        raise NotFoundError("there is no such message")
    return answer(found)


async def attachment(call: Call) -> Response:
    found = await call.operations.attachment(path_id(call), call.place("position"), call.who)
    if found is None:
        raise NotFoundError("the message has no such attachment")
    return answer(found)


async def diff(call: Call) -> Response:
    return answer(await call.operations.diff())


async def history(call: Call) -> Response:
    return answer(await call.operations.history(call.query("channel") or None))


async def audit(call: Call) -> Response:
    limit = call.query("limit")
    count = min(int(limit), AUDIT_LIMIT) if limit.isdecimal() else 100
    return answer(await call.operations.audit_records(call.query("subject") or None, count))


async def check(call: Call) -> Response:
    return answer(await call.operations.check(call.query("channel") or None))


# ------------------------------------------------------------------ operating
async def set_channel(call: Call) -> Response:
    ask = read(call, StateAsk)
    if ask.state not in CHANNEL_STATES:
        raise BadRequestError("state is running, paused or stopped")
    name = str(call.request.path_params["channel"])
    return answer(await call.operations.set_channel(name, ask.state, call.who, ask.reason))


async def resend(call: Call) -> Response:
    ask = read(call, Ask)
    new = await call.operations.resend(path_id(call), call.who, need_reason(ask.reason), decode_body(ask.body))
    return answer({"message_id": id_text(new)})


async def discard(call: Call) -> Response:
    await call.operations.discard(path_id(call), call.who, need_reason(read(call, Ask).reason))
    return answer({})


async def resend_delivery(call: Call) -> Response:
    ask = read(call, Ask)
    await _see_message_of(call, ask)
    await call.operations.resend_delivery(path_id(call), call.who, need_reason(ask.reason))
    return answer({})


async def confirm_delivery(call: Call) -> Response:
    ask = read(call, Ask)
    await _see_message_of(call, ask)
    await call.operations.confirm_delivery(path_id(call), call.who, need_reason(ask.reason), ask.reference)
    return answer({})


# ------------------------------------------------------------------ changing
async def plan_replay(call: Call) -> Response:
    asked = _object(call)
    revision = asked.pop("revision", None)
    if not isinstance(revision, int | None):
        raise BadRequestError("revision is a number")
    return answer(await call.operations.plan_replay(_query(asked.get("query", {})), call.who, revision))


async def replay(call: Call) -> Response:
    ask = read(call, ReplayAsk)
    return answer({"replayed": await call.operations.replay(ask.plan_id, call.who, need_reason(ask.reason))})


async def deploy(call: Call) -> Response:
    ask = read(call, DeployAsk)
    return answer(await call.operations.deploy(ask.channels, call.who, ask.note))


async def rollback(call: Call) -> Response:
    ask = read(call, RollbackAsk)
    name = str(call.request.path_params["channel"])
    return answer(await call.operations.rollback(name, ask.revision, call.who, ask.note))


async def prune(call: Call) -> Response:
    try:
        before = from_wire(datetime, _object(call).get("before", ""))
    except (ValueError, msgspec.ValidationError):
        raise BadRequestError("before is a time with a zone, as 2026-11-20T00:00:00Z") from None
    if before.tzinfo is None:
        raise BadRequestError("before is a time with a zone, as 2026-11-20T00:00:00Z")
    return answer({"dropped": await call.operations.prune(before, call.who)})


# ------------------------------------------------------------------ inside
def _object(call: Call) -> dict[str, Any]:
    return read(call, dict[str, Any])


def _query(value: Any) -> Query:
    try:
        return from_wire(Query, value)
    except (ValueError, msgspec.ValidationError):
        raise BadRequestError("this is not a query") from None


async def _see_message_of(call: Call, ask: Ask) -> None:
    """A person limited to facilities names the message; seeing it proves that its deliveries may be touched."""
    if ask.message_id is not None:
        await call.operations.view(text_id(ask.message_id), call.who)


ROUTES: tuple[WebRoute, ...] = (
    WebRoute("GET", "/healthz", Access.PUBLIC, health),
    WebRoute("GET", "/api/status", Role.VIEWER, status),
    WebRoute("GET", "/metrics", Role.VIEWER, metrics),
    WebRoute("POST", "/api/messages/search", Role.VIEWER, search),
    WebRoute("GET", "/api/messages/{id}", Role.VIEWER, view),
    WebRoute("GET", "/api/messages/{id}/attachments/{position}", Role.VIEWER, attachment),
    WebRoute("GET", "/api/diff", Role.VIEWER, diff),
    WebRoute("GET", "/api/revisions", Role.VIEWER, history),
    WebRoute("GET", "/api/audit", Role.VIEWER, audit),
    WebRoute("GET", "/api/check", Role.OPERATOR, check),
    WebRoute("POST", "/api/channels/{channel}/state", Role.OPERATOR, set_channel),
    WebRoute("POST", "/api/messages/{id}/resend", Role.OPERATOR, resend, max_body_bytes=BODY_LIMIT),
    WebRoute("POST", "/api/messages/{id}/discard", Role.OPERATOR, discard),
    WebRoute("POST", "/api/deliveries/{id}/resend", Role.OPERATOR, resend_delivery),
    WebRoute("POST", "/api/deliveries/{id}/confirm", Role.OPERATOR, confirm_delivery),
    WebRoute("POST", "/api/replays/plan", Role.ANALYST, plan_replay),
    WebRoute("POST", "/api/replays", Role.ANALYST, replay),
    WebRoute("POST", "/api/deploy", Role.ANALYST, deploy),
    WebRoute("POST", "/api/channels/{channel}/rollback", Role.ANALYST, rollback),
    WebRoute("POST", "/api/prune", Role.ADMIN, prune),
)
