"""The engine as a process of its own, as a user starts it: for tests that kill it and for benchmarks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from engine.core.loopback import free_port

ROOT = Path(__file__).resolve().parents[2]


class EngineProcess:
    """`isthmus run` on a site. `kill` is kill -9; `start` again is a restart on the same journal."""

    def __init__(self, site: Path) -> None:
        self.site = site
        self.facts: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def spawn(self) -> None:
        log = (self.site / "engine.log").open("a")
        command = [sys.executable, "-m", "engine", "run", "--json", "--site", str(self.site)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=self.site
        )

    def wait_until_ready(self) -> float:
        """Seconds from the call until the engine told its addresses."""
        began = time.monotonic()
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the engine did not start:\n{(self.site / 'engine.log').read_text()[-3000:]}")
        self.facts = json.loads(line)
        return time.monotonic() - began

    def start(self) -> float:
        began = time.monotonic()
        self.spawn()
        self.wait_until_ready()
        return time.monotonic() - began

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Its exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self, seconds: float = 60) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)


def write_site(folder: Path, channels: dict[str, str], transforms: dict[str, str], engine: str = "") -> Path:
    """A site in a folder; the console listens on a free port."""
    for name, text in channels.items():
        path = folder / "channels" / "test" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, text in transforms.items():
        path = folder / "transforms" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "config").mkdir(exist_ok=True)
    console = f"console: {{listen: '127.0.0.1:{free_port()}'}}\n"
    (folder / "config" / "engine.yaml").write_text(console + engine)
    return folder
