"""AS2 through the whole engine, killed while messages and receipts are under way: each order arrives once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.loopback import free_port
from tests.support.as2 import key_pem, partner, write
from tests.support.engine_process import EngineProcess, write_site

pytestmark = [pytest.mark.process, pytest.mark.slow]

ORDERS = 30
OUT = """
channel: clinic_out
title: Orders go to the main hospital
version: 1
source: {{type: file, folder: orders, format: bytes, poll: 50ms, stable_for: 0s}}
destinations:
  - name: main
    type: as2
    url: http://127.0.0.1:{port}/as2
    as2_from: CLINIC
    as2_to: MAIN
    certificate: clinic.pem
    key: file:clinic.key
    partner_certificates: [main.pem]
    partner_finds_duplicates: true
    receipt: async
    receipt_url: http://127.0.0.1:{port}/as2
    receipt_wait: 2s
    retry: {{first: 50ms, longest: 200ms}}
"""
IN = """
channel: main_in
title: Orders of the clinic
version: 1
source:
  type: as2
  format: bytes
  listen: 127.0.0.1:{port}
  as2_id: MAIN
  certificate: main.pem
  key: file:main.key
  receipts_to_private: true
  partners:
    - {{as2_id: CLINIC, certificates: [clinic.pem]}}
destinations:
  - {{name: desk, type: file, folder: taken, file_name: "{{key}}"}}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    port = free_port()
    channels = {"clinic_out": OUT.format(port=port), "main_in": IN.format(port=port)}
    process = EngineProcess(write_site(tmp_path / "site", channels, {}))
    for name in ("clinic", "main"):
        write(process.site, name, partner(name))
        (process.site / f"{name}.key").write_text(key_pem(partner(name)))
        (process.site / f"{name}.key").chmod(0o600)
    (process.site / "orders").mkdir()
    yield process
    if process.running:
        process.stop()


def taken(site: Path) -> list[str]:
    folder = site / "taken"
    return sorted(path.read_text() for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def waits_until(site: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(taken(site)) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_kill_in_the_middle_loses_and_doubles_no_order(engine: EngineProcess) -> None:
    orders = sorted(f"order {number}" for number in range(ORDERS))
    for number, text in enumerate(orders):
        (engine.site / "orders" / f"{number}.txt").write_text(text)
    engine.start()
    waits_until(engine.site, 5)
    engine.kill()
    before = len(taken(engine.site))
    engine.start()
    waits_until(engine.site, ORDERS)
    deadline = time.monotonic() + 60
    while (waiting := under_way(engine.site)) and time.monotonic() < deadline:
        time.sleep(0.05)
    engine.stop()

    assert 0 < before < ORDERS
    assert taken(engine.site) == orders
    assert waiting == 0


def under_way(site: Path) -> int:
    """Messages without a receipt, and receipts that are still to be posted."""
    folder = site / "var" / "as2"
    without = {path.stem for path in folder.rglob("*.sent")} - {path.name[:40] for path in folder.rglob("*.mdn")}
    return len(without) + len(list(folder.rglob("*.receipt")))
