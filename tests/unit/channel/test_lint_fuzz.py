"""Lint answers whatever stands in a file: findings, never an exception."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.channel.finding import Finding
from engine.channel.lint import lint
from engine.channel.lints.ground import Knowledge
from engine.channel.load import load_site
from engine.cli.workspace import knowledge

GOOD = Path(__file__).parents[2] / "contract/lint_mistakes/site"
FILES = sorted(
    path.relative_to(GOOD).as_posix()
    for pattern in ("channels/*/*.yaml", "config/**/*.*", "transforms/*.py", "channels/*/*.cases/*/expect.yaml")
    for path in GOOD.glob(pattern)
)
KNOWN: Knowledge = knowledge()
WORDS = ["~", "[]", "{}", "5", "x: y", "- 1", "'", "[", "{a: [b]}", "true", "\t", "&a", "*a", "!!str 1", "\x00", "é"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path_factory.mktemp("fuzz") / "site"))


def _lint_with(site: Path, file: str, text: str) -> list[Finding]:
    path = site / file
    before = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    try:
        return lint(load_site(site), KNOWN)
    finally:
        path.write_text(before, encoding="utf-8")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_file_with_a_line_changed_never_makes_lint_fail(site: Path, data: st.DataObject) -> None:
    _change_a_line(site, data)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(data=st.data())
def test_a_file_with_a_line_changed_never_makes_lint_fail_in_the_long_form(site: Path, data: st.DataObject) -> None:
    _change_a_line(site, data)


def _change_a_line(site: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(FILES))
    lines = (site / file).read_text(encoding="utf-8").splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    key = lines[at].partition(":")[0] + ": " if data.draw(st.booleans()) else ""
    lines[at : at + data.draw(st.integers(0, 2))] = [key + data.draw(st.sampled_from(WORDS) | st.text(max_size=12))]

    found = _lint_with(site, file, "\n".join(lines))

    assert all(finding.line >= 1 and finding.column >= 1 and finding.suggestion for finding in found), found


@settings(max_examples=40, deadline=None)
@given(file=st.sampled_from(FILES), text=st.text(max_size=80))
def test_a_file_of_anything_never_makes_lint_fail(site: Path, file: str, text: str) -> None:
    assert isinstance(_lint_with(site, file, text), list)
