"""Which documents a closing takes: each exactly one, whatever is read again, late, or cut short by a crash.

A closing is a moment and a number of the feed, both kept before anything is told. It takes what was made up to that
number with a time before that moment, and was not taken by the closing before it. Nothing else decides, so that the
same closing carried out again takes the same. It does not depend on where windows lie: their length may be changed.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple

import msgspec

from engine.core.clock import from_micros, to_micros


class Closing(NamedTuple):
    """Up to when, and up to which number of the feed."""

    until: datetime
    cut: int


class Fate(Enum):
    TAKEN = "taken"  # by an earlier closing
    LATE = "late"  # of a time that was closed when it came
    NOW = "now"
    LATER = "later"  # of a window that is still open


def fate(number: int, at: datetime, before: Closing, now: Closing) -> Fate:
    """What becomes of a document at this closing.

    Args:
        number: of its entry in the feed, at most `now.cut`.
        at: its time, not after it was made.
    """
    if at >= now.until:
        return Fate.LATER
    if at >= before.until:
        return Fate.NOW
    return Fate.TAKEN if number <= before.cut else Fate.LATE


class Progress(msgspec.Struct, frozen=True):
    """What the reader notes in the journal: the last closing, and one that began and may not be finished."""

    until: int
    cut: int
    pending_until: int | None = None
    pending_cut: int = 0

    @classmethod
    def after(cls, done: Closing, pending: Closing | None = None) -> Progress:
        if pending is None:
            return cls(to_micros(done.until), done.cut)
        return cls(to_micros(done.until), done.cut, to_micros(pending.until), pending.cut)

    @property
    def done(self) -> Closing:
        return Closing(from_micros(self.until), self.cut)

    @property
    def pending(self) -> Closing | None:
        return None if self.pending_until is None else Closing(from_micros(self.pending_until), self.pending_cut)

    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def of(cls, text: str) -> Progress:
        return msgspec.json.decode(text, type=cls)
