"""Waiting for what must come, never for a time: a slow or busy machine takes longer, and no test fails by that.

The limits end a test that found a hang; no rule is measured by them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LIMIT_SECONDS = 30.0


async def until(holds: Callable[[], bool], seconds: float = LIMIT_SECONDS) -> None:
    """Return when it holds; the event loop goes on meanwhile."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


def wait_until(holds: Callable[[], bool], what: str, seconds: float = LIMIT_SECONDS) -> None:
    """The same where there is no event loop; `what` is told when it never comes."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.01)


async def turns(count: int) -> None:
    """So many turns of the event loop: whatever was ready to run has run."""
    for _ in range(count):
        await asyncio.sleep(0)
