"""`isthmus trace`: every stage of a message, with the doors shut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from engine.cli.trace import command

CASE = "channels/supply/stock_requisition.cases/one/input.hl7"


def _trace(site: Path, channel: str = "stock_requisition", file: str = CASE) -> tuple[int, dict[str, Any]]:
    run = CliRunner().invoke(command, [channel, str(site / file), "--site", str(site), "--json"])
    return run.exit_code, json.loads(run.stdout)


def _replace(site: Path, path: str, before: str, after: str) -> None:
    text = (site / path).read_text()
    assert before in text
    (site / path).write_text(text.replace(before, after))


def test_every_stage_is_shown_in_order(good_site: Path) -> None:
    code, traced = _trace(good_site)

    names = [(s["name"], s["outcome"]) for s in traced["stages"]]
    assert names == [
        (n, "done") for n in ["received", "accept", "index", "filter", "transform", "document", "routes", "send"]
    ]
    assert (code, traced["state"]) == (0, "QUEUED")


def test_each_destination_shows_what_it_would_send(good_site: Path) -> None:
    send = _trace(good_site)[1]["stages"][-1]

    assert send["text"] == "erp would send Requisition to erp finance"
    assert send["facts"]["order_key"] == "REQ-1"


def test_a_refused_message_stops_at_accept(good_site: Path) -> None:
    _replace(good_site, CASE, "OMS^O05", "ADT^A01")

    code, traced = _trace(good_site)

    assert [s["name"] for s in traced["stages"]] == ["received", "accept"]
    assert (code, traced["state"], traced["reason"]["code"]) == (1, "REFUSED", "M006")


def test_a_filtered_message_stops_at_its_filter_and_is_no_failure(good_site: Path) -> None:
    _replace(good_site, CASE, "|P|", "|T|")

    code, traced = _trace(good_site)

    stopped = [s for s in traced["stages"] if s["outcome"] == "stopped"]
    assert stopped[0]["name"] == "filter"
    assert stopped[0]["facts"] == {"expression": 'starts_with(MSH-11, "P")'}
    assert (code, traced["state"]) == (0, "FILTERED")


def test_a_held_message_names_the_line_of_the_script(good_site: Path) -> None:
    _replace(good_site, CASE, "OR-TRO-12", "OR-NEW-1")

    code, traced = _trace(good_site)

    assert (code, traced["state"], traced["reason"]["code"]) == (1, "HELD", "D004")
    assert "transforms/stock_requisition.py:" in traced["reason"]["where"]


def test_a_message_in_its_mllp_frame_is_taken_out_of_it(good_site: Path) -> None:
    path = good_site / CASE
    path.write_bytes(b"\x0b" + path.read_bytes() + b"\x1c\r")

    assert _trace(good_site)[1]["state"] == "QUEUED"


def test_people_read_the_same_stages(good_site: Path) -> None:
    run = CliRunner().invoke(command, ["stock_requisition", str(good_site / CASE), "--site", str(good_site)])

    for part in ("received", "1. Requisition REQ-1", "would end as QUEUED", "nothing was stored or sent"):
        assert part in run.output


def test_a_message_cannot_steer_the_terminal(good_site: Path) -> None:
    _replace(good_site, CASE, "REQ-1", "REQ-\x1b[2J\x1b]0;x\x07")

    run = CliRunner().invoke(command, ["stock_requisition", str(good_site / CASE), "--site", str(good_site)])

    assert "REQ-" in run.output
    assert "\x1b" not in run.output
    assert "\x07" not in run.output


def test_nothing_is_written_into_the_site(good_site: Path) -> None:
    before = sorted(p for p in good_site.rglob("*") if "__pycache__" not in p.parts)

    _trace(good_site, "supplier_invoice", "channels/money/supplier_invoice.cases/one/input.edi")

    assert sorted(p for p in good_site.rglob("*") if "__pycache__" not in p.parts) == before


def test_an_unknown_channel_is_wrong_usage(good_site: Path) -> None:
    run = CliRunner().invoke(command, ["stock", str(good_site / CASE), "--site", str(good_site)])

    assert run.exit_code == 2
    assert "stock_requisition" in run.output


def test_an_x12_file_that_would_be_written_is_shown(good_site: Path) -> None:
    code, traced = _trace(good_site, "orders_out", _orders_out(good_site))

    written = traced["stages"][-1]["body"]
    assert code == 0
    assert written.startswith("ISA*00*")
    assert "BEG*00*NE*PO-1**20261120~" in written
    assert "IEA*1*000000001~" in written


def _orders_out(site: Path) -> str:
    """A channel that turns canonical orders into 850 files."""
    partner = site / "config/partners/alderbrook.yaml"
    partner.write_text(partner.read_text() + "supplier_number: S1001\n")
    (site / "channels/money/orders_out.yaml").write_text(
        "channel: orders_out\nversion: 1\ntitle: Orders\n"
        "source: {type: http, listen: '127.0.0.1:8082', token: 'env:T'}\n"
        "transform: orders_out\ndestinations:\n"
        "  - {name: supplier, type: file, folder: data/out, format: x12, send: PurchaseOrder}\n"
    )
    (site / "transforms/orders_out.py").write_text(
        "from engine.sdk import JsonMessage, PurchaseOrder\n\n\n"
        "def transform(message: JsonMessage) -> PurchaseOrder:\n"
        "    return PurchaseOrder.model_validate(message.value)\n"
    )
    order = {
        "order_number": "PO-1",
        "supplier_number": "S1001",
        "ordered_on": "2026-11-20",
        "lines": [{"number": 1, "item_number": "M1", "quantity": {"amount": "2"}, "price": {"amount": "3.50"}}],
    }
    (site / "order.json").write_text(json.dumps(order))
    return "order.json"


def test_a_file_of_several_messages_is_traced_one_by_one(good_site: Path) -> None:
    path = good_site / CASE
    first = path.read_text()
    path.write_text(first + first.replace("REQ-1", "REQ-2"))

    run = CliRunner().invoke(
        command, ["stock_requisition", str(path), "--site", str(good_site), "--message", "2", "--json"]
    )

    traced = json.loads(run.stdout)
    assert (traced["message"], traced["messages"]) == (2, 2)
    assert "2. " not in traced["stages"][5]["text"]
    assert traced["stages"][5]["text"] == "1. Requisition REQ-2"
