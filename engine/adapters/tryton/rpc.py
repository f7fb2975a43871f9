"""Tryton's JSON-RPC, for what REST has no way to: signing in with a password, and wizards. Used by set-up.

Errors come back as HTTP 200 with `{"error": [name, args]}`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from engine.adapters.tryton.wire import Record, dumps, loads
from engine.core.errors import DestinationError, TransportError

_WHERE = "ERP set-up (Tryton JSON-RPC)"


class RpcSession:
    """One signed-in user; `context` is the user's preferences and goes with every call."""

    def __init__(self, base: str, timeout: float = 120.0) -> None:
        self._url = f"{base.rstrip('/')}/rpc/"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))
        self._headers = {"Content-Type": "application/json"}
        self._number = 0
        self.context: Record = {}

    async def sign_in(self, login: str, password: str) -> None:
        user, token, *_ = await self.call("common.db.login", login, {"password": password}, "en")
        secret = b64encode(f"{login}:{user}:{token}".encode()).decode("ascii")
        self._headers["Authorization"] = f"Session {secret}"
        await self.refresh()

    async def refresh(self) -> None:
        """Read the context again, after the user's company changed."""
        self.context = await self.call("model.res.user.get_preferences", True, {})

    async def call(self, method: str, *params: object) -> Any:
        self._number += 1
        request = dumps({"id": self._number, "method": method, "params": list(params)})
        try:
            async with self._session.post(self._url, data=request, headers=self._headers) as response:
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError):
            raise TransportError("the ERP did not answer", where=_WHERE, sent=True) from None
        if status != 200:
            raise TransportError(f"the ERP answered {status}", where=_WHERE, sent=True)
        answer = loads(body)
        if "error" in answer:
            raise DestinationError(f"the ERP refused {method}: {_words(answer['error'])}", where=_WHERE)
        return answer["result"]

    async def model(self, model: str, method: str, *params: object) -> Any:
        return await self.call(f"model.{model}.{method}", *params, self.context)

    async def create(self, model: str, **values: object) -> int:
        return int((await self.model(model, "create", [values]))[0])

    async def read(self, model: str, domain: Sequence[Any], *fields: str) -> list[Record]:
        found: list[Record] = await self.model(
            model, "search_read", domain, 0, None, None, list(fields) or ["rec_name"]
        )
        return found

    async def wizard(
        self, name: str, steps: Sequence[tuple[Mapping[str, Any], str]], active: Record | None = None
    ) -> None:
        """Run a wizard: each step is the form's values and the button pressed on it."""
        context = {**self.context, **(active or {})}
        session, start, _ = await self.call(f"wizard.{name}.create", context)
        for values, button in ((({}, start)), *steps):
            await self.call(f"wizard.{name}.execute", session, values, button, context)
        await self.call(f"wizard.{name}.delete", session, context)

    async def close(self) -> None:
        await self._session.close()


def _words(error: object) -> str:
    parts = error if isinstance(error, list) else [error]
    return " ".join(str(part) for part in parts[:2])[:300]
