"""Events in an engine: from a file to an event in another file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.app import running
from engine.channel.model import ChannelModel
from engine.connectors.events.feeding import keep_readers
from engine.store.open import Store

CHANNELS = {
    "suppliers": """
channel: suppliers
version: 1
title: Suppliers come in as files
source: {type: file, folder: in, format: json, poll: 50ms, stable_for: 0s, pattern: "*.json"}
map: {kind: Supplier, fields: {supplier_number: number, name: name}}
destinations:
  - {name: copies, type: file, folder: out, file_name: "{natural_key}_{key}.json", send: Supplier}
""",
    "told": """
channel: told
version: 1
title: What happened is told
source: {type: events, every: 100ms, types: ["*"]}
transform: pass_on
destinations:
  - {name: events, type: file, folder: events, file_name: "{key}.json", send: message}
""",
    "again": """
channel: again
version: 1
title: A second reader, of one channel
source: {type: events, every: 100ms, channels: [suppliers]}
transform: pass_on
destinations:
  - {name: events, type: file, folder: again, file_name: "{key}.json", send: message}
""",
}
PASS_ON = '''"""As it came, but an event about nothing."""


def transform(message):
    message.require("type")
    return message
'''


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


def site_in(folder: Path) -> Path:
    (folder / "channels").mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "transforms").mkdir()
    (folder / "config/engine.yaml").write_text("console: {enabled: false}\n")
    (folder / "transforms/pass_on.py").write_text(PASS_ON)
    for name, text in CHANNELS.items():
        (folder / f"channels/{name}.yaml").write_text(text)
    return folder


def bring(site: Path, number: str) -> None:
    (site / "in").mkdir(exist_ok=True)
    (site / f"in/{number}.part").write_text(json.dumps({"number": number, "name": f"Maker {number}"}))
    (site / f"in/{number}.part").rename(site / f"in/{number}.json")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def events(site: Path, folder: str = "events") -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (site / folder).glob("*.json")]


async def test_what_happens_is_told_to_each_reader_and_never_of_events(tmp_path: Path) -> None:
    site = site_in(tmp_path / "site")
    bring(site, "S1")
    async with running(site, deploy_all=True) as engine:
        await until(lambda: bool(list((site / "out").glob("*.json"))))
        (site / "in/nameless.json").write_text('{"number": "S9"}')  # no name: no supplier
        await until(lambda: len(events(site)) == 1 and len(events(site, "again")) == 1)
        await engine.store.journal.flush()
        assert await engine.store.feed.readers() == ["again", "told"]

    (held,) = events(site)
    assert (held["type"], held["data"]["code"]) == ("message.held", "D003")
    assert held == events(site, "again")[0]


async def test_a_reader_that_is_gone_costs_nothing_more(store: Store) -> None:
    await store.feed.open("gone", ())
    model = ChannelModel.model_validate(
        {"channel": "new", "version": 1, "title": "New", "source": {"type": "window", "settings": {"channels": ["a"]}}}
    )
    off = model.model_copy(update={"channel": "off", "enabled": False})
    await store.feed.open("off", ())
    await keep_readers(store.feed, store.journal, [model, off])

    assert await store.feed.readers() == ["new", "off"]
