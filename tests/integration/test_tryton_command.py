"""`isthmus erp`: set up, start, status, stop; nothing secret on the screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.adapters.tryton.server import stop_by_state
from engine.cli.erp import command

Run = Callable[..., Result]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "erp"
    yield home
    stop_by_state(home)


@pytest.fixture
def run(directory: Path) -> Run:
    return lambda *words: CliRunner().invoke(command, [*words, "--directory", str(directory)])


def test_status_and_stop_say_that_no_erp_runs(run: Run) -> None:
    status, stopped = run("status"), run("stop")

    assert (status.exit_code, stopped.exit_code) == (1, 1)
    assert "does not run" in status.output
    assert "no ERP runs" in stopped.output


@pytest.mark.integration
@pytest.mark.erp
def test_erp_runs_from_start_to_stop_and_its_key_is_never_printed(run: Run, directory: Path) -> None:
    made = run("setup", "--json")
    started = run("start", "--port", "0", "--json")
    running, again = run("status", "--json"), run("start", "--port", "0")
    stopped, after = run("stop"), run("status")
    key = (directory / "key").read_text()
    printed = "".join(r.output for r in (made, started, running, again, stopped, after))

    assert [r.exit_code for r in (made, started, running, again, stopped, after)] == [0, 0, 0, 1, 0, 1]
    assert json.loads(started.stdout)["key"] == f"file:{directory / 'key'}"
    assert json.loads(running.stdout)["answers"] is True
    assert "already runs" in again.output
    assert key not in printed
    assert (directory / "admin_password").read_text() not in printed
