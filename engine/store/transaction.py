"""What the parts of one writing transaction share: the session, names, counts, and the time it happens at."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from engine.core.texts import storable
from engine.ports.connector import Reason
from engine.store.feed_rows import ALL, wanted, write_rows
from engine.store.names import MESSAGES, Names
from engine.store.session import Insert, Session

_COUNT = Insert(
    "counters",
    ("slot", "channel", "destination", "state", "count"),
    ("int", "int", "int", "smallint", "bigint"),
    "ON CONFLICT (slot, channel, destination, state) DO UPDATE SET count = counters.count + excluded.count",
)
_REASON = Insert(
    "reasons",
    ("message_id", "reason"),
    ("bigint", "text"),
    "ON CONFLICT (message_id) DO UPDATE SET reason = excluded.reason",
)


class Remembered(NamedTuple):
    counts: dict[tuple[int, int, int], int]
    names: dict[str, int]
    fed: int


class Transaction:
    """One commit in the making. `at` is microseconds since 1970 UTC; `slot` this node's rows of the counters."""

    def __init__(self, session: Session, names: Names, at: int, slot: int) -> None:
        self.session, self.at = session, at
        self._names, self._slot = names, slot
        self._counts: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        self._wanted: frozenset[int] | None = None  # channels that the feed is written for; None: not asked yet
        self._fed: list[tuple[Any, ...]] = []

    def remember(self) -> Remembered:
        """What is not in the database yet: to be taken back with a savepoint."""
        return Remembered(dict(self._counts), self._names.made(), len(self._fed))

    def take_back(self, remembered: Remembered) -> None:
        self._counts.clear()
        self._counts.update(remembered.counts)
        self._names.only(remembered.names)
        del self._fed[remembered.fed :]

    def number(self, name: str) -> int:
        return self._names.number(self.session, name)

    def count_message(self, channel: int, state: int, by: int = 1) -> None:
        self._counts[channel, MESSAGES, state] += by

    def count_delivery(self, channel: int, destination: int, state: int, by: int = 1) -> None:
        self._counts[channel, destination, state] += by

    def set_states(self, rows: Iterable[tuple[int, int, int, int]]) -> None:
        """Change message states: id, channel, state before, state after."""
        by_state: defaultdict[int, list[int]] = defaultdict(list)
        for message_id, channel, before, after in rows:
            self.count_message(channel, before, -1)
            self.count_message(channel, after)
            by_state[after].append(message_id)
        for after, message_ids in sorted(by_state.items()):
            self.session.mark(after, self.at, message_ids)

    def set_reasons(self, reasons: dict[int, Reason]) -> None:
        self.session.insert(_REASON, [(message_id, pack(reason)) for message_id, reason in sorted(reasons.items())])

    def feeds(self, channel: int) -> bool:
        """Whether somebody reads what happens in this channel."""
        if self._wanted is None:
            self._wanted = wanted(self.session)
        return bool(self._wanted) and (ALL in self._wanted or channel in self._wanted)

    def feed(self, channel: int, message_id: int, part: int, what: int, code: str | None = None) -> None:
        if self.feeds(channel):
            self._fed.append((channel, message_id, part, what, self.at, code))

    def write_feed(self) -> None:
        """Last of all: the feed's head is locked from here to the commit."""
        fed, self._fed = self._fed, []
        if fed:
            write_rows(self.session, fed)

    def write_counts(self) -> None:
        rows = [(self._slot, *key, by) for key, by in sorted(self._counts.items()) if by]
        self._counts.clear()
        self.session.insert(_COUNT, rows)


def pack(value: object) -> str:
    """JSON text, as kept in columns that are only ever read whole."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a character somewhere in it
        return storable(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def unpack_reason(text: str | None) -> Reason | None:
    return None if text is None else msgspec.json.decode(text, type=Reason)
