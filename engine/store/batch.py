"""What one commit takes: entries in the order they were submitted, sorted by kind.

Beside each entry stands whom to tell of it: a function, or a number where the answers go back to another process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.ports.journal import NewMessage, Outcome, Settlement
from engine.store.transaction import Transaction

Done = Callable[[Any], None]
Entry = tuple[str, Any, Done]  # kind, as the lists of a batch are called; what; whom to tell
_SEVERAL = frozenset({"outcomes", "settlements"})  # kinds that come as a sequence
LONGEST = 1024  # messages, outcomes and settlements in one commit: bounds how long one commit takes


class Batch:
    """What one commit takes, by kind."""

    __slots__ = ("free", "messages", "operations", "outcomes", "settlements")

    def __init__(self) -> None:
        self.messages: list[tuple[NewMessage, Any]] = []
        self.outcomes: list[tuple[Sequence[Outcome], Any]] = []
        self.settlements: list[tuple[Sequence[Settlement], Any]] = []
        self.operations: list[tuple[Callable[[Transaction], Any], Any]] = []
        self.free: list[tuple[Callable[[Transaction], Any], Any]] = []  # not fenced: work on the leases themselves

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in self.__slots__)

    def take(self, entries: Sequence[Entry]) -> int:
        """Take entries in the order they came, as much as one commit should carry; how many were taken.

        What is not fenced never shares a commit with what is.
        """
        lists = {name: getattr(self, name) for name in self.__slots__}
        weight, taken = 0, 0
        for kind, value, done in entries:
            if weight >= LONGEST or (taken and (kind == "free") != bool(self.free)):
                break
            lists[kind].append((value, done))
            weight += len(value) if kind in _SEVERAL else 1
            taken += 1
        return taken

    def singles(self) -> list[Batch]:
        """One batch an entry, to find the one that the database refuses."""
        found = []
        for name in self.__slots__:
            for entry in getattr(self, name):
                one = Batch()
                setattr(one, name, [entry])
                found.append(one)
        return found

    def waiting(self) -> list[Any]:
        return [done for name in self.__slots__ for _, done in getattr(self, name)]
