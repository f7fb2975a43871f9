"""JSON answers, and which HTTP status an error of the engine has."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from engine.api.wire import encode
from engine.core.errors import (
    AccessError,
    IsthmusError,
    LockedOutError,
    MessageError,
    NotFoundError,
    SignInError,
    StoreError,
)

_STATUS: tuple[tuple[type[IsthmusError], int], ...] = (
    (LockedOutError, 429),
    (SignInError, 400),
    (MessageError, 400),
    (AccessError, 403),
    (NotFoundError, 404),
    (StoreError, 503),
)


def status_of(error: IsthmusError) -> int:
    """409 when nothing else fits: the thing is not in a state that allows this."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 409)


def answer(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")


def refusal(status: int, words: str, error: IsthmusError | None = None) -> Response:
    facts: dict[str, Any] = {"code": f"HTTP{status}", "what": words, "where": None, "remedy": None}
    if error is not None:
        facts = {"code": error.code, "what": error.what, "where": error.where, "remedy": error.remedy}
    return answer({"error": facts}, status)
