"""The style sheet, the one script and the icon: read once, named by digest so that browsers may keep them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from starlette.responses import Response

from engine.core.errors import NotFoundError
from engine.ports.web import Access, Call, WebRoute

_TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@lru_cache
def _content(name: str) -> bytes:
    return (files("engine.console") / "static" / name).read_bytes()


@lru_cache
def url(name: str) -> str:
    return f"/static/{name}?v={hashlib.sha256(_content(name)).hexdigest()[:12]}"


async def asset(call: Call) -> Response:
    name = str(call.request.path_params["name"])
    if name not in _TYPES:
        raise NotFoundError("there is nothing at this address")
    return Response(_content(name), media_type=_TYPES[name], headers={"cache-control": "public, max-age=31536000"})


ROUTES = (WebRoute("GET", "/static/{name}", Access.PUBLIC, asset),)
