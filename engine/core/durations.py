"""Durations and sizes as people write them in YAML: `30s`, `15m`, `24h`, `7d`, `500ms`; `16MB`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIZES = {"B": 1, "kB": 1000, "KB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3}


def parse_duration(text: str) -> timedelta:
    """Raises ValueError with the accepted forms."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", text.strip())
    if not match:
        raise ValueError("write a duration as a number and a unit: 500ms, 30s, 15m, 24h or 7d")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def format_duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, factor in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= factor and seconds % factor == 0:
            return f"{int(seconds // factor)}{unit}"
    return f"{seconds:g}s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:g}ms"


def format_size(value: int) -> str:
    for unit in ("GiB", "MiB", "KiB", "GB", "MB", "kB"):
        if value >= _SIZES[unit] and value % _SIZES[unit] == 0:
            return f"{value // _SIZES[unit]}{unit}"
    return f"{value}B"


def parse_size(text: str) -> int:
    """Bytes. Raises ValueError with the accepted forms."""
    match = re.fullmatch(r"(\d+)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)", text.strip())
    if not match:
        raise ValueError("write a size as a number and a unit: 64KiB, 16MB, 1GB")
    return int(match[1]) * _SIZES[match[2]]
