"""First start from a clone: a virtual environment with the locked dependencies, then the command in it.

Standard library only. Nothing is installed outside the project's `.venv`; a changed lock file installs anew.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, BEFORE = (3, 11), (3, 14)


def environment(lock: str, *, folder: Path | None = None) -> Path:
    """The Python of an environment that holds what `lock` (a file of hashed requirements) says.

    Raises:
        SystemExit: this Python does not fit, or the installation failed; says what to do.
    """
    _check_version()
    folder = folder or Path(os.environ.get("ISTHMUS_VENV", ROOT / ".venv"))
    python = folder / "bin" / "python"
    stamp = folder / f".{lock}.sha256"
    digest = hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest and python.exists():
        return python
    if not python.exists():
        _say(f"1/2 making a virtual environment in {_short(folder)}")
        venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    _install(python, lock)
    _write_command(folder, python)
    stamp.write_text(digest)
    return python


def _install(python: Path, lock: str) -> None:
    count = sum(" --hash" not in line and "==" in line for line in (ROOT / lock).read_text().splitlines())
    _say(f"2/2 installing {count} locked packages (about a minute the first time)")
    command = [str(python), "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check",
               "--no-input", "--progress-bar", "off", "--quiet", "-r", str(ROOT / lock)]  # fmt: skip
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("isthmus: the packages could not be installed; is a package index reachable? Try again.")


def _write_command(folder: Path, python: Path) -> None:
    """`.venv/bin/isthmus`, and the project on the environment's path: what an editable install would do."""
    purelib = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    Path(purelib, "isthmus-checkout.pth").write_text(f"{ROOT}\n")
    command = folder / "bin" / "isthmus"
    command.write_text(f"#!{python}\nfrom engine.cli.main import main\n\nmain()\n")
    command.chmod(0o755)


def _check_version() -> None:
    if not OLDEST <= sys.version_info[:2] < BEFORE:
        have = ".".join(map(str, sys.version_info[:2]))
        raise SystemExit(f"isthmus: Python 3.11 to 3.13 is needed, this is {have}; start it with python3.11 or newer.")


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _say(text: str) -> None:
    print(f"isthmus: {text}", file=sys.stderr, flush=True)


def inside(python: Path) -> bool:
    """Does this process already run in that environment?"""
    return Path(sys.prefix).resolve() == python.parent.parent.resolve()


def continue_in(python: Path, arguments: list[str]) -> None:
    """Replace this process by `arguments` in the environment. Does not return."""
    os.execv(python, [str(python), *arguments])
