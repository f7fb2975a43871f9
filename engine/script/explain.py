"""Turns what went wrong in a script into a Reason: code, words, place and script line, and never a value."""

from __future__ import annotations

import traceback
from types import TracebackType

from pydantic import ValidationError

from engine.core.errors import IsthmusError, ScriptMemoryLimitError, ScriptTimeLimitError, TransformError
from engine.ports.connector import Reason
from engine.script.guard import TimeUp

SCRIPT_PREFIX = "transforms/"


def explain(error: BaseException, seconds: float = 0) -> Reason:
    """The reason for HELD. `where` holds the place in the message, if known, then `transforms/x.py:12`."""
    line = _script_line(error.__traceback__)
    if isinstance(error, IsthmusError):
        return Reason(error.code, error.what, _join(error.where, line), error.remedy)
    if isinstance(error, TimeUp):
        text = f"the transform ran longer than {seconds:g} s"
        return Reason(ScriptTimeLimitError.code, text, line, "look for a loop without end, or raise limits.time")
    if isinstance(error, MemoryError):
        text = "the transform needed more memory than it may"
        return Reason(ScriptMemoryLimitError.code, text, line, "look for a list that grows, or raise limits.memory")
    if isinstance(error, ValidationError):
        return Reason("D003", f"not a valid {error.title}: {_validation(error)}", line, None)
    text = f"{type(error).__name__} in the transform{_source(error.__traceback__)}"
    return Reason(TransformError.code, text, line, "run `isthmus trace` with this message to see the stage")


def _validation(error: ValidationError) -> str:
    # Only the field and the rule: pydantic's own message for custom checks may quote nothing but our words.
    parts = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'document'}: {p['msg']}" for p in parts[:5])


def _join(place: str | None, line: str | None) -> str | None:
    return ", ".join(part for part in (place, line) if part) or None


def _script_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return [f for f in traceback.extract_tb(trace) if f.filename.startswith(SCRIPT_PREFIX)]


def raised_by_script(error: BaseException) -> bool:
    """Whether its own line raised it, and not the engine's below it."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(SCRIPT_PREFIX)


def _script_line(trace: TracebackType | None) -> str | None:
    frames = _script_frames(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None


def _source(trace: TracebackType | None) -> str:
    frames = _script_frames(trace)
    return f": `{frames[-1].line.strip()}`" if frames and frames[-1].line else ""
