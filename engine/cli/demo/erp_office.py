"""The real ERP of the demonstration: its process, its buyers, and our window into it for the comparison."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.adapters.tryton.server import ErpServer
from engine.adapters.tryton.settings import TrytonSettings
from engine.adapters.tryton.setup import ensure_template
from engine.canonical import PurchaseOrder


class ErpOffice:
    """One ERP with a fresh copy of the seeded company. `adapter` is ours alone: the engine has its own."""

    def __init__(self, server: ErpServer) -> None:
        self._server = server
        self.adapter: TrytonAdapter = server.adapter()

    @classmethod
    async def open(cls, directory: Path, step: Callable[[str], None]) -> ErpOffice:
        """Set it up when that was never done here, and start it.

        Args:
            directory: the demonstration's; an earlier run's company in it is removed.
        """
        template = await ensure_template(lambda text: step(f"Setting up the ERP: {text}"))
        home = directory / "erp"
        shutil.rmtree(home, ignore_errors=True)
        server = ErpServer(template, home)
        await server.start()
        return cls(server)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def database(self) -> str:
        return self._server.database

    @property
    def settings(self) -> TrytonSettings:
        return self._server.settings()

    @property
    def key(self) -> str:
        return self._server.template.key

    def files(self) -> list[Path]:
        """The ERP's database on disk, with what is still in its log."""
        return sorted(self._server.directory.glob(f"{self.database}.sqlite*"))

    async def buy(self, order: PurchaseOrder) -> None:
        """A buyer enters an order and confirms it. The engine is not told; it finds the order in the ERP."""
        await self.adapter.post(order, order.order_number)

    async def kill(self) -> None:
        """SIGKILL, as a crash or an impatient administrator would."""
        self._server.kill()

    async def restart(self) -> None:
        await self._server.start()

    async def close(self) -> None:
        await self.adapter.close()
        await asyncio.to_thread(self._server.stop)
