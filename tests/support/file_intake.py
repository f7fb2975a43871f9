"""A process that takes files into a journal until it is killed: `python -m tests.support.file_intake ROOT POLICY`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from engine.connectors.file.settings import FileSourceSettings
from engine.connectors.file.source import FileSource
from engine.core.clock import SystemClock
from engine.core.ids import IdSource
from engine.flow.door import Door
from engine.flow.meter import ChannelMeter
from engine.flow.waiters import Waiters
from engine.store.open import open_store
from tests.support.connector_doubles import context


async def take_in(root: Path, policy: str) -> None:
    clock = SystemClock()
    store = await open_store(f"sqlite:///{root}/journal.db", clock)
    door = Door("files", store.journal, IdSource(), clock, ChannelMeter("files"), Waiters(), lambda item: None)
    settings = {"folder": "in", "stable_for": "0s", "poll": "10ms", "deduplicate": policy, "batch": 8}
    source = FileSource(FileSourceSettings.model_validate(settings), context(root, clock=clock))
    await source.run(door)


if __name__ == "__main__":
    asyncio.run(take_in(Path(sys.argv[1]), sys.argv[2]))
