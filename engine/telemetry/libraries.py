"""What is said through Python's `logging`, as our events: the engine's own remarks, and warnings of libraries.

The engine's own texts hold no values. A library's text may: it is shown only as it stands in its source, before
values are put in. Of an error only its class and place are shown, from both.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import PurePath

from engine.telemetry.event import Event
from engine.telemetry.events import EngineSaid, EngineWarned, LibraryWarned

OURS = "isthmus"


class LogHandler(logging.Handler):
    """Hands records on as events."""

    def __init__(self, emit: Callable[[Event], None], loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(logging.INFO)
        self._emit, self._loop = emit, loop

    def emit(self, record: logging.LogRecord) -> None:
        event = _ours(record) if record.name.partition(".")[0] == OURS else _of_library(record)
        if self._loop is None or self._loop.is_closed():
            self._emit(event)
        else:  # libraries may log from their own threads
            self._loop.call_soon_threadsafe(self._emit, event)


def capture(emit: Callable[[Event], None], loop: asyncio.AbstractEventLoop | None = None) -> Callable[[], None]:
    """Take over all log output: our own from INFO, that of libraries from WARNING. Returns what gives it back."""
    root, ours, handler = logging.getLogger(), logging.getLogger(OURS), LogHandler(emit, loop)
    before, levels = root.handlers[:], (root.level, ours.level)
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    ours.setLevel(logging.INFO)

    def give_back() -> None:
        root.handlers[:] = before
        root.setLevel(levels[0])
        ours.setLevel(levels[1])

    return give_back


def _ours(record: logging.LogRecord) -> Event:
    if record.levelno < logging.WARNING:
        return EngineSaid(record.name, record.getMessage())
    text = " ".join(part for part in (record.getMessage(), _error(record)) if part)
    return EngineWarned(record.name, text, _place(record))


def _of_library(record: logging.LogRecord) -> Event:
    text = str(record.msg) if record.args else None  # with arguments, msg is a format: no value in it
    words = " ".join(part for part in (text, _error(record)) if part)
    return LibraryWarned(record.name, _place(record), words or record.levelname.lower())


def _error(record: logging.LogRecord) -> str | None:
    return record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None


def _place(record: logging.LogRecord) -> str:
    """Where it was logged; with an error, where that was raised."""
    trace = record.exc_info[2] if record.exc_info else None
    if trace is None:
        return f"{PurePath(record.pathname).name}:{record.lineno}"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
