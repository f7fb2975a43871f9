"""Lint of sources that are fed by other channels: those must be there, and be others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.channel.lint import lint
from engine.channel.load import load_site
from engine.cli.workspace import knowledge

SITE = Path(__file__).parent / "lint_mistakes/site"
CHANNEL = """channel: told
version: 1
title: What happened is told
owner: supply-chain@harbor.example
source:
  type: {type}
  channels: [supplier_invoice, {named}]
{more}
destinations:
  - {{name: files, type: file, folder: data/out/told, file_name: "{{key}}.json", send: message}}
"""
MORE = {"events": "  types: [invoice.*]", "window": "  kind: Invoice\n  every: 1h\n  each: null\n  sum: [stated_total]"}


@pytest.mark.parametrize("kind", MORE)
@pytest.mark.parametrize(
    ("named", "expected"),
    [("stock_requisition", set()), ("stock_requisitions", {("C025", 7, 32)}), ("told", {("C026", 7, 32)})],
)
def test_channels_that_are_told_of_are_there(
    kind: str, named: str, expected: set[tuple[str, int, int]], tmp_path: Path
) -> None:
    root = tmp_path / "site"
    shutil.copytree(SITE, root)
    (root / "channels/money/told.yaml").write_text(CHANNEL.format(type=kind, named=named, more=MORE[kind]))

    found = lint(load_site(root), knowledge())

    assert {(one.code, one.line, one.column) for one in found if one.code != "C100"} == expected, found
    assert all(one.suggestion for one in found)
