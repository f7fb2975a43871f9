"""One message with every stage, and what a person can do with a held one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from engine.console import findings, words
from engine.console.documents import view_document
from engine.console.editing import EDIT_LIMIT, to_bytes, to_text
from engine.console.kit import Kit, ReasonMissingError, go, need_reason, words_of
from engine.console.segments import view_body
from engine.core.clock import SystemClock
from engine.core.errors import CharsetError, IsthmusError, NotFoundError, UnknownOutcomeError
from engine.core.ids import id_text, parse_id
from engine.ports.accounts import Role
from engine.ports.journal import MessageView, Query
from engine.ports.states import MessageState
from engine.ports.web import Call, WebRoute

TRAIL_DELIVERIES = 20
FORM_LIMIT = 4 * EDIT_LIMIT  # a form writes a byte as up to three characters


class MessagePages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        one = "/messages/{id}"
        delivery = "/messages/{id}/deliveries/{delivery}"
        return (
            WebRoute("GET", one, Role.VIEWER, self.show, page=True),
            WebRoute("GET", f"{one}/attachments/{{position}}", Role.VIEWER, self.attachment, page=True),
            WebRoute("GET", f"{one}/state", Role.VIEWER, self.state, page=True, passive=True),
            WebRoute("GET", f"{one}/edit", Role.OPERATOR, self.edit, page=True),
            WebRoute("POST", f"{one}/edit", Role.OPERATOR, self.resend_edited, page=True, max_body_bytes=FORM_LIMIT),
            WebRoute("POST", f"{one}/resend", Role.OPERATOR, self.resend, page=True),
            WebRoute("POST", f"{one}/discard", Role.OPERATOR, self.discard, page=True),
            WebRoute("POST", f"{delivery}/resend", Role.OPERATOR, self.resend_delivery, page=True),
            WebRoute("POST", f"{delivery}/confirm", Role.OPERATOR, self.confirm_delivery, page=True),
        )

    # -------------------------------------------------------------- seeing
    async def show(self, call: Call) -> Response:
        view = await _view(call)
        body = view_body(view.body)
        return await self._kit.page(
            call,
            "message.html",
            view=view,
            row=view.row,
            body=body,
            findings=findings.of_body(view.body, body.format),
            documents=[(document, view_document(document.body)) for document in view.documents],
            responses={d.delivery_id: view_body(d.response) for d in view.deliveries if d.response},
            trail=await _trail(call, view),
            held=view.row.state is MessageState.HELD,
            editable=to_text(view.body) is not None,
            unsure=any(d.reason and d.reason.code == UnknownOutcomeError.code for d in view.deliveries),
        )

    async def attachment(self, call: Call) -> Response:
        """To be saved, never shown by the browser: nobody of ours made it."""
        found = await call.operations.attachment(_id(call), call.place("position"), call.who)
        if found is None:
            raise NotFoundError("the message has no such attachment")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"}
        return Response(found.body, media_type="application/octet-stream", headers=headers)

    async def state(self, call: Call) -> Response:
        """Only the state, without reading the message: the page offers to reload when it changed."""
        message_id = _id(call)
        rows = await call.operations.search(Query(before_id=message_id + 1, limit=1), call.who)
        if not rows or rows[0].message_id != message_id:
            raise NotFoundError("there is no such message")
        state = rows[0].state
        figure = [words.state_word(state), words.MESSAGE_TONES[state], ""]
        return JSONResponse(
            {"at": f"{SystemClock().now():%H:%M:%S}", "shape": "", "figures": {"message.state": figure}}
        )

    # -------------------------------------------------------------- the message
    async def edit(self, call: Call) -> Response:
        view = await _view(call)
        text = to_text(view.body)
        if text is None or view.row.state is not MessageState.HELD:
            self._kit.note(call, "Only a held message that is text can be edited.", "bad")
            return go(_path(call))
        return await self._edit_form(call, view, *text)

    async def _edit_form(self, call: Call, view: MessageView, text: str, style: str, problem: str = "") -> Response:
        status = 400 if problem else 200
        reason = call.field("reason")
        return await self._kit.page(
            call, "edit.html", status=status, row=view.row, text=text, style=style, problem=problem, reason=reason
        )

    async def resend_edited(self, call: Call) -> Response:
        text, style = call.secret("text"), call.field("style")
        try:
            reason, body = need_reason(call), _edited(text, style)
            new = await call.operations.resend(_id(call), call.who, reason, body)
        except (CharsetError, ReasonMissingError) as error:  # keep what was typed
            return await self._edit_form(call, await _view(call), text, style, words_of(error))
        except IsthmusError as error:
            self._kit.note(call, words_of(error), "bad")
            return go(_path(call))
        self._kit.note(call, "The edited message is on its way; the one before is superseded.")
        return go(f"/messages/{id_text(new)}")

    async def resend(self, call: Call) -> Response:
        work = call.operations.resend(_id(call), call.who, need_reason(call))
        return await self._kit.act(call, "The message goes through its channel again.", _path(call), work)

    async def discard(self, call: Call) -> Response:
        work = call.operations.discard(_id(call), call.who, need_reason(call))
        return await self._kit.act(call, "The message is discarded.", _path(call), work)

    # -------------------------------------------------------------- its deliveries
    async def resend_delivery(self, call: Call) -> Response:
        delivery = await _delivery(call)
        work = call.operations.resend_delivery(delivery, call.who, need_reason(call))
        return await self._kit.act(call, "The delivery is queued again.", _path(call), work)

    async def confirm_delivery(self, call: Call) -> Response:
        delivery, reference = await _delivery(call), call.field("reference") or None
        work = call.operations.confirm_delivery(delivery, call.who, need_reason(call), reference)
        return await self._kit.act(call, "The delivery is confirmed.", _path(call), work)


def _id(call: Call, name: str = "id") -> int:
    try:
        return parse_id(str(call.request.path_params[name]))
    except ValueError:
        raise NotFoundError("there is no such message") from None


def _path(call: Call) -> str:
    return f"/messages/{id_text(_id(call))}"


async def _view(call: Call) -> MessageView:
    view = await call.operations.view(_id(call), call.who)
    if view is None:
        raise NotFoundError("there is no such message")
    return view


async def _trail(call: Call, view: MessageView) -> list[dict[str, Any]]:
    """What people did to the message and to its deliveries, newest first."""
    subjects = [f"message {id_text(view.row.message_id)}"]
    subjects += [f"delivery {id_text(d.delivery_id)}" for d in view.deliveries[:TRAIL_DELIVERIES]]
    found = [record for subject in subjects for record in await call.operations.audit_records(subject, 50)]
    return sorted(found, key=lambda record: int(record["number"]), reverse=True)


async def _delivery(call: Call) -> int:
    """The id of a delivery of this message, and of no other."""
    wanted = _id(call, "delivery")
    if all(d.delivery_id != wanted for d in (await _view(call)).deliveries):
        raise NotFoundError("the message has no such delivery")
    return wanted


def _edited(text: str, style: str) -> bytes:
    try:
        return to_bytes(text, style)
    except ValueError:
        raise CharsetError("a character cannot be written in the message's charset") from None
