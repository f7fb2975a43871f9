"""What a transform script may not do, and what happens when it tries.

Scripts are reviewed code, not hostile code; a Python process cannot be made a sandbox from inside. So there are
three fences, each enough for an honest mistake: imports from a list, an audit hook that raises at the script's own
line, and kernel limits (no new file or socket, no file growth, bounded memory) that hold whatever Python does.
Source: acceptance § 3 "Python scripts".
"""

from __future__ import annotations

import builtins
import os
import resource
import signal
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.core.errors import ScriptExitError, ScriptForbiddenError

ALLOWED_MODULES = frozenset(
    (
        "__future__", "base64", "bisect", "collections", "collections.abc", "dataclasses", "datetime", "decimal",
        "engine.sdk", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator",
        "re", "statistics", "string", "textwrap", "typing", "unicodedata", "uuid", "zoneinfo",
    )
)  # fmt: skip

# What datetime's C code imports when a date is formatted or read: through the running script's builtins, with a list.
_OF_DATES = frozenset({"time", "_strptime"})
_FORBIDDEN_EVENTS = (
    "socket.", "subprocess.", "os.", "shutil.", "ctypes.", "pty.", "signal.", "resource.", "tempfile.", "ftplib.",
    "http.", "urllib.", "sqlite3.", "fcntl.", "mmap.", "syslog.", "sys.settrace", "sys.setprofile", "sys.addaudithook",
    "code.__new__", "gc.", "builtins.input", "builtins.breakpoint",
)  # fmt: skip
_HARMLESS_OS = frozenset({"os.listdir", "os.scandir", "os.walk", "os.fwalk"})


class TimeUp(BaseException):
    """Raised at the script's current line when its time is over. Not an Exception: a script must not catch it."""


class _Switch:
    on = False


def install() -> None:
    """Once in each worker: the audit hook cannot be removed again, it is switched on around scripts."""
    sys.addaudithook(_audit)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _time_up)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _Switch.on:
        return
    if event == "open":
        raise ScriptForbiddenError("a transform may not open files", remedy="declare a lookup instead")
    if event.startswith(_FORBIDDEN_EVENTS) and event not in _HARMLESS_OS:
        raise ScriptForbiddenError(
            f"a transform may not use {event}", remedy="a transform is a pure function of the message and its lookups"
        )


class _Guarded:
    """A class and not a generator: it is entered once a message."""

    __slots__ = ()

    def __enter__(self) -> None:
        _Switch.on = True

    def __exit__(self, *error: object) -> None:
        _Switch.on = False


_GUARDED = _Guarded()


def guarded() -> _Guarded:
    """Inside, forbidden events raise."""
    return _GUARDED


def _time_up(signum: int, frame: types.FrameType | None) -> None:
    if _Switch.on:
        raise TimeUp


def start_timer(seconds: float) -> None:
    # It fires again every 50 ms: a bare `except:` in the script catches one, not all.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)


def stop_timer() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)


def limit_memory(extra_bytes: int) -> None:
    """The process may map this much beyond what it maps now; then MemoryError at the script's line."""
    with open("/proc/self/statm") as statm:
        mapped = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + extra_bytes, hard))


def close_doors() -> None:
    """No new descriptor (so no file and no socket), no file growth. Soft limits: `open_doors` undoes them."""
    _soft(resource.RLIMIT_NOFILE, 0)
    _soft(resource.RLIMIT_FSIZE, 0)


def open_doors() -> None:
    _soft(resource.RLIMIT_NOFILE, 256)
    _soft(resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)


def _soft(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    wanted = value if hard == resource.RLIM_INFINITY or 0 <= value <= hard else hard
    resource.setrlimit(which, (wanted, hard))


def script_builtins() -> dict[str, Any]:
    """Builtins for scripts: imports from the list only; leaving the process raises instead."""
    names = dict(vars(builtins))
    for name in ("exec", "eval", "compile", "open", "input", "breakpoint", "exit", "quit", "help"):
        names.pop(name, None)
    names["__import__"] = _import
    return names


def _import(
    name: str,
    globals_: Mapping[str, object] | None = None,
    locals_: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> types.ModuleType:
    of_dates = name in _OF_DATES and isinstance(fromlist, list)  # a script's own import gives None or a tuple
    if level or not (name in ALLOWED_MODULES or of_dates):
        raise ScriptForbiddenError(
            f"a transform may not import '{name or '.'}'", remedy="allowed: engine.sdk and pure standard modules"
        )
    return builtins.__import__(name, globals_, locals_, fromlist or (), level)


def forbid_exit() -> None:
    """`os._exit` ends a process without a trace: in workers it raises, so that the script's line is known."""

    def refuse(code: int = 0) -> None:
        raise ScriptExitError("the transform tried to end its process")

    leave: Callable[[int], None] = os._exit
    _leave.append(leave)
    os._exit = refuse  # type: ignore[assignment]


def leave(code: int) -> None:
    """End the worker for real."""
    (_leave[0] if _leave else os._exit)(code)


_leave: list[Callable[[int], None]] = []
