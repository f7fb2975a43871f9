"""Calls an ASGI application directly: no server, no socket. Counts what the application reads of the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.types import ASGIApp


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes
    chunks_read: int

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class AsgiClient:
    """`token`: the session's cookie. `csrf`: sent with every changing call. `state`: what the server knows."""

    def __init__(self, app: ASGIApp, token: str = "", csrf: str = "", state: Mapping[str, Any] | None = None) -> None:
        self.app, self.token, self.csrf, self.state = app, token, csrf, dict(state or {})

    async def get(self, url: str, **headers: str) -> Answer:
        return await self.ask("GET", url, headers=headers)

    async def post_form(self, url: str, form: Mapping[str, Any], **headers: str) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded"} | headers
        return await self.ask("POST", url, urlencode(form, doseq=True).encode(), headers)

    async def post_json(self, url: str, value: Any, **headers: str) -> Answer:
        return await self.ask("POST", url, msgspec.json.encode(value), headers)

    async def ask(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None, chunks: int = 1
    ) -> Answer:
        sent: list[Any] = []
        read = 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": body, "more_body": read < chunks}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(self._scope(method, url, body, headers or {}, chunks), receive, send)
        start = next(m for m in sent if m["type"] == "http.response.start")
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        return Answer(start["status"], found, content, read)

    def _scope(self, method: str, url: str, body: bytes, headers: Mapping[str, str], chunks: int) -> dict[str, Any]:
        parts = urlsplit(url)
        given = {"host": "engine.test"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if method not in {"GET", "HEAD"}:
            given |= {"x-csrf-token": self.csrf} if self.csrf else {}
            given |= {} if "transfer-encoding" in given else {"content-length": str(len(body) * chunks)}
        if self.token:
            given["cookie"] = f"isthmus_session={self.token}"
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in given.items()],
            "client": ("127.0.0.1", 5),
            "server": ("engine.test", 80),
            "state": dict(self.state),
        }
