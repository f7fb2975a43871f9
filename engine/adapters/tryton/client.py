"""Tryton's REST API over one aiohttp session: read, create, write, delete, press a button.

Every failure comes out as TransportError (try again) or DestinationError (a person decides). A mutation whose
answer never came is `sent=True`: the caller reads the state back before it does anything else.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import aiohttp

from engine.adapters.tryton.failures import WHERE, failure
from engine.adapters.tryton.wire import Domain, Record, dumps, header, loads
from engine.core.errors import TransportError

_OK = range(200, 300)
PAGE = 500
"""Records a read asks for at once; an ERP with more is read in pages."""
BATCH = 20
"""Records made at once: on SQLite the ERP's checks of 100 items overflow the SQL parser's stack."""


class Transport(Protocol):
    """One HTTP exchange. Tests put faults here: an answer that is lost after the server committed."""

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]: ...

    async def close(self) -> None: ...


class AiohttpTransport:
    """The real one: kept-alive connections, one time limit for a whole exchange (seconds)."""

    def __init__(self, timeout: float, tls: ssl.SSLContext | None = None) -> None:
        self._timeout, self._tls = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 10)), tls
        self._session: aiohttp.ClientSession | None = None

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._tls or True)
            self._session = aiohttp.ClientSession(timeout=self._timeout, connector=connector)
        async with self._session.request(method, url, headers=headers, data=body) as response:
            return response.status, response.headers, await response.read()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class TrytonClient:
    """REST calls of one company under one key.

    Args:
        base: `http://host:port/database`.
        context: sent with every call; without the company Tryton refuses most of them.
    """

    def __init__(self, base: str, key: str, context: Mapping[str, object], transport: Transport) -> None:
        self._base, self._key, self._transport = base.rstrip("/"), key, transport
        self.use_context(context)

    def use_context(self, context: Mapping[str, object]) -> None:
        self._headers = self._headers_with(context)
        self._headers_unwarned = {**self._headers, "X-Tryton-Context": header({**context, "_skip_warnings": True})}
        self._headers_of_all = self._headers_with({**context, "active_test": False})

    def _headers_with(self, context: Mapping[str, object]) -> dict[str, str]:
        return {
            "Authorization": f"bearer {self._key}",
            "Content-Type": "application/json",
            "Accept-Language": "en",  # warnings are told apart by their words
            "X-Tryton-Context": header(context),
        }

    async def read(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str] = (),
        *,
        limit: int | None = None,
        order: Sequence[Any] | None = None,
    ) -> list[Record]:
        """Records that fit the domain, all pages of them, by id unless ordered otherwise."""
        found: list[Record] = []
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            page = await self._page(model, domain, fields, size, len(found), order or [["id", "ASC"]])
            found += page
            if len(page) < size:
                break
        return found

    async def _page(
        self, model: str, domain: Domain, fields: Sequence[str], size: int, start: int, order: Sequence[Any]
    ) -> list[Record]:
        query = [("d", header(domain)), ("o", header(order)), ("s", str(size)), ("p", str(start))]
        page: list[Record] = await self._call("GET", f"{model}{_query(query, fields)}")
        return page

    async def get(self, model: str, record: int, fields: Sequence[str]) -> Record:
        found: Record = await self._call("GET", f"{model}/{record}{_query([], fields)}")
        return found

    async def count(self, model: str, domain: Domain) -> int:
        return int(await self._call("POST", f"{model}/search_count", {"domain": domain}, mutation=False))

    async def create(self, model: str, values: Mapping[str, Any], fields: Sequence[str] = ("id",)) -> Record:
        made: Record = await self._call("POST", f"{model}{_query([], fields)}", values)
        return made

    async def create_all(self, model: str, values: Sequence[Mapping[str, Any]]) -> list[int]:
        """Many records, some in each transaction of the ERP."""
        made: list[int] = []
        for start in range(0, len(values), BATCH):
            some = list(values[start : start + BATCH])
            made += [int(i) for i in await self._call("POST", f"{model}/create", {"vlist": some})]
        return made

    async def write(self, model: str, record: int, values: Mapping[str, Any]) -> None:
        await self._call("PUT", f"{model}/{record}?f=id", values)

    async def activate(self, model: str, record: int) -> None:
        """A record that is not active is found by no other call."""
        await self._call("PUT", f"{model}/{record}?f=id", {"active": True}, headers=self._headers_of_all)

    async def delete(self, model: str, record: int) -> None:
        await self._call("DELETE", f"{model}/{record}")

    async def press(
        self, model: str, record: int, button: str, fields: Sequence[str] = ("id",), *, warned: bool = True
    ) -> Record | None:
        """A workflow step, by the name of its button in the ERP; the record as the step left it, if it says.

        Args:
            warned: False: what the ERP would warn of was looked at, and is no reason to stop.
        """
        headers = self._headers if warned else self._headers_unwarned
        answer = await self._call("POST", f"{model}/{record}/{button}{_query([], fields)}", {}, headers=headers)
        return answer if isinstance(answer, dict) else None

    async def close(self) -> None:
        await self._transport.close()

    async def _call(
        self,
        method: str,
        path: str,
        body: object = None,
        mutation: bool | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        mutation = method != "GET" if mutation is None else mutation
        url = f"{self._base}/rest/model/{path}"
        content = None if body is None else dumps(body)
        status, told, answer = await self._exchange(method, url, content, mutation, headers or self._headers)
        if status not in _OK:
            raise failure(status, answer, mutation=mutation, retry_after=told.get("Retry-After"))
        try:
            return loads(answer) if answer else None
        except ValueError:
            raise TransportError("the ERP's answer is not JSON", where=WHERE, sent=mutation) from None

    async def _exchange(
        self, method: str, url: str, body: bytes | None, mutation: bool, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            return await self._transport.exchange(method, url, headers, body)
        except aiohttp.ClientConnectorError:
            raise TransportError("the ERP is not reachable", where=WHERE) from None
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            raise TransportError("the ERP did not answer", where=WHERE, sent=mutation) from None


def _query(parts: list[tuple[str, str]], fields: Sequence[str]) -> str:
    pairs = [*parts, *(("f", field) for field in fields)]
    return "?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else ""
