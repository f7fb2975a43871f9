"""Once a day the rows of the figures are held against the documents; what differs is told in log, metrics, console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from engine.core.clock import to_micros
from engine.ports.measures import Difference, MeasureStore
from engine.ports.procure import Records
from engine.procure.measures.check import recent_differences

_BACK = timedelta(days=2)  # a day and the one before: what a stop of the engine left out is looked at, too
Tell = Callable[[str, str, dict[str, object]], None]


class MeasureWatch:
    """`notices` are sentences for people, as of the last look.

    Args:
        emit: takes name, place and facts; the facts are counts and kinds of rows, never what a row holds.
    """

    def __init__(self, store: MeasureStore, records: Records, emit: Tell) -> None:
        self._store, self._records, self._emit = store, records, emit
        self.notices: tuple[str, ...] = ()

    async def look(self, now: datetime) -> None:
        """Only what got a document lately: the whole is compared by `isthmus measures --check`.

        Raises:
            StoreError: the store cannot be read now.
        """
        found = await recent_differences(self._store, self._records, to_micros(now - _BACK))
        if found:
            self._emit("measures_differed", "measures", {"count": len(found), "rows": _kinds(found)})
        self.notices = tuple(_sentences(found))


def _kinds(found: list[Difference]) -> str:
    return ", ".join(sorted({one.where.partition(" of ")[0] for one in found}))


def _sentences(found: list[Difference]) -> list[str]:
    if not found:
        return []
    return [
        f"{len(found)} rows of the figures are not what the documents say ({_kinds(found)}): see"
        " `isthmus measures --check`; `isthmus measures --remake` makes them anew"
    ]
