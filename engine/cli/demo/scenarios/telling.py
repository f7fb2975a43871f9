"""What is told of a scenario while it is played, and whether what was seen is what should be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

_FIRST, _LONGEST, _SLOWER = 0.05, 0.4, 1.4  # seconds between looks: what comes at once is seen at once
Look = Callable[[], Awaitable[Any]]
Quiet = Callable[[], Awaitable[None]]


class Line(NamedTuple):
    """One step. `wanted` None: something was done; else what should be seen and what was."""

    text: str
    wanted: str | None = None
    got: str | None = None

    @property
    def agrees(self) -> bool:
        return self.wanted is None or self.wanted == self.got


class Teller:
    """
    Args:
        say: is given each line when it is known.
        quiet: waits until nothing is under way in the engine.
        patience: seconds that a look may take to come true.
    """

    def __init__(self, say: Callable[[Line], None], quiet: Quiet, patience: float = 20.0) -> None:
        self._say, self._quiet, self._patience = say, quiet, patience
        self.lines: list[Line] = []

    @property
    def agrees(self) -> bool:
        return all(line.agrees for line in self.lines)

    def does(self, text: str) -> None:
        self._add(Line(text))

    async def sees(self, text: str, wanted: Any, look: Look) -> None:
        """Look again and again until it is as wanted, or patience ends."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self._patience, _FIRST
        got = await look()
        while shown(got) != shown(wanted) and loop.time() < deadline:
            await asyncio.sleep(pause)
            pause = min(pause * _SLOWER, _LONGEST)
            got = await look()
        self._add(Line(text, shown(wanted), shown(got)))

    async def stays(self, text: str, wanted: Any, look: Look) -> None:
        """Look once nothing is under way any more: for what must not happen."""
        await self._quiet()
        self._add(Line(text, shown(wanted), shown(await look())))

    def failed(self, text: str, why: str) -> None:
        """It could not be played to its end."""
        self._add(Line(text, "played to its end", why))

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        self._say(line)


def shown(value: Any) -> str:
    """As people read it: lists by commas, nothing as `nothing`."""
    if value is None or value == [] or value == ():
        return "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return str(value)
