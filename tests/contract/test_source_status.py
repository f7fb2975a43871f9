"""What a source cannot do stands in the status of its channel, not in the log alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.app import running
from tests.support.waiting import LIMIT_SECONDS

CHANNEL = """
channel: orders
version: 1
title: Orders from files
source: {type: file, format: json, folder: in, poll: 20ms, stable_for: 0s}
transform: echo
destinations:
  - {name: out, type: file, folder: out, format: raw, send: message}
"""
SCRIPT = '"""As it came."""\n\n\ndef transform(message):\n    return message\n'


async def test_a_folder_that_cannot_be_read_is_the_channels_last_error(tmp_path: Path) -> None:
    for path, text in {"channels/flow/orders.yaml": CHANNEL, "transforms/echo.py": SCRIPT}.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "in").write_text("a file where the folder should be")
    async with running(tmp_path) as engine, asyncio.timeout(LIMIT_SECONDS):
        while not (found := (await engine.operations.status()).channels[0].last_error):
            await asyncio.sleep(0.02)

    assert "folder" in found
