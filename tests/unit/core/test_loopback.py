import socket
import subprocess
import sys

import pytest

from engine.core import loopback


def test_no_port_is_given_twice_here_or_in_another_process() -> None:
    asking = "from engine.core.loopback import free_port\nfor _ in range(300): print(free_port(), flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", asking], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = [int(other.stdout.readline()) for _ in range(300)]
        ours = [loopback.free_port() for _ in range(300)]
        other.communicate(b"\n")

    assert len({*theirs, *ours}) == 600


def test_port_that_somebody_listens_on_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        taken = somebody.getsockname()[1]
        monkeypatch.setattr(loopback, "_FIRST", taken)
        monkeypatch.setattr(loopback, "_LAST", taken + 50)

        assert loopback.free_port() != taken
