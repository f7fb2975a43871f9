"""A channel that takes the process's commands to an ERP tells the process what became of them, or lint says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.channel.lint import lint
from engine.channel.load import load_site
from engine.cli.workspace import knowledge

CHANNEL = """channel: posting
version: 1
title: Posting
owner: accounts-payable@harbor.example
source: {{type: procure, commands: [post_invoice]}}
destinations:
  - name: erp
    type: erp
    connection: finance
    send: Invoice{more}
"""
CONNECTIONS = "finance: {type: tryton, url: 'http://127.0.0.1:18000', database: erp, key: env:ERP_KEY}\n"


def findings(root: Path, more: str) -> list[tuple[int, str]]:
    for folder in ("channels", "config"):
        (root / folder).mkdir()
    (root / "channels" / "posting.yaml").write_text(CHANNEL.format(more=more), encoding="utf-8")
    (root / "config" / "connections.yaml").write_text(CONNECTIONS, encoding="utf-8")
    return [(one.line, one.suggestion) for one in lint(load_site(root), knowledge()) if one.code == "C140"]


def test_commands_that_are_not_answered_are_found(tmp_path: Path) -> None:
    assert findings(tmp_path, "") == [(8, "add reports: true")]


@pytest.mark.parametrize("more", ["\n    reports: true"])
def test_commands_that_are_answered_are_well(tmp_path: Path, more: str) -> None:
    assert findings(tmp_path, more) == []
