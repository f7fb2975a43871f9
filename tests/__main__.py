"""`python3 -m tests [short|all] [pytest options]`: the tests, from a clone with nothing installed.

short   no real ERP, no browser, no long forms, several at once: what a developer runs all day (under two minutes)
(none)  the same, and the real servers that come as wheels: PostgreSQL, and Tryton in its own environment
all     also the long forms and the browser
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine import bootstrap

_CHOICES = {
    "short": "not integration and not erp and not slow and not browser and not process",
    "default": "not slow and not browser",
    "all": "",
}


def main() -> None:
    python = bootstrap.environment("requirements-dev.lock")
    if not bootstrap.inside(python):
        bootstrap.continue_in(python, ["-m", "tests", *sys.argv[1:]])
    arguments = sys.argv[1:]
    choice = arguments.pop(0) if arguments and arguments[0] in _CHOICES else "default"
    if choice != "short":
        _set_up_erp(python)
    marker = _CHOICES[choice]
    command = [str(python), "-m", "pytest", *(["-m", marker] if marker else []), *_spread(choice), *arguments]
    root = Path(__file__).resolve().parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    sys.exit(subprocess.run(command, cwd=root, env=environment, check=False).returncode)


def _spread(choice: str) -> list[str]:
    """The short suite takes every core. The others start servers, and some look at the whole machine: one at a time."""
    return ["-n", str(os.cpu_count() or 1), "--dist", "worksteal"] if choice == "short" else []


def _set_up_erp(python: Path) -> None:
    """The ERP's environment and template are made once; later runs copy the template."""
    print("tests: setting up the ERP (about a minute the first time)", file=sys.stderr, flush=True)
    done = subprocess.run([str(python), "-m", "engine", "erp", "setup"], check=False)
    if done.returncode:
        sys.exit("tests: the ERP could not be set up; see above")


if __name__ == "__main__":
    main()
