"""Crosswalks as transforms see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TypeVar, overload

from engine.core.errors import MappingMissingError

_Default = TypeVar("_Default")


class Lookup(Mapping[str, str]):
    """A crosswalk as a script sees it: `items["4711"]`, or `items.get("4711")` when a miss is fine.

    Rows with `valid_from` and `valid_to` hold on the day that the message came in; `items.on(message_date)["4711"]`
    asks for another day.

    Raises (on `lookup[key]`):
        MappingMissingError: the message is HELD; add the row to the crosswalk, then resend.
    """

    __slots__ = ("_dated", "_rows", "_whole", "day", "missed", "name")

    def __init__(
        self,
        name: str,
        rows: Mapping[str, str],
        dated: Mapping[str, Sequence[tuple[str | None, str | None, str]]] | None = None,
    ) -> None:
        self.name, self._rows, self._dated = name, rows, dated or {}
        self._whole = self
        self.day: date | None = None
        self.missed: str | None = None

    def on(self, day: date) -> Lookup:
        """The crosswalk as it was, or will be, on this day."""
        then = Lookup(self.name, self._rows, self._dated)
        then.day, then._whole = day, self._whole
        return then

    def __getitem__(self, key: str) -> str:
        found = self._found(key)
        if found is not None:
            return found
        self._whole.missed = key
        words = "has no row for this code" + (" on this day" if key in self._dated else "")
        raise MappingMissingError(
            f"crosswalk '{self.name}' {words}",
            remedy=f"add it to config/crosswalks/{self.name}, deploy, then resend",
        )

    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str | _Default, /) -> str | _Default: ...
    def get(self, key: str, default: object = None, /) -> object:
        """A miss is fine: it is not among the failed lookups."""
        found = self._found(key)
        return default if found is None else found

    def _found(self, key: str) -> str | None:
        return self._held(key) if key in self._dated else self._rows.get(key)

    def _held(self, key: str) -> str | None:
        if self.day is None:
            return self._dated[key][-1][2]
        day = self.day.isoformat()
        held = (value for first, last, value in self._dated[key] if (first or "") <= day <= (last or "9999"))
        return next(held, None)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._found(key) is not None

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._rows if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self) if self._dated else len(self._rows)
