"""The engine's end of the nursery: start it, ask it for workers, hear which ones ended."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Callable

from engine.core.errors import TransformError
from engine.script.cradle import Begun, begin
from engine.script.wire import PROGRESS_BYTES, Progress


class Nursery:
    """One child process that forks workers.

    Args:
        ended: called on the loop with (pid, exit status).
        begun: a process that was started before there was a loop.
    """

    def __init__(self, ended: Callable[[int, int], None], begun: Begun | None = None) -> None:
        self._ended, self._begun = ended, begun
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._answers: asyncio.Queue[int] = asyncio.Queue()
        self._lock = asyncio.Lock()
        self._ready = asyncio.Event()

    def spawn(self) -> None:
        """Start the process; `hatch` waits until it is ready."""
        self._process, self._control = self._begun or begin()
        self._begun = None
        asyncio.get_running_loop().add_reader(self._control.fileno(), self._read)

    def _read(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(4096)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._ready.clear()
            return
        answer = json.loads(data)
        if "ready" in answer:
            self._ready.set()
        elif "started" in answer:
            self._answers.put_nowait(answer["started"])
        else:
            self._ended(answer["ended"], answer["status"])

    async def hatch(self) -> tuple[int, socket.socket, Progress]:
        """A new worker: its pid, our end of its socket, its progress page.

        Raises:
            TransformError: the nursery does not answer.
        """
        async with self._lock:
            try:
                return await asyncio.wait_for(self._hatch(), 30)
            except (TimeoutError, OSError) as error:
                raise TransformError(f"no worker could be started: {type(error).__name__}") from error

    async def _hatch(self) -> tuple[int, socket.socket, Progress]:
        if self._process is None or self._process.poll() is not None:
            self.spawn()
        await self._ready.wait()
        assert self._control is not None
        ours, theirs = socket.socketpair()
        page = os.memfd_create("isthmus-progress", os.MFD_CLOEXEC)
        try:
            os.ftruncate(page, PROGRESS_BYTES)
            progress = Progress(page)
            progress.write(0, -1, 0.0)
            socket.send_fds(self._control, [b"fork"], [theirs.fileno(), page])
        finally:
            theirs.close()
            os.close(page)
        ours.setblocking(False)
        return await self._answers.get(), ours, progress

    def close(self) -> None:
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
