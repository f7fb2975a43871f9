"""The engine as users start it: `isthmus run` in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine.cli.demo.workplace import Workplace
from engine.core.errors import ConfigurationError

_START_SECONDS, _STOP_SECONDS = 240.0, 40.0


class EngineProcess:
    """One `isthmus run`. Its log goes to `engine.log` beside the site."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.log = place.root.parent / "engine.log"
        self._said = place.root.parent / "engine.out"
        self._process: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, Any] = {}

    @property
    def control(self) -> Path:
        return Path(self.addresses["control"])

    async def start(self) -> None:
        """Start it and wait until every channel listens.

        Raises:
            ConfigurationError: it ended, or is not ready in time; its log says why.
        """
        self._spawn()
        self.addresses = await self._first_words()
        failed = [name for name, state in self.addresses["channels"].items() if state != "running"]
        if failed:
            raise ConfigurationError(f"channels did not start: {', '.join(failed)}", where=str(self.log))

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "engine.cli.main", "run", "--json", "--site", str(self._place.root)]
        environment = os.environ | self._place.environment
        with self.log.open("wb") as log, self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=log, env=environment, start_new_session=True
            )

    async def _first_words(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_SECONDS
        while loop.time() < deadline:
            line, ended, _ = self._said.read_text(encoding="utf-8").partition("\n")
            if ended:
                found: dict[str, Any] = json.loads(line)
                return found
            if self._process is not None and self._process.poll() is not None:
                break
            await asyncio.sleep(0.1)
        raise ConfigurationError("the engine did not start", where=str(self.log), remedy=self._last_line())

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "its log is empty"

    def stop(self) -> int | None:
        """Ask it to drain and end; its exit status, or None when it had not been started."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                return self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()
