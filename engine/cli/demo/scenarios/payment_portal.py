"""What a supplier's program is told: it asks the engine's partner API with its own token, as over the Internet."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp

from engine.cli.demo.scenarios.hospital import Hospital


class Told(NamedTuple):
    status: int
    body: Any

    @property
    def payment(self) -> str | None:
        """How the invoice's payment stands, in the supplier's words."""
        return self.body["payment"] if self.status == 200 else None


class SupplierProgram:
    """It asks seldom: sixty times a minute are allowed."""

    def __init__(self, hospital: Hospital, token: str) -> None:
        self._base = f"http://127.0.0.1:{hospital.place.ports['console']}/partner/v1/invoices"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def invoice(self, number: str) -> Told:
        return await self._ask(f"/{quote(number, safe='')}")

    async def invoices(self) -> list[str]:
        """Numbers of all that it may see."""
        told = await self._ask("?limit=200")
        return sorted(one["invoice_number"] for one in told.body)

    async def _ask(self, path: str) -> Told:
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.get(f"{self._base}{path}") as answer,
        ):
            return Told(answer.status, await answer.json())


async def program_of(hospital: Hospital, supplier: str) -> SupplierProgram:
    """With a token that an administrator has given this supplier."""
    return SupplierProgram(hospital, await hospital.client.partner_token(supplier))
