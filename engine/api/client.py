"""`Operations` of a running engine, through its control socket: what the command line uses."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from engine.api.approvals import RemoteApprovals
from engine.api.measures import RemoteMeasures
from engine.api.p2p_client import RemoteP2p
from engine.api.payments import RemotePayments
from engine.api.wire import from_wire, to_wire
from engine.core.errors import ConfigurationError, Fate, IsthmusError
from engine.core.ids import id_text, parse_id
from engine.ports.connector import Attachment, Health
from engine.ports.journal import MessageRow, MessageView, Query, RevisionRow
from engine.ports.operations import ChannelDiff, ChannelStatus, EngineStatus, ReplayPlan

_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=5)


class RemoteError(IsthmusError):
    """What the engine refused, in its own words; `remote_code` is its error's code."""

    code, fate = "A020", Fate.REFUSE

    def __init__(self, facts: Mapping[str, str | None]) -> None:
        super().__init__(facts.get("what") or "refused", where=facts.get("where"), remedy=facts.get("remedy"))
        self.remote_code = facts.get("code") or self.code

    def __str__(self) -> str:
        return super().__str__().replace(self.code, self.remote_code, 1)


class ControlClient:
    """Use as `async with ControlClient(path) as operations:`. `who` is ignored: the socket knows the caller.

    Every method raises:
        ConfigurationError: no engine answers on the socket.
        RemoteError: the engine refused.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session: aiohttp.ClientSession | None = None
        self.p2p = RemoteP2p(self._find, self._post)
        self.approvals = RemoteApprovals(self._find, self._post)
        self.measures = RemoteMeasures(self._get, self._post)
        self.payments = RemotePayments(self._find)

    async def __aenter__(self) -> ControlClient:
        connector = aiohttp.UnixConnector(str(self._path))
        self._session = aiohttp.ClientSession("http://engine", connector=connector, timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    # -------------------------------------------------------------- seeing
    async def status(self) -> EngineStatus:
        return from_wire(EngineStatus, await self._get("/api/status"))

    async def search(self, query: Query, who: str = "") -> list[MessageRow]:
        return from_wire(list[MessageRow], await self._post("/api/messages/search", to_wire(query)))

    async def view(self, message_id: int, who: str = "") -> MessageView | None:
        try:
            return from_wire(MessageView, await self._get(f"/api/messages/{id_text(message_id)}"))
        except RemoteError as error:
            if error.remote_code == "A011":
                return None
            raise

    async def attachment(self, message_id: int, position: int, who: str = "") -> Attachment | None:
        try:
            return from_wire(Attachment, await self._get(f"/api/messages/{id_text(message_id)}/attachments/{position}"))
        except RemoteError as error:
            if error.remote_code == "A011":
                return None
            raise

    async def diff(self) -> list[ChannelDiff]:
        return from_wire(list[ChannelDiff], await self._get("/api/diff"))

    async def history(self, channel: str | None = None) -> list[RevisionRow]:
        return from_wire(list[RevisionRow], await self._get("/api/revisions", channel=channel))

    async def check(self, channel: str | None = None) -> dict[str, Health]:
        found = await self._get("/api/check", channel=channel)
        return {name: from_wire(Health, health) for name, health in found.items()}

    async def audit_records(self, subject: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._get("/api/audit", subject=subject, limit=str(limit))
        return found

    # -------------------------------------------------------------- operating
    async def set_channel(self, channel: str, state: str, who: str = "", reason: str | None = None) -> ChannelStatus:
        asked = {"state": state, "reason": reason}
        return from_wire(ChannelStatus, await self._post(f"/api/channels/{channel}/state", asked))

    async def resend(self, message_id: int, who: str, reason: str, body: bytes | None = None) -> int:
        encoded = None if body is None else base64.b64encode(body).decode()
        answer = await self._post(f"/api/messages/{id_text(message_id)}/resend", {"reason": reason, "body": encoded})
        return parse_id(answer["message_id"])

    async def discard(self, message_id: int, who: str, reason: str) -> None:
        await self._post(f"/api/messages/{id_text(message_id)}/discard", {"reason": reason})

    async def resend_delivery(self, delivery_id: int, who: str, reason: str) -> None:
        await self._post(f"/api/deliveries/{id_text(delivery_id)}/resend", {"reason": reason})

    async def confirm_delivery(self, delivery_id: int, who: str, reason: str, reference: str | None = None) -> None:
        asked = {"reason": reason, "reference": reference}
        await self._post(f"/api/deliveries/{id_text(delivery_id)}/confirm", asked)

    # -------------------------------------------------------------- changing
    async def plan_replay(self, query: Query, who: str = "", revision: int | None = None) -> ReplayPlan:
        asked = {"query": to_wire(query), "revision": revision}
        return from_wire(ReplayPlan, await self._post("/api/replays/plan", asked))

    async def replay(self, plan_id: str, who: str, reason: str) -> int:
        answer = await self._post("/api/replays", {"plan_id": plan_id, "reason": reason})
        return int(answer["replayed"])

    async def deploy(self, channels: Sequence[str], who: str = "", note: str | None = None) -> list[RevisionRow]:
        asked = {"channels": list(channels), "note": note}
        return from_wire(list[RevisionRow], await self._post("/api/deploy", asked))

    async def rollback(
        self, channel: str, revision: int | None = None, who: str = "", note: str | None = None
    ) -> RevisionRow:
        asked = {"revision": revision, "note": note}
        return from_wire(RevisionRow, await self._post(f"/api/channels/{channel}/rollback", asked))

    async def prune(self, before: datetime, who: str = "") -> int:
        answer = await self._post("/api/prune", {"before": before.isoformat()})
        return int(answer["dropped"])

    async def partner_token(self, supplier: str) -> str:
        """A new token for a supplier's program; it is shown this once."""
        return str((await self._post(f"/api/partners/{quote(supplier, safe='')}/tokens", {}))["token"])

    # -------------------------------------------------------------- inside
    async def _get(self, path: str, **query: str | None) -> Any:
        return await self._ask("GET", path, params={k: v for k, v in query.items() if v is not None})

    async def _find(self, path: str, *, missing: bool = False, **query: str | None) -> Any:
        """`missing`: what is not found is None."""
        try:
            return await self._get(path, **query)
        except RemoteError as error:
            if missing and error.remote_code == "A011":
                return None
            raise

    async def _post(self, path: str, asked: Any) -> Any:
        return await self._ask("POST", path, data=msgspec.json.encode(asked))

    async def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        if self._session is None:
            raise RuntimeError("use `async with ControlClient(path)`")
        try:
            async with self._session.request(method, path, **arguments) as response:
                answer = msgspec.json.decode(await response.read())
        except (aiohttp.ClientConnectionError, FileNotFoundError):
            raise ConfigurationError("no engine is running here", remedy="start it with `isthmus run`") from None
        if response.status >= 400:
            raise RemoteError(answer["error"])
        return answer
