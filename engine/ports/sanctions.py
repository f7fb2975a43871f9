"""Lists of sanctioned parties, as the check of a supplier's names needs them: a file, or a service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SanctionsList(Protocol):
    @property
    def name(self) -> str:
        """As people know it: `SDN`."""
        ...

    async def alike(self, names: Sequence[str]) -> Sequence[str]:
        """Numbers of the entries whose name, or another name of theirs, is like one of these.

        Raises:
            TransportError: the list cannot be asked now.
        """
        ...
