"""The ERP's books as an accountant reads them, beside the engine."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.adapters.tryton.client import AiohttpTransport, TrytonClient
from engine.adapters.tryton.settings import TrytonSettings


class BookLine(NamedTuple):
    """A line of a posted move. `center` is the cost center of its analytic line."""

    account: str
    debit: Decimal
    credit: Decimal
    center: str | None

    def __str__(self) -> str:
        side = f"debit {self.debit:.2f}" if self.debit else f"credit {self.credit:.2f}"
        return f"{self.account} {side}" + (f" of {self.center}" if self.center else "")


class Books:
    """Reads what is posted, through a connection of its own; it writes nothing."""

    def __init__(self, settings: TrytonSettings, key: str) -> None:
        context = {"company": settings.company, "companies": [settings.company]}
        transport = AiohttpTransport(30.0)
        self._client = TrytonClient(f"{settings.url.rstrip('/')}/{settings.database}", key, context, transport)

    async def entry(self, number: str) -> list[str]:
        """Lines of the journal entry with this number, in words, debits first; empty: it is not posted."""
        domain = [["move.description", "=", number], ["move.state", "=", "posted"]]
        fields = ["account.code", "debit", "credit", "analytic_lines.account.code"]
        found = [_line(record) for record in await self._client.read("account.move.line", domain, fields)]
        return [str(line) for line in sorted(found, key=lambda one: (not one.debit, one))]

    async def period(self, number: str) -> str | None:
        """Month in which the entry counts, as 2026-10."""
        domain = [["description", "=", number], ["state", "=", "posted"]]
        found = await self._client.read("account.move", domain, ["period.start_date"])
        return str(found[0]["period"]["start_date"])[:7] if found else None

    async def entries(self, begins: str) -> int:
        """Posted entries whose number begins so."""
        return await self._client.count(
            "account.move", [["description", "like", f"{begins}%"], ["state", "=", "posted"]]
        )

    async def close(self) -> None:
        await self._client.close()


def _line(record: dict[str, object]) -> BookLine:
    account = record["account"]
    analytic = record.get("analytic_lines") or []
    assert isinstance(account, dict)
    assert isinstance(analytic, list)
    center = analytic[0]["account"]["code"] if analytic else None
    return BookLine(account["code"], Decimal(str(record["debit"])), Decimal(str(record["credit"])), center)
