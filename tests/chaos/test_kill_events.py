"""kill -9 of the engine while events and windows are told: each event once, each document in one sum. Long form only:
the shortest window is a minute; the short forms are the property tests of `tests/contract/test_window.py`."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine_process import EngineProcess, write_site

DOCUMENTS, KILLS, PATIENCE = 300, 8, 180

CHANNELS = {
    "charges": """
channel: charges
version: 1
title: Charges come in as files
source: {type: file, folder: in, format: json, poll: 50ms, stable_for: 0s, pattern: "*.json"}
transform: charges
destinations:
  - {name: shelf, type: file, folder: out, file_name: "{natural_key}_{key}.json", send: Consumption}
""",
    "told": """
channel: told
version: 1
title: What happened is told
source: {type: events, every: 100ms, types: [charge.received, consumption.recorded]}
destinations:
  - {name: files, type: file, folder: events, file_name: "{key}.json", send: message}
""",
    "summed": """
channel: summed
version: 1
title: What was used in a minute
source:
  type: window
  channels: [charges]
  kind: Consumption
  every: 1m
  group_by: [cost_center]
  sum: [quantity]
  wait: 1s
destinations:
  - {name: files, type: file, folder: sums, file_name: "{key}.json", send: message}
""",
}
TRANSFORM = '''"""A charge of one line."""

from engine.sdk import Consumption, ConsumptionLine, JsonMessage, Quantity


def transform(message: JsonMessage) -> Consumption:
    line = ConsumptionLine(
        number=1,
        item_number="M1",
        cost_center=message.require("cost_center"),
        quantity=Quantity(amount=message.require("amount")),
    )
    return Consumption(
        consumption_number=message.require("number"), used_at="2026-03-01T12:00:00Z", lines=(line,)
    )
'''


def told(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in folder.glob("*.json")]


@pytest.mark.slow
@pytest.mark.process
def test_killed_at_random_each_event_once_and_each_document_in_one_sum(tmp_path: Path) -> None:
    site, dice = write_site(tmp_path, CHANNELS, {"charges": TRANSFORM}), random.Random(20261121)
    (site / "in").mkdir()
    engine = EngineProcess(site)
    engine.start()
    for number in range(DOCUMENTS):
        charge = {"number": f"C{number}", "cost_center": f"{number % 3}", "amount": f"{number}.5"}
        (site / f"in/{number}.part").write_text(json.dumps(charge))
        (site / f"in/{number}.part").rename(site / f"in/{number}.json")
        if number % (DOCUMENTS // KILLS) == DOCUMENTS // KILLS - 1:
            time.sleep(dice.uniform(0.05, 0.6))
            engine.kill()
            engine.start()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and sum(one["count"] for one in told(site / "sums")) < DOCUMENTS:
        if dice.random() < 0.05:  # also while windows are closed
            engine.kill()
            engine.start()
        time.sleep(0.5)
    while time.monotonic() < until and len(told(site / "events")) < 2 * DOCUMENTS:
        time.sleep(0.1)
    assert engine.stop() == 0

    events, sums = told(site / "events"), told(site / "sums")
    keys = {f"C{number}" for number in range(DOCUMENTS)}
    for kind in ("charge.received", "consumption.recorded"):
        assert Counter(one["subject"] for one in events if one["type"] == kind) == Counter(keys)
    assert Counter(one["key"] for told_ in sums for one in told_["documents"]) == Counter(keys)
    amounts = [Decimal(one["sums"]["quantity"]["amount"]) for one in sums]
    assert sum(amounts) == sum(Decimal(f"{number}.5") for number in range(DOCUMENTS))
