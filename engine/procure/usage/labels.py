"""What the label of a device says, where a document tells it as it was scanned and no more."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from engine.canonical.identifiers import Udi, parse_udi
from engine.core.errors import DataTypeError

_REMEMBERED = 4096


@lru_cache(maxsize=_REMEMBERED)
def label(udi: str | None) -> Udi | None:
    """None: there is none, or it cannot be read, and then it is as good as missing."""
    try:
        return parse_udi(udi) if udi else None
    except DataTypeError:
        return None


def device_and_lot(line: Any) -> tuple[str | None, str | None]:
    """As a line names them, else as its label does."""
    device, lot = getattr(line, "device_identifier", None), getattr(line, "lot", None)
    if device and lot:
        return device, lot
    read = label(getattr(line, "udi", None))
    return (device or read.device_identifier, lot or read.lot) if read else (device, lot)
