"""What a source that looks into a system tells of its looks: the process waits no longer for what they have passed."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from engine.ports.connector import ConnectorContext

LOOKS = "looks"  # name in ConnectorContext.services


class HearsLooks(Protocol):
    def expect(self, channel: str) -> None:
        """The channel's source looks: without a complete look nothing is promised."""
        ...

    def complete(self, channel: str, began: datetime, ended: datetime) -> None:
        """All that was there at `began` was received by `ended`, or earlier."""
        ...


def looks_of(context: ConnectorContext) -> HearsLooks:
    found: HearsLooks = context.services.get(LOOKS) or _Nobody()
    found.expect(context.channel)
    return found


class _Nobody:
    """No process in this engine."""

    def expect(self, channel: str) -> None:
        return

    def complete(self, channel: str, began: datetime, ended: datetime) -> None:
        return
