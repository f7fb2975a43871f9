"""What is due to many peers leaves together, at the end of a turn of the loop.

A write wakes the peer that sleeps, and on the same machine that costs more than the write. Written one by one between
other work, each would find its peer asleep again; written together, the first wakes it for all (tests/bench).
"""

from __future__ import annotations

import asyncio


class Outgoing:
    """The writes of one listener or of one destination; what one transport gets keeps its order."""

    def __init__(self) -> None:
        self._due: dict[asyncio.Transport, bytes] = {}

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Send in this turn of the loop, or at the start of the next."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._leave)
        before = self._due.get(transport)
        self._due[transport] = data if before is None else before + data

    def flush(self, transport: asyncio.Transport) -> None:
        """Send now what is due to this one, as before it is closed."""
        data = self._due.pop(transport, None)
        if data is not None and not transport.is_closing():
            transport.write(data)

    def _leave(self) -> None:
        due, self._due = self._due, {}
        for transport, data in due.items():
            if not transport.is_closing():
                transport.write(data)
