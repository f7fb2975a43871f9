"""Tryton's own virtual environment: made once per release and machine user, from a lock file with hashes.

Tryton is GPL-3 and never imported here: it runs as a process of its own from this environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.core.errors import ConfigurationError

VERSIONS = ("8.2", "8.0")
_LOCKS = Path(__file__).parent

Progress = Callable[[str], None]


def silent(text: str) -> None:
    """Progress for those who do not watch."""


class Environment(NamedTuple):
    """`root` holds the environment and everything made with it; its name changes with the lock file."""

    version: str
    root: Path

    @property
    def python(self) -> Path:
        return self.root / "venv" / "bin" / "python"

    def program(self, name: str) -> Path:
        return self.root / "venv" / "bin" / name


def cache_directory() -> Path:
    """`$ISTHMUS_CACHE`, else the user's cache directory."""
    chosen = os.environ.get("ISTHMUS_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isthmus"


def lock_file(version: str) -> Path:
    if version not in VERSIONS:
        remedy = f"choose one of: {', '.join(VERSIONS)}"
        raise ConfigurationError(f"Tryton {version} is not supported", where="erp setup", remedy=remedy)
    return _LOCKS / f"requirements-{version}.lock"


def ensure_environment(version: str = "8.2", progress: Progress = silent) -> Environment:
    """The environment, made when it is not there yet; safe to call from several processes at once."""
    digest = hashlib.sha256(lock_file(version).read_bytes()).hexdigest()[:12]
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    environment = Environment(version, cache_directory() / f"tryton-{version}-{python}-{digest}")
    with exclusive(environment.root / "environment.lock"):
        complete = environment.root / "venv" / "complete"
        if not (complete.exists() and environment.python.exists()):  # the Python it was made with may be gone
            _make(environment, progress)
            complete.touch()
    return environment


def _make(environment: Environment, progress: Progress) -> None:
    progress(f"virtual environment for Tryton {environment.version}")
    venv = environment.root / "venv"
    own_pip = importlib.util.find_spec("pip") is None
    options = ["--clear"] if own_pip else ["--clear", "--without-pip"]
    run([sys.executable, "-m", "venv", *options, str(venv)], "make a virtual environment")
    progress(f"Tryton {environment.version} from its lock file")
    pip = (
        [str(environment.python), "-m", "pip"]
        if own_pip
        else [sys.executable, "-m", "pip", "--python", str(environment.python)]
    )
    # hashes make --no-deps safe: the lock names everything; byte code is compiled when first needed
    how = ["--quiet", "--no-deps", "--no-compile", "--require-hashes", "--disable-pip-version-check"]
    run([*pip, "install", *how, "-r", str(lock_file(environment.version))], "install Tryton")


def run(command: Sequence[str], purpose: str, environment: dict[str, str] | None = None) -> None:
    """Run to its end. The last words of a failing program are in the error; set-up holds no patient data."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())[-600:]
        remedy = "check the network and the package index of pip, then run it again"
        raise ConfigurationError(f"could not {purpose}: {words}", where="erp setup", remedy=remedy)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """One process at a time; others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
