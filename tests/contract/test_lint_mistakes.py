"""Lint finds each of more than a hundred mistakes at its line and column, and nothing in the good site.

`lint_mistakes/mistakes.yaml` is the list; each is seeded alone into a copy of `lint_mistakes/site`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.channel.codes import CODES
from engine.channel.finding import Finding
from engine.channel.lint import lint
from engine.channel.load import load_site
from engine.cli.workspace import knowledge

HERE = Path(__file__).parent / "lint_mistakes"
MISTAKES: list[dict[str, Any]] = yaml.safe_load((HERE / "mistakes.yaml").read_text(encoding="utf-8"))
MARK = "▶"


def _findings(root: Path) -> list[Finding]:
    return lint(load_site(root), knowledge())


def test_the_good_site_has_no_findings() -> None:
    assert _findings(HERE / "site") == []


def test_there_are_a_hundred_mistakes_of_forty_kinds() -> None:
    assert len(MISTAKES) >= 100
    assert len({mistake["code"] for mistake in MISTAKES}) >= 40
    assert {mistake["code"] for mistake in MISTAKES} <= set(CODES)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m['code']} {m['about']}")
def test_a_mistake_is_found_where_it_stands(mistake: dict[str, Any], tmp_path: Path) -> None:
    root = tmp_path / "site"
    shutil.copytree(HERE / "site", root)
    file, line, column = _seed(root, mistake)

    found = _findings(root)

    places = [(f.code, f.file, f.line, f.column) for f in found]
    assert (mistake["code"], file, line, column) in places, "\n".join(map(str, found))
    assert all(f.suggestion for f in found), "each finding says what to do"
    assert {f.code for f in found} <= {mistake["code"], *mistake.get("also", ())}, "\n".join(map(str, found))


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m["code"] in ("C090", "C094")], ids=lambda m: m["about"])
def test_a_secret_is_never_shown(mistake: dict[str, Any], tmp_path: Path) -> None:
    root = tmp_path / "site"
    shutil.copytree(HERE / "site", root)
    _seed(root, mistake)
    text = mistake.get("after") or next(iter(mistake["new"].values()))
    secret = text.partition(MARK)[2].splitlines()[0]

    shown = "\n".join(map(str, _findings(root)))

    assert secret not in shown


def _seed(root: Path, mistake: dict[str, Any]) -> tuple[str, int, int]:
    """Make the mistake; returns where it must be found."""
    place = None
    for name in mistake.get("gone", ()):
        target = root / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    for name, text in mistake.get("new", {}).items():
        place = _write(root, name, text) or place
    if "file" in mistake:
        text = (root / mistake["file"]).read_text(encoding="utf-8")
        for before, after in [(mistake["before"], mistake["after"]), *mistake.get("and", ())]:
            assert text.count(before) >= 1, f"{before!r} is not in {mistake['file']}"
            text = text.replace(before, after, 1)
        place = _write(root, mistake["file"], text) or place
    if "bytes" in mistake:
        (root / mistake["bytes"]["file"]).write_bytes(bytes.fromhex(mistake["bytes"]["hex"]))
    if "at" in mistake:
        target = root / mistake["at"]["file"]
        text = target.read_text(encoding="utf-8", errors="replace") if target.is_file() else ""
        place = (mistake["at"]["file"], *_position(text, text.index(mistake["at"]["text"])))
    assert place is not None
    return place


def _write(root: Path, name: str, text: str) -> tuple[str, int, int] | None:
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    at = text.find(MARK)
    clean = text.replace(MARK, "")
    target.write_text(clean, encoding="utf-8")
    return None if at < 0 else (name, *_position(clean, at))


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
