"""`isthmus demo` as a user runs it: a real ERP, a real engine process, real sockets and folders."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.erp, pytest.mark.integration]

DEMO = [sys.executable, "-m", "engine.cli.main", "demo"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, dict[str, Any]]:
    """Exit status, standard error, and the report of one short day."""
    directory = tmp_path_factory.mktemp("d")
    options = ["--json", "--messages", "320", "--seconds", "8", "--seed", "5", "--directory", str(directory)]
    done = subprocess.run([*DEMO, *options], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout, done.stderr
    return done.returncode, done.stderr, json.loads(done.stdout)


def test_the_day_ends_with_everything_agreeing(played: tuple[int, str, dict[str, Any]]) -> None:
    status, _, report = played

    assert report["surprises"] == []
    assert [line for line in (*report["channels"], *report["erp"]) if not line["agrees"]] == []
    assert report["agrees"] is True
    assert status == 0


def test_the_erp_holds_about_a_hundred_documents_to_the_cent(played: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = played

    assert report["documents"] >= 100
    assert Decimal(report["money"]["erp"]) > 0
    assert Decimal(report["money"]["difference"]) == 0


def test_invoices_that_agree_are_posted_without_a_touch(played: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = played
    posted = next(line for line in report["erp"] if line["kind"] == "Invoice")

    assert report["invoices"]["wrong"] == []
    assert report["invoices"]["matched"] == posted["held_by_erp"] >= 8
    assert report["invoices"]["waiting"] == 0  # the day ends when every feed has told what it had


def test_what_is_wrong_is_a_case_with_an_owner_and_its_money(played: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = played
    cases = {line["type"]: line for line in report["cases"]}

    assert cases.keys() >= {
        "price_above_tolerance", "quantity_not_received", "no_order", "duplicate_suspected", "approval_wanted",
        "order_unknown",
    }  # fmt: skip
    assert all(line["agrees"] and line["owners"] and Decimal(line["money"]) > 0 for line in cases.values())


def test_the_erp_was_down_while_deliveries_waited(played: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = played

    assert report["erp_outage"]["seconds"] > 1
    assert report["erp_outage"]["queued_at_restart"] > 0


def test_bad_messages_were_refused_or_held_with_a_reason(played: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = played
    codes = {(line["channel"], line["state"], line["code"]) for line in report["refused_and_held"]}

    assert ("supplier_invoice_in", "REFUSED", "X025") in codes  # a repeated interchange number
    assert ("supplier_invoice_in", "HELD", "D003") in codes  # a total that does not add up
    assert ("stock_requisition", "HELD", "D004") in codes  # an unknown item
    assert ("visit_context", "REFUSED", "M007") in codes  # one id, two bodies
    assert all(line["reason"] for line in report["refused_and_held"])


def test_no_patient_identifier_reached_the_erp_or_a_supplier(played: tuple[int, str, dict[str, Any]]) -> None:
    _, _, report = played

    assert report["patient_data"]["searched_for"] > 150
    assert report["patient_data"]["found_in"] == []


def test_without_exit_it_stays_up_until_told_to_end(tmp_path: Path) -> None:
    options = ["--messages", "300", "--seconds", "4", "--directory", str(tmp_path)]
    with subprocess.Popen([*DEMO, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C ends" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGTERM)
        process.wait(90)

    assert "http://127.0.0.1:" in said
    assert "agree to the cent" in said, said
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _read(p)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
