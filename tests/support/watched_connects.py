"""Every address that this process asks the system to connect to, whichever library asks: seen by an audit hook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_watching: list[list[tuple[object, ...]]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _watching:
        address = arguments[1]
        for seen in _watching:
            seen.append(address if isinstance(address, tuple) else (address,))


@contextmanager
def watched_connects() -> Iterator[list[tuple[object, ...]]]:
    """Yields the list that grows. The hook stays in the process, as hooks do; outside of the block it does nothing."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hook)
    seen: list[tuple[object, ...]] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


_installed: list[bool] = []
