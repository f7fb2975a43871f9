"""The ERP's own environment: locked with hashes, apart from ours; its process is found again and no other."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from engine.adapters.tryton.environment import VERSIONS, cache_directory, lock_file
from engine.adapters.tryton.process import write_configuration
from engine.adapters.tryton.server import read_state, stop_by_state
from engine.adapters.tryton.setup import Template, write_private
from engine.core.errors import ConfigurationError


@pytest.mark.parametrize("version", VERSIONS)
def test_every_package_is_pinned_with_hashes_and_names_no_index(version: str) -> None:
    text = lock_file(version).read_text()
    packages = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]

    assert len(packages) > 20
    assert all(re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+", p) and "--hash=sha256:" in p for p in packages)
    assert "://" not in text


@pytest.mark.parametrize("version", VERSIONS)
def test_lock_holds_the_release_it_is_named_after(version: str) -> None:
    assert re.search(rf"(?m)^trytond=={re.escape(version)}\.", lock_file(version).read_text())


def test_unknown_release_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"6\.0"):
        lock_file("6.0")


def test_nothing_of_tryton_is_imported_by_the_engine() -> None:
    engine = Path(__file__).parents[4] / "engine"
    found = [p for p in engine.rglob("*.py") if re.search(r"(?m)^\s*(import|from) (trytond|proteus)\b", p.read_text())]

    assert found == []


def test_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path))

    assert cache_directory() == tmp_path


def test_private_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    write_private(tmp_path / "key", "secret")
    configuration = write_configuration(tmp_path, "postgresql://user:secret@db/", "127.0.0.1:1")

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600


def test_template_never_shows_its_secrets(tmp_path: Path) -> None:
    from engine.adapters.tryton.environment import Environment

    template = Template(Environment("8.2", tmp_path), tmp_path, "sqlite://", "t", 1, "CANARY-KEY", "CANARY-PASSWORD")

    assert "CANARY" not in repr(template)


def test_foreign_process_under_a_remembered_number_is_left_alone(tmp_path: Path) -> None:
    state = {"pid": os.getpid(), "port": 1, "database": "erp"}
    (tmp_path / "state.json").write_text(json.dumps(state))

    assert read_state(tmp_path) is None
    assert not stop_by_state(tmp_path)


def test_no_erp_runs_where_none_was_started(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
