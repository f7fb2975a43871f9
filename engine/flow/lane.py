"""The waiting line of one destination: order per key, parallel across keys, a window in memory over the journal.

A lane never sends; it says what may be sent next. Times are monotonic seconds.
"""

from __future__ import annotations

import heapq
from collections import deque

from engine.ports.journal import PendingDelivery
from engine.ports.states import DeliveryState

WINDOW = 4096
WINDOW_BYTES = 32 * 1024 * 1024


class Entry:
    """A delivery in the lane, with what this run has learnt about it.

    `doubt`: an earlier attempt began, and nobody knows how it ended.
    """

    __slots__ = ("attempts", "delivery", "doubt")

    def __init__(self, delivery: PendingDelivery) -> None:
        self.delivery, self.attempts = delivery, delivery.attempts
        self.doubt = delivery.state is DeliveryState.SENDING


class Lane:
    """Deliveries without an order key are lines of one; each key is a line of its own.

    A line is in one place: `_ready` (its head may go), `_parked` (its head waits for a time), taken (its head is
    being sent), or blocked (its head is HELD; only `unblock` brings it back).
    """

    def __init__(self) -> None:
        self._lines: dict[object, deque[Entry]] = {}
        self._ready: deque[object] = deque()
        self._parked: list[tuple[float, int, object]] = []
        self._blocked: set[str] = set()
        self._count, self._bytes, self._sequence = 0, 0, 0
        self.known: set[int] = set()

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        return self._count >= WINDOW or self._bytes >= WINDOW_BYTES

    def block(self, order_key: str) -> None:
        """The key's oldest delivery is HELD: nothing of that key goes."""
        self._blocked.add(order_key)
        line = self._lines.pop(order_key, None)
        for entry in line or ():
            self._drop(entry)

    def blocked(self, order_key: str | None) -> bool:
        return order_key is not None and order_key in self._blocked

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]

    # ------------------------------------------------------------------ in
    def put(self, delivery: PendingDelivery, wait: float, now: float) -> None:
        """Append in order of arrival; a blocked key's deliveries stay in the journal. `wait` in seconds."""
        if delivery.delivery_id in self.known or self.blocked(delivery.order_key):
            return
        entry = Entry(delivery)
        self.known.add(delivery.delivery_id)
        self._count += 1
        self._bytes += len(delivery.body)
        key: object = delivery.order_key if delivery.order_key is not None else delivery.delivery_id
        line = self._lines.get(key)
        if line is not None:
            line.append(entry)
            return
        self._lines[key] = deque((entry,))
        self._place(key, wait, now)

    def _place(self, key: object, wait: float, now: float) -> None:
        if wait <= 0:
            self._ready.append(key)
            return
        self._sequence += 1
        heapq.heappush(self._parked, (now + wait, self._sequence, key))

    # ------------------------------------------------------------------ out
    def take(self, now: float) -> Entry | None:
        """The next delivery that may go; its line waits until `finish`, `again` or `block`."""
        while self._parked and self._parked[0][0] <= now:
            key = heapq.heappop(self._parked)[2]
            if key in self._lines:
                self._ready.append(key)
        while self._ready:
            key = self._ready.popleft()
            line = self._lines.get(key)
            if line:
                return line[0]
        return None

    def next_due(self) -> float | None:
        """When the first parked line may go; None: nothing is parked."""
        return self._parked[0][0] if self._parked else None

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    def finish(self, entry: Entry, now: float) -> None:
        """It needs no more attempt (delivered, or HELD where the key may go on)."""
        key = self._key(entry)
        line = self._lines.get(key)
        if not line or line[0] is not entry:
            return
        line.popleft()
        self._drop(entry)
        if line:
            self._ready.append(key)
        else:
            del self._lines[key]

    def again(self, entry: Entry, wait: float, now: float) -> None:
        """It goes again later; its line waits for it."""
        if self._lines.get(self._key(entry)):
            self._place(self._key(entry), wait, now)

    def _key(self, entry: Entry) -> object:
        delivery = entry.delivery
        return delivery.order_key if delivery.order_key is not None else delivery.delivery_id

    def _drop(self, entry: Entry) -> None:
        self._count -= 1
        self._bytes -= len(entry.delivery.body)
        self.known.discard(entry.delivery.delivery_id)
