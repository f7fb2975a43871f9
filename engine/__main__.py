"""`python3 -m engine COMMAND`: the command `isthmus`, from a clone with nothing installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from engine import bootstrap


def main() -> None:
    if find_spec("msgspec") is None or find_spec("sqlalchemy") is None:
        python = bootstrap.environment("requirements.lock")
        bootstrap.continue_in(python, ["-m", "engine", *sys.argv[1:]])
    from engine.cli.main import main as run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
