"""The engine as users start it: `isthmus run` in a process of its own, watched over its control socket."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from engine.cli.demo.workplace import Workplace
from engine.core.errors import ConfigurationError, IsthmusError

_START_SECONDS, _STOP_SECONDS = 60.0, 30.0
_LINK = re.compile(r"https?://\S+/first\S*|https?://\S+token=\S+")


class EngineProcess:
    """One `isthmus run`. Its output goes to `engine.log` beside the site."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.log = place.root.parent / "engine.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def control(self) -> Path:
        return self._place.folder("var", "control.sock")

    def start(self) -> None:
        command = [sys.executable, "-m", "engine", "run", "--site", str(self._place.root)]
        environment = os.environ | self._place.environment
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    async def ready(self) -> None:
        """Wait until it answers.

        Raises:
            ConfigurationError: it ended, or does not answer in a minute; its log says why.
        """
        from engine.api.client import ControlClient

        async with asyncio.timeout(_START_SECONDS), ControlClient(self.control) as client:
            while True:
                try:
                    await client.status()
                    return
                except IsthmusError:
                    self._still_running()
                    await asyncio.sleep(0.1)

    def _still_running(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise ConfigurationError("the engine ended while starting", where=str(self.log), remedy="read its log")

    def stop(self) -> int | None:
        """Ask it to drain and end; the exit code, or None when it had not been started."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()

    def first_link(self) -> str | None:
        """The one-time link for the first administrator, as the engine printed it."""
        found = _LINK.search(self.log.read_text(encoding="utf-8", errors="replace"))
        return found.group(0) if found else None
