"""What became of a file's messages after they were taken in: one that is refused later goes over to the error folder.

An interchange is journalled before it is read, so its file is in the done folder when the worker refuses it. What
waits here is known to this run only: after a stop in between, the file stays in the done folder, and the message is
REFUSED in the journal all the same.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple, cast

from engine.ports.connector import Receipt, Verdict
from engine.ports.journal import MessageRow
from engine.ports.states import MessageState

SERVICE = "message_row"  # name of the asking in ConnectorContext.services
AskRow = Callable[[int], Awaitable[MessageRow | None]]
_AT_ONCE = 64  # files of one look
_MOST = 10_000  # files that wait at once: of a channel that is paused for long, the oldest stay where they are


class Taken(NamedTuple):
    """A file that was moved away; `path` is None when it was deleted."""

    path: PurePath | None
    name: str
    receipts: list[Receipt]


class Afterwards:
    """Asks about files that were taken in, some at each look."""

    def __init__(self, services: Mapping[str, Any]) -> None:
        self._ask = cast("AskRow | None", services.get(SERVICE))
        self._waiting: deque[Taken] = deque(maxlen=_MOST)

    def watch(self, taken: Taken) -> None:
        if self._ask is not None:
            self._waiting.append(taken)

    async def refused(self) -> list[Taken]:
        """Those that ended with a refusal; their receipts tell why. What is still on its way is asked for again."""
        found = []
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            taken = self._waiting.popleft()
            try:
                receipts = [await self._now(one) for one in taken.receipts]
            except _OnItsWayError:
                self._waiting.append(taken)
                continue
            except BaseException:
                self._waiting.appendleft(taken)
                raise
            if any(one.verdict is Verdict.REFUSED for one in receipts):
                found.append(taken._replace(receipts=receipts))
        return found

    async def _now(self, receipt: Receipt) -> Receipt:
        row = await self._ask(receipt.message_id) if self._ask is not None else None
        if row is not None and row.state is MessageState.RECEIVED:
            raise _OnItsWayError
        if row is None or row.state is not MessageState.REFUSED:
            return receipt
        return Receipt(Verdict.REFUSED, receipt.message_id, receipt.received_at, row.reason)


class _OnItsWayError(Exception):
    """Nobody has read the message yet."""


def move_over(taken: Taken, folder: Path, explanation: bytes, write: Callable[[Path, bytes], None]) -> None:
    """To the error folder under the same name, the explanation beside it."""
    target = folder / taken.name
    if taken.path is not None and Path(taken.path).exists():  # else a person took it away, or it was deleted as wished
        os.rename(taken.path, target)
    write(target.with_name(f"{target.name}.reason.txt"), explanation)
