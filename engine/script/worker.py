"""The worker process, and the nursery that forks workers in milliseconds.

The nursery has every import done and never runs a script. It takes a socket and a progress page over its control
socket, forks, and reports which child ended. A worker reads programs and batches, runs them, sends results.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import time

from engine.ports.script import Limits, WorkItem, WorkResult
from engine.script import guard, wire
from engine.script.program import Compiled
from engine.script.runner import load_error, run_one
from engine.script.wire import Kind, ProgramFrame, Progress, ResultFrame, WorkFrame, frame, read_frame

_FLUSH_SECONDS = 0.01  # results of a slow batch do not wait for its last message


class Worker:
    """Runs batches until its socket closes."""

    def __init__(self, connection: socket.socket, progress: Progress) -> None:
        self._connection, self._progress = connection, progress
        self._programs: dict[str, Compiled | Exception] = {}

    def serve(self) -> None:
        while (received := read_frame(self._connection)) is not None:
            kind, body = received
            if kind is Kind.PROGRAM:
                self._load(wire.program_decoder.decode(body))
            elif kind is Kind.FORGET:
                self._programs.pop(body.decode(), None)
            elif kind is Kind.WORK:
                self._work(wire.work_decoder.decode(body))

    def _load(self, loaded: ProgramFrame) -> None:
        guard.open_doors()
        try:
            self._programs[loaded.program.key] = Compiled(loaded.program, loaded.limits)
        except Exception as error:  # a script that does not load holds its own messages, not the worker
            self._programs[loaded.program.key] = error
        guard.limit_memory(_largest(self._programs))
        guard.close_doors()

    def _work(self, work: WorkFrame) -> None:
        results: list[WorkResult] = []
        retire, flushed = False, time.monotonic()
        for position, item in enumerate(work.items):
            now = time.monotonic()
            if results and now - flushed > _FLUSH_SECONDS:
                self._send(ResultFrame(work.batch, results, False))
                results, flushed = [], now
            self._progress.write(work.batch, position, now)
            result = self._run(item)
            retire = retire or (result.reason is not None and result.reason.code == "S003")
            results.append(result)
        self._progress.write(work.batch, -1, time.monotonic())
        self._send(ResultFrame(work.batch, results, True, retire))

    def _run(self, item: WorkItem) -> WorkResult:
        program = self._programs.get(item.program)
        if isinstance(program, Compiled):
            return run_one(program, item)
        return load_error(item, program or RuntimeError("program not sent"))

    def _send(self, results: ResultFrame) -> None:
        self._connection.sendall(frame(Kind.RESULTS, results))


def _largest(programs: dict[str, Compiled | Exception]) -> int:
    limits = [p.limits.memory_bytes for p in programs.values() if isinstance(p, Compiled)]
    return max(limits, default=Limits().memory_bytes)


def warm_up() -> None:
    """Everything a script may touch is imported before the doors close: a worker cannot open files later."""
    import zoneinfo

    for name in ("ascii", "latin-1", "utf-8", "utf-16", "utf-32", "cp1252", "iso2022_jp", "shift_jis", "gb18030",
                 "big5", "euc_kr", "euc_jp", "idna", *(f"iso8859-{n}" for n in range(1, 16) if n != 12)):  # fmt: skip
        codecs.lookup(name)
    zoneinfo.ZoneInfo("UTC")
    for name in ("_strptime", *sorted(guard.ALLOWED_MODULES)):  # datetime imports _strptime at its first use
        __import__(name)


def serve_nursery(control: socket.socket) -> None:
    """Fork a worker for each request until the engine goes away; tell of each child that ended."""
    warm_up()
    try:
        control.send(b'{"ready":true}')
    except ConnectionError:
        return  # the engine did not come up
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control.fileno(), wake_read], [], [])
        if wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, 4096)
            _report_ended(control)
        if control.fileno() in ready:
            try:
                data, descriptors, _, _ = socket.recv_fds(control, 4096, 2)
            except ConnectionError:
                return  # the engine was killed
            if not data:
                return
            _fork(control, descriptors)


def _report_ended(control: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError, BrokenPipeError, ConnectionError):  # the engine may be gone already
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            control.send(json.dumps({"ended": pid, "status": os.waitstatus_to_exitcode(status)}).encode())


def _fork(control: socket.socket, descriptors: list[int]) -> None:
    pid = os.fork()
    if pid:
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(json.dumps({"started": pid}).encode())
        return
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.close()
        die_with_parent()
        _run_worker(*descriptors)
        code = 0
    except ConnectionError:
        code = 0  # the engine went away: nobody is left to tell
    finally:
        guard.leave(code)


def _run_worker(connection: int, progress: int) -> None:
    page = Progress(progress)
    os.close(progress)
    guard.install()
    guard.forbid_exit()
    # A core file would hold patient data.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    guard.close_doors()
    Worker(socket.socket(fileno=connection), page).serve()


def die_with_parent() -> None:
    """The kernel kills this process when its parent dies: a hanging script must not outlive a killed engine."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    die_with_parent()
    # Ctrl-C in a terminal reaches the whole group: the engine drains, then closes our sockets.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve_nursery(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
