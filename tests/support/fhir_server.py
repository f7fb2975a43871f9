"""A FHIR server in memory: versions, searches by _lastUpdated in pages, Subscriptions, and a way to misbehave."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from engine.core.loopback import free_port


class FhirServer:
    """`links` false: no links to further pages. `failing`: the next answers have this status."""

    def __init__(self) -> None:
        self.port = free_port()
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self.versions: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.links, self.failing, self.next_at = True, 0, ""
        self.headers: dict[str, str] = {}  # of a failing answer
        self._made = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    async def start(self) -> None:
        self._handlers = web.Server(self._answer, access_log=None)
        self._server = await asyncio.get_running_loop().create_server(self._handlers, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if hasattr(self, "_server"):
            self._server.close()
            await self._handlers.shutdown(0.05)

    def save(self, resource: dict[str, Any], id_: str = "", seconds: float = 1) -> dict[str, Any]:
        """Another version, made so many seconds after the one before."""
        self.now += timedelta(seconds=seconds)
        self._made += 1
        id_ = id_ or f"x{self._made}"
        several = self.versions.setdefault((resource["resourceType"], id_), [])
        updated = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        saved = resource | {"id": id_, "meta": {"versionId": str(len(several) + 1), "lastUpdated": updated}}
        several.append(saved)
        return saved

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        self.asked.append((request.method, request.path_qs))
        if self.failing:
            return web.Response(status=self.failing, headers=self.headers)
        kind, _, id_ = request.path.removeprefix("/fhir/").partition("/")
        if request.method in ("POST", "PUT"):
            return web.json_response(self.save(json.loads(body), id_), status=201)
        if id_:
            found = self.versions.get((kind, id_))
            return web.json_response(found[-1]) if found else web.Response(status=404)
        return web.json_response(self._search(kind, request))

    def _search(self, kind: str, request: web.BaseRequest) -> dict[str, Any]:
        asked = {name: value for name, value in request.query.items() if not name.startswith("_")}
        newest = [several[-1] for (type_, _), several in self.versions.items() if type_ == kind]
        wanted = [one for one in newest if all(self._fits(one, *pair) for pair in asked.items())]
        since = request.query.get("_lastUpdated", "ge").removeprefix("ge")
        found = sorted((one for one in wanted if one["meta"]["lastUpdated"] >= since), key=_updated)
        count, begin = int(request.query.get("_count", "50")), int(request.query.get("_page", "0"))
        page = found[begin : begin + count]
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": []}
        if self.links and len(found) > begin + count:
            on = request.rel_url.update_query(_page=str(begin + count))
            bundle["link"] = [{"relation": "next", "url": self.next_at or f"{self.url.removesuffix('/fhir')}{on}"}]
        entries = [{"resource": one, "search": {"mode": "match"}} for one in page]
        included = {"resource": {"resourceType": "Patient", "id": "p"}, "search": {"mode": "include"}}
        return bundle | {"entry": [*entries, included]}

    @staticmethod
    def _fits(resource: dict[str, Any], name: str, value: str) -> bool:
        if name == "url":  # of Subscriptions
            return value in (resource.get("endpoint"), resource.get("channel", {}).get("endpoint"))
        return bool(resource.get(name) == value)


def _updated(resource: dict[str, Any]) -> str:
    return str(resource["meta"]["lastUpdated"])
