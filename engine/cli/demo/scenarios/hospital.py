"""What scenarios act through: the doors of the engine, its API for people, and the ERP."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from engine.api.client import ControlClient
from engine.cli.demo.doors import MllpDoor
from engine.cli.demo.erp_office import ErpOffice
from engine.cli.demo.parcel import Ending, Parcel, Phase
from engine.cli.demo.scenarios import site
from engine.cli.demo.scenarios.books import Books
from engine.cli.demo.workplace import Workplace
from engine.core.errors import TransportError
from engine.ports.journal import MessageRow, Query
from engine.ports.p2p_operations import CaseAsk, CaseRow, InvoiceStatus, OrderView
from engine.ports.procure import CaseQuery
from engine.ports.states import MessageState

_UNFINISHED = ("RECEIVED", "QUEUED")
_EVERY, _QUIET_LOOKS = 0.1, 8  # longer than the pause between two looks at the process's commands
_PATIENCE = 120.0
TAKEN = (200, 202)  # 200: it was here already


class Hospital:
    """One engine on a copy of the shipped site, and one ERP. `erp` may be killed and started again."""

    def __init__(self, place: Workplace, client: ControlClient, erp: ErpOffice, books: Books) -> None:
        self.place, self.client, self.erp, self.books = place, client, erp, books
        self._session: aiohttp.ClientSession | None = None
        self._mllp: dict[str, MllpDoor] = {}

    # -------------------------------------------------------------- the doors
    async def post(self, channel: str, document: Mapping[str, Any], key: str) -> None:
        """Send JSON to a channel over HTTP.

        Raises:
            TransportError: it was not taken.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE))
        door = site.http_door(self.place, channel)
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        headers |= {"Authorization": f"Bearer {door.token}"} if door.token else {}
        async with self._session.post(door.url, data=json.dumps(document).encode(), headers=headers) as answer:
            if answer.status not in TAKEN:
                raise TransportError(f"the engine answered {answer.status}", where=channel)

    async def message(self, channel: str, body: bytes) -> str:
        """Send HL7 over MLLP; the acknowledgement code."""
        door = self._mllp.setdefault(channel, MllpDoor(self.place.ports[channel]))
        return await door.send(Parcel(Phase.DAY, channel, "", body, Ending.DELIVERED))

    def file(self, channel: str, name: str, body: bytes) -> None:
        """Put a file where a channel looks; it is never seen half written."""
        folder = site.folder_of(self.place, channel)
        partial = folder / f"{name}.part"
        partial.write_bytes(body)
        os.replace(partial, folder / name)

    def written(self, *parts: str) -> list[Path]:
        """Files that the engine wrote below a folder of the site."""
        folder = self.place.folder(*parts)
        return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))

    # -------------------------------------------------------------- what people see and decide
    async def cases(self, about: str, state: str = "open") -> list[CaseRow]:
        """Cases whose place or dossier names this number."""
        found = await self.client.p2p.cases(CaseQuery(states=(state,), limit=1000))
        return [row for row in found if about in row.case_id]

    async def case_types(self, about: str, state: str = "open") -> list[str]:
        return sorted(row.type for row in await self.cases(about, state))

    async def decide(self, about: str, type_: str, action: str, reason: str, **more: Any) -> None:
        """A person acts on the one open case of this type."""
        row = next(row for row in await self.cases(about) if row.type == type_)
        await self.client.p2p.act(row.ref, CaseAsk(action, reason, **more))

    async def invoice(self, supplier: str, number: str) -> InvoiceStatus | None:
        return await self.client.p2p.invoice(supplier, number)

    async def invoice_state(self, supplier: str, number: str) -> str | None:
        found = await self.invoice(supplier, number)
        return found.state if found else None

    async def order(self, number: str) -> OrderView | None:
        return await self.client.p2p.order(number)

    async def held(self, channel: str) -> list[MessageRow]:
        """Messages of a channel that wait for a person."""
        return await self.client.search(Query(channel=channel, states=(MessageState.HELD,), limit=200))

    # -------------------------------------------------------------- operating
    async def set_channel(self, channel: str, key: str, value: str, note: str) -> None:
        """Change a channel of the site and deploy it."""
        site.set_key(site.channel_file(self.place, channel), key, value)
        await self.client.deploy([channel], note=note)

    async def set_policy(self, path: str, key: str, value: str, note: str) -> None:
        """Change a policy of the site and deploy it."""
        site.set_key(self.place.root / path, key, value)
        await self.client.deploy(["policies"], note=note)

    async def quiet(self) -> None:
        """Wait until nothing is received or queued.

        Raises:
            TransportError: it takes too long.
        """
        calm = 0
        try:
            async with asyncio.timeout(_PATIENCE):
                while calm < _QUIET_LOOKS:
                    calm = calm + 1 if await self._is_quiet() else 0
                    await asyncio.sleep(_EVERY)
        except TimeoutError:
            raise TransportError("the engine does not come to rest", remedy="look at its queues") from None

    async def _is_quiet(self) -> bool:
        channels = (await self.client.status()).channels
        return not any(one.counts.get(state, 0) for one in channels for state in _UNFINISHED)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        for door in self._mllp.values():
            await door.close()
