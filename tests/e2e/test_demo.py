"""`isthmus demo` as a user runs it: a real ERP, a real engine process, real sockets and folders."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.waiting import wait_until

pytestmark = [pytest.mark.erp, pytest.mark.integration]

DEMO = [sys.executable, "-m", "engine.cli.main", "demo"]
ROOT = Path(__file__).resolve().parents[2]


class Played(NamedTuple):
    """One short day. `stayed`: it still ran when its report had been read; `left`: its processes after the end."""

    report: dict[str, Any]
    said: str
    stayed: bool
    status: int
    left: list[str]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """It stays up after its report, as for a person who wants to look at it, and is told to end."""
    directory = tmp_path_factory.mktemp("d")
    options = ["--json", "--keep", "--messages", "320", "--seconds", "8", "--seed", "5", "--directory", str(directory)]
    said = directory / "said"
    with said.open("w") as log:
        process = subprocess.Popen([*DEMO, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        report = _printed(process, said)
        wait_until(lambda: "Ctrl-C ends" in said.read_text(), "where to look is said")
        stayed = process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(120)
    of_it = [_read(p).decode() for p in Path("/proc").glob("[0-9]*/cmdline") if str(directory).encode() in _read(p)]
    return Played(report, said.read_text(), stayed, status, of_it)


def _printed(process: subprocess.Popen[str], said: Path) -> dict[str, Any]:
    """The report; the process goes on."""
    text = ""
    assert process.stdout is not None
    while not text.endswith("\n}\n"):
        line = process.stdout.readline()
        assert line, said.read_text()
        text += line
    return dict(json.loads(text))


@pytest.fixture
def report(day: Played) -> dict[str, Any]:
    return day.report


def test_the_day_ends_with_everything_agreeing(report: dict[str, Any]) -> None:
    assert report["surprises"] == []
    assert [line for line in (*report["channels"], *report["erp"]) if not line["agrees"]] == []
    assert report["agrees"] is True


def test_the_erp_holds_about_a_hundred_documents_to_the_cent(report: dict[str, Any]) -> None:
    assert report["documents"] >= 100
    assert Decimal(report["money"]["erp"]) > 0
    assert Decimal(report["money"]["difference"]) == 0


def test_invoices_that_agree_are_posted_without_a_touch(report: dict[str, Any]) -> None:
    posted = next(line for line in report["erp"] if line["kind"] == "Invoice")

    assert report["invoices"]["wrong"] == []
    assert report["invoices"]["matched"] == posted["held_by_erp"] >= 8
    assert report["invoices"]["waiting"] == 0  # the day ends when every feed has told what it had


def test_what_is_wrong_is_a_case_with_an_owner_and_its_money(report: dict[str, Any]) -> None:
    cases = {line["type"]: line for line in report["cases"]}

    assert cases.keys() >= {
        "price_above_tolerance", "quantity_not_received", "no_order", "duplicate_suspected", "approval_wanted",
        "order_unknown",
    }  # fmt: skip
    assert all(line["agrees"] and line["owners"] and Decimal(line["money"]) > 0 for line in cases.values())


def test_the_erp_was_down_while_deliveries_waited(report: dict[str, Any]) -> None:
    assert report["erp_outage"]["seconds"] > 1
    assert report["erp_outage"]["queued_at_restart"] > 0


def test_bad_messages_were_refused_or_held_with_a_reason(report: dict[str, Any]) -> None:
    codes = {(line["channel"], line["state"], line["code"]) for line in report["refused_and_held"]}

    assert ("supplier_invoice_in", "REFUSED", "X025") in codes  # a repeated interchange number
    assert ("supplier_invoice_in", "HELD", "D003") in codes  # a total that does not add up
    assert ("stock_requisition", "HELD", "D004") in codes  # an unknown item
    assert ("visit_context", "REFUSED", "M007") in codes  # one id, two bodies
    assert all(line["reason"] for line in report["refused_and_held"])


def test_no_patient_identifier_reached_the_erp_or_a_supplier(report: dict[str, Any]) -> None:
    assert report["patient_data"]["searched_for"] > 150
    assert report["patient_data"]["found_in"] == []


def test_it_stays_up_until_told_to_end_and_leaves_no_process(day: Played) -> None:
    assert day.stayed
    assert "http://127.0.0.1:" in day.said
    assert day.status == 130  # as shells say of an interrupt
    assert day.left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
