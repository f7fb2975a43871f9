"""The console over the engine itself, started as a user starts it: a held message is edited and arrives."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.loopback import free_port
from tests.support.engine_process import EngineProcess, write_site
from tests.support.people import PASSWORD

CHROMIUM = Path("/usr/bin/chromium")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is absent (/usr/bin/chromium)"),
]

CHANNEL = """\
channel: admissions
version: 1
title: Admissions become visit contexts
source: {{type: hl7v2_mllp, listen: '127.0.0.1:{port}'}}
accept: [ADT^A01]
index: {{visit: PV1-19.1}}
transform: admissions
destinations:
  - {{name: files, type: file, folder: out, format: json, send: VisitContext, order_by: visit_number}}
"""
TRANSFORM = '''\
"""ADT^A01 to VisitContext."""

from engine.sdk import Hl7Message, VisitContext


def transform(message: Hl7Message) -> VisitContext:
    return VisitContext(visit_number=message.require("PV1-19.1"), event="A01")
'''
MESSAGE = "MSH|^~\\&|A|B|C|D|20261120080000||ADT^A01|C{n}|P|2.5.1\rEVN|A01\rPID|1||MR-1\rPV1|1|I|{empty}{visit}\r"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[EngineProcess, int]]:
    port = free_port()
    process = EngineProcess(write_site(tmp_path, {"admissions": CHANNEL.format(port=port)}, {"admissions": TRANSFORM}))
    process.start()
    yield process, port
    assert process.stop() == 0


def send(port: int, number: int, visit: str) -> str:
    body = MESSAGE.format(n=number, empty="|" * 16, visit=visit)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"\x0b" + body.encode() + b"\x1c\r")
        return connection.recv(4096).decode()


def test_a_held_message_is_edited_in_the_console_and_arrives(engine: tuple[EngineProcess, int], tmp_path: Path) -> None:
    process, port = engine
    assert "MSA|AA" in send(port, 1, "V-1")
    assert "MSA|AA" in send(port, 2, "")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(process.facts["first_link"])
        page.get_by_label("Name").fill("maria.lind")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("[data-live='admissions.held']")).to_have_text("1", timeout=10_000)

        page.get_by_role("navigation").get_by_role("link", name="Held").click()
        page.get_by_role("link", name=re.compile("^Edit and resend")).click()
        area = page.get_by_label("Message")
        area.fill(re.sub(r"(PV1\|1\|I\|+)", r"\g<1>V-2", area.input_value()))
        page.get_by_label("Reason").fill("the visit was known by telephone")
        page.get_by_role("button", name="Resend edited message").click()
        expect(page.locator(".title .badge")).to_have_text("Delivered", timeout=10_000)
        page.goto(f"{process.facts['console']}/audit")
        expect(page.locator("tbody")).to_contain_text("the visit was known by telephone")
        browser.close()

    written = [json.loads(path.read_text())["visit_number"] for path in (tmp_path / "out").iterdir() if path.is_file()]
    assert sorted(written) == ["V-1", "V-2"]
