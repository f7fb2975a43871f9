"""The README's "first channel in ten minutes", its commands run as written, in a fresh folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"<!-- tested: first-channel(?P<how>[^>]*?) -->\n```console\n(?P<text>.*?)```", re.DOTALL)


def blocks() -> list[tuple[bool, list[str]]]:
    """(in the background?, commands) in the order of the text."""
    text = (ROOT / "README.md").read_text()
    return [
        ("background" in found["how"], [line[2:] for line in found["text"].splitlines() if line.startswith("$ ")])
        for found in _BLOCK.finditer(text)
    ]


class Terminal:
    """Commands one after the other, as a person types them: `cd` stays in effect."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        binaries = folder / "bin"
        binaries.mkdir()
        command = binaries / "isthmus"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m engine "$@"\n')
        command.chmod(0o755)
        path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
        self.running: list[subprocess.Popen[str]] = []

    def run(self, command: str) -> str:
        if command.startswith("cd "):
            self.folder = self.folder / command[3:]
            return ""
        done = subprocess.run(
            ["sh", "-c", command], check=False, timeout=180,
            cwd=self.folder, env=self.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def look(self, command: str) -> str:
        """As `run`; a person who asks for the messages looks again until they have arrived."""
        text = self.run(command)
        deadline = time.monotonic() + 60
        while command.startswith("isthmus messages") and "DELIVERED" not in text and time.monotonic() < deadline:
            text = self.run(command)
        return text

    def start(self, command: str) -> str:
        """In the background; what it said until the console's address is returned."""
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.running.append(process)
        said = ""
        assert process.stdout is not None
        deadline = time.monotonic() + 180
        while "First administrator" not in said and time.monotonic() < deadline:
            line = process.stdout.readline()
            if not line:
                break
            said += line
        return said

    def close(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.mark.process
def test_first_channel_in_ten_minutes(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    shown: dict[str, str] = {}
    try:
        for background, commands in blocks():
            for command in commands:
                shown[command] = terminal.start(command) if background else terminal.look(command)
    finally:
        terminal.close()

    by_word = {command.split()[1]: text for command, text in shown.items() if command.startswith("isthmus")}
    assert len(shown) >= 12
    assert "lab_orders" in by_word["run"]
    assert "First administrator" in by_word["run"]
    assert " AA " in by_word["send"]
    assert "DELIVERED" in by_word["messages"]
    assert "lab_orders" in by_word["history"]
    assert list((tmp_path / "first-site" / "data" / "out" / "lab_orders").iterdir())
