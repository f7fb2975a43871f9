"""The start of the nursery's process: before all else, so that its imports overlap with the engine's own."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import NamedTuple


class Begun(NamedTuple):
    """A nursery that is still importing, and our end of its socket: when that closes, it ends."""

    process: subprocess.Popen[bytes]
    control: socket.socket


def begin() -> Begun:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    command = [sys.executable, "-X", "frozen_modules=on", "-m", "engine.script.worker", str(theirs.fileno())]
    # What a script prints may be a patient's: `isthmus trace` shows it to its author, the engine's output never.
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    theirs.close()
    return Begun(process, ours)
