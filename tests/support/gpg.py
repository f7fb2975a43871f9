"""GnuPG with a key ring of its own, as the other side of a PGP exchange."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


class Gpg:
    """`home` is short: gpg-agent's socket lies there."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700, exist_ok=True)
        self.home = home

    def run(self, *words: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--trust-model", "always", *words]
        done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=180)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def make_key(self, name: str, passphrase: str = "") -> None:
        loopback = ("--pinentry-mode", "loopback", "--passphrase", passphrase)
        self.run(*loopback, "--quick-gen-key", name, "future-default", "default", "never")

    def public(self, name: str) -> str:
        return self.run("--armor", "--export", name).decode()

    def secret(self, name: str, passphrase: str = "") -> str:
        words = ("--pinentry-mode", "loopback", "--passphrase", passphrase, "--armor", "--export-secret-keys", name)
        return self.run(*words).decode()

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, timeout=120)


def needs_gpg() -> None:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
