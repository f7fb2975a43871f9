"""JSON bodies and path parts of API calls, read into port values."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from engine.core.errors import MessageError, NotFoundError
from engine.core.ids import parse_id
from engine.ports.journal import Query
from engine.ports.web import Call

T = TypeVar("T")
SEARCH_LIMIT = 1000


class BadRequestError(MessageError):
    """The call's own JSON is wrong; what it says is never repeated."""

    code = "A012"


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and what else a changing call may need."""

    reason: str = ""
    body: str | None = None
    reference: str | None = None
    message_id: str | None = None


class StateAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: str
    reason: str | None = None


class DeployAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    channels: list[str] = []
    note: str | None = None


class RollbackAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    revision: int | None = None
    note: str | None = None


class ReplayAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plan_id: str
    reason: str


def read(call: Call, kind: type[T]) -> T:
    """Raises BadRequestError."""
    try:
        return msgspec.json.decode(call.body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequestError("the body is not the JSON that this call takes") from None


def need_reason(reason: str) -> str:
    if not reason.strip():
        raise BadRequestError("a reason is required")
    return reason.strip()


def path_id(call: Call, name: str = "id") -> int:
    return text_id(str(call.request.path_params[name]))


def text_id(text: str) -> int:
    try:
        return parse_id(text)
    except ValueError:
        raise NotFoundError("there is nothing with this id") from None


def decode_body(text: str | None) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadRequestError("the message body is not base64") from None


def bounded(query: Query) -> Query:
    if not 1 <= query.limit <= SEARCH_LIMIT:
        raise BadRequestError(f"limit must be 1 to {SEARCH_LIMIT}")
    return query
