"""`python3 -m tests [short|all] [pytest options]`: the tests, from a clone with nothing installed.

short   the units and the rules of the code, a process a core: what a developer runs all day (two minutes on two cores)
(none)  the same with contracts, fuzzing, faults and attacks, then what starts real servers (PostgreSQL, Tryton in an
        environment of its own; OpenSSH, MariaDB, RabbitMQ … where the system has them)
all     also the long forms and the browser
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine import bootstrap

_ALONE = "not integration and not erp and not slow and not browser and not process"
_LONG = "slow or browser"
_STEADY = "--hypothesis-profile=steady"
_NOTHING_SELECTED = 5  # pytest's exit code


def main() -> None:
    python = bootstrap.environment("requirements-dev.lock")
    if not bootstrap.inside(python):
        bootstrap.continue_in(python, ["-m", "tests", *sys.argv[1:]])
    arguments = sys.argv[1:]
    choice = arguments.pop(0) if arguments and arguments[0] in ("short", "default", "all") else "default"
    erp = None if choice == "short" else _setting_up_erp(python)
    codes = []
    for number, options in enumerate(_rounds(choice)):
        if number == 1 and erp is not None:
            _wait_for_erp(erp)
        codes.append(_pytest(python, [*options, *arguments]))
    failed = [code for code in codes if code not in (0, _NOTHING_SELECTED)]
    sys.exit(failed[0] if failed else min(codes))


def _rounds(choice: str) -> list[list[str]]:
    """Every core is taken; a file's tests share its servers, so they stay in one process.

    Those files in the order of the tree: the long ones come early, and no core waits for the last.
    """
    cores = ["-n", str(os.cpu_count() or 1)]
    spread = ["-m", _ALONE, *cores, "--dist", "worksteal", _STEADY]
    servers = ["-m", f"not ({_ALONE}) and not ({_LONG})", *cores, "--dist", "loadfile", "--no-loadscope-reorder"]
    if choice == "short":
        spread += ["tests/unit", "tests/architecture"]
    rest = {"short": [], "default": [[*servers, _STEADY]], "all": [[*servers, _STEADY], ["-m", _LONG]]}
    return [spread, *rest[choice]]


def _pytest(python: Path, options: list[str]) -> int:
    root = Path(__file__).resolve().parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run([str(python), "-m", "pytest", *options], cwd=root, env=environment, check=False).returncode


def _setting_up_erp(python: Path) -> subprocess.Popen[bytes]:
    """The ERP's environment and template are made once, beside the first tests; later runs copy the template."""
    print("tests: setting up the ERP (about a minute the first time)", file=sys.stderr, flush=True)
    return subprocess.Popen([str(python), "-m", "engine", "erp", "setup"])


def _wait_for_erp(setting_up: subprocess.Popen[bytes]) -> None:
    if setting_up.wait():
        sys.exit("tests: the ERP could not be set up; see above")


if __name__ == "__main__":
    main()
