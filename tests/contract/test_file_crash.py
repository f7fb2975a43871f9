"""The process is killed at random points while files arrive: each file becomes exactly one message."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest


def start(root: Path, policy: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.support.file_intake", str(root), policy])


def stored(root: Path) -> int:
    """Messages in the journal; 0 before it is there."""
    if not (root / "journal.db").exists():
        return 0
    with sqlite3.connect(f"file:{root}/journal.db?mode=ro", uri=True) as database:
        try:
            return int(database.execute("select count(*) from messages").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def drop(root: Path, first: int, count: int) -> None:
    for number in range(first, first + count):
        hidden = root / "in" / f".{number:05}.txt"
        hidden.write_text(f"message {number}")
        os.rename(hidden, root / "in" / f"{number:05}.txt")


@pytest.mark.parametrize("policy", ["content", "none"])
@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.slow)])
def test_killed_intake_loses_no_file_and_takes_none_twice(tmp_path: Path, policy: str, kills: int) -> None:
    chance, each = random.Random(kills), 150
    (tmp_path / "in").mkdir()
    for number in range(kills):
        drop(tmp_path, number * each, each)
        process, before = start(tmp_path, policy), stored(tmp_path)
        reach = before + chance.randrange(each)
        while stored(tmp_path) < reach and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = start(tmp_path, policy)
    deadline = time.monotonic() + 60
    while len(os.listdir(tmp_path / "in" / "done")) < kills * each and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()

    done = sorted(path.name.partition("_")[2] for path in (tmp_path / "in" / "done").iterdir())
    assert done == [f"{number:05}.txt" for number in range(kills * each)]
    assert stored(tmp_path) == kills * each
