"""`isthmus deploy` tells at once what will keep a deployed channel from running."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli import revisions
from engine.ports.journal import RevisionRow


def _deployed(site: Path, monkeypatch: pytest.MonkeyPatch, *channels: str) -> str:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    rows = [RevisionRow(name, 2, "0" * 32, b"{}", at, "pat", None, True) for name in channels]
    monkeypatch.setattr(revisions, "ask", lambda *_: (rows, []))
    run = CliRunner().invoke(revisions.deploy, ["--site", str(site)])
    assert run.exit_code == 0
    return run.output


def test_a_mistake_in_a_deployed_channel_is_told_and_those_of_others_are_not(
    good_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = (good_site / "channels").rglob("*.yaml")
    path = next(one for one in every if "transform:" in one.read_text())
    assert "but" not in _deployed(good_site, monkeypatch, path.stem)

    path.write_text(path.read_text().replace("transform:", "transform: gone #", 1))

    assert f"but {path.relative_to(good_site)}" in _deployed(good_site, monkeypatch, path.stem)
    assert "but" not in _deployed(good_site, monkeypatch, "another")
