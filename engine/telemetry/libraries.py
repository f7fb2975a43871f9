"""Warnings of libraries (Python's `logging`) as our events, without the values they may hold."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import PurePath

from engine.telemetry.event import Event
from engine.telemetry.events import LibraryWarned


class LibraryHandler(logging.Handler):
    """Says which library warned where. Its text only as it stands in its source, before values are put in."""

    def __init__(self, emit: Callable[[Event], None], loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(logging.WARNING)
        self._emit, self._loop = emit, loop

    def emit(self, record: logging.LogRecord) -> None:
        event = LibraryWarned(record.name, f"{PurePath(record.pathname).name}:{record.lineno}", _words(record))
        if self._loop is None or self._loop.is_closed():
            self._emit(event)
        else:  # libraries may log from their own threads
            self._loop.call_soon_threadsafe(self._emit, event)


def _words(record: logging.LogRecord) -> str:
    error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
    text = str(record.msg) if record.args else None  # with arguments, msg is a format: no value in it
    return " ".join(part for part in (text, error) if part) or record.levelname.lower()


def capture(emit: Callable[[Event], None], loop: asyncio.AbstractEventLoop | None = None) -> Callable[[], None]:
    """Take over the root logger's output. Returns what gives it back."""
    root, handler = logging.getLogger(), LibraryHandler(emit, loop)
    before, level = root.handlers[:], root.level
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)

    def give_back() -> None:
        root.handlers[:] = before
        root.setLevel(level)

    return give_back
