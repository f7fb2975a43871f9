"""A case holds when what came out is what is expected, and says where it differs when not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.channel.cases import run_cases, write_expectation
from engine.channel.expectation import Expectation, compare
from engine.channel.load import load_site
from engine.channel.model import ChannelModel
from engine.channel.yaml_source import read_yaml
from engine.ports.connector import Reason
from engine.ports.journal import NewDocument
from engine.ports.script import Route, WorkResult
from engine.ports.states import MessageState

GOOD = Path(__file__).parents[2] / "contract/lint_mistakes/site"
FOLDER = "channels/money/supplier_onboarding.cases"
ORDER = b'{"order_number": "PO-1", "lines": [{"number": 1, "price": {"amount": "10.50", "currency": "USD"}}]}'
RESULT = WorkResult(
    1,
    MessageState.QUEUED,
    None,
    [NewDocument(0, ORDER, "PurchaseOrder", "PO-1")],
    [Route("erp", 0, "PO-1", "1.0.erp")],
    [("order", "PO-1"), ("supplier", "S1"), ("supplier", "S2")],
)
HELD = WorkResult(1, MessageState.HELD, Reason("D004", "no row for this code", "RQD[2]-4, transforms/x.py:7"))


def _differences(expected: str, result: WorkResult = RESULT, files: dict[str, bytes] | None = None) -> list[str]:
    return [str(d) for d in compare(Expectation.model_validate(read_yaml(expected, "e").data), result, files or {})]


@pytest.mark.parametrize(
    "expected",
    [
        "state: QUEUED",
        "{state: QUEUED, routes: [erp], keys: {order: PO-1, supplier: [S1, S2]}}",
        "{state: QUEUED, keys: {order: PO-1}}",
        "{state: QUEUED, documents: [{kind: PurchaseOrder}]}",
        "{state: QUEUED, documents: [{kind: PurchaseOrder, contains: {order_number: PO-1}}]}",
        "{state: QUEUED, documents: [{contains: {lines: [{price: {amount: 10.5}}]}}]}",
        '{state: QUEUED, documents: [{contains: {lines: [{price: {amount: "10.50"}}]}}]}',
    ],
)
def test_what_is_not_named_is_not_compared(expected: str) -> None:
    assert _differences(expected) == []


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ("state: TRANSFORMED", "state: expected TRANSFORMED, got QUEUED"),
        ("{state: QUEUED, routes: []}", 'routes: expected [], got ["erp"]'),
        ("{state: QUEUED, keys: {order: PO-2}}", 'keys.order: expected "PO-2", got "PO-1"'),
        ("{state: QUEUED, keys: {visit: V-1}}", 'keys.visit: expected "V-1", got nothing'),
        ("{state: QUEUED, documents: []}", "documents: expected 0, got 1 (PurchaseOrder)"),
        ("{state: QUEUED, documents: [{kind: Invoice}]}", "documents[1]: expected Invoice, got PurchaseOrder"),
        (
            "{state: QUEUED, documents: [{contains: {lines: [{price: {amount: 10.51}}]}}]}",
            'documents[1].lines[1].price.amount: expected 10.51, got "10.50"',
        ),
        (
            '{state: QUEUED, documents: [{contains: {lines: [{price: {amount: "10.5"}}]}}]}',
            'documents[1].lines[1].price.amount: expected "10.5", got "10.50"',
        ),
        (
            "{state: QUEUED, documents: [{contains: {release_number: R1}}]}",
            'documents[1].release_number: expected "R1", got nothing',
        ),
        (
            "{state: QUEUED, documents: [{contains: {lines: []}}]}",
            'documents[1].lines: expected [], got [{"number": 1, "price": {"amount": "10.50", "currency": "USD"}}]',
        ),
    ],
)
def test_a_difference_names_its_place(expected: str, difference: str) -> None:
    assert _differences(expected) == [difference]


def test_a_whole_document_may_have_nothing_beside() -> None:
    assert _differences("{state: QUEUED, documents: [{equals: {order_number: PO-1}}]}") == [
        'documents[1].lines: expected nothing, got [{"number": 1, "price": {"amount": "10.50", "currency": "USD"}}]'
    ]


def test_a_reason_is_compared_by_code_place_and_words() -> None:
    good = "{state: HELD, reason: D004, where: 'RQD[2]-4', says: no row}"

    assert _differences(good, HELD) == []
    assert _differences("{state: HELD, reason: F002}", HELD)[0].startswith("reason: expected F002, got D004")
    assert _differences("{state: HELD, where: 'RQD[3]-4'}", HELD)[0].startswith("where: expected 'RQD[3]-4' in it")


def test_a_message_is_compared_by_lines_or_by_bytes() -> None:
    sent = WorkResult(1, MessageState.QUEUED, None, [NewDocument(0, b"MSH|^~\\&|A\rPID|1\r")])

    assert _differences("{state: QUEUED, documents: [{lines: ['PID|1']}]}", sent) == []
    assert len(_differences("{state: QUEUED, documents: [{lines: ['PID|2']}]}", sent)) == 1
    assert _differences("{state: QUEUED, documents: [{file: 1.hl7}]}", sent, {"1.hl7": b"MSH|^~\\&|A\rPID|1\r"}) == []
    assert len(_differences("{state: QUEUED, documents: [{file: 1.hl7}]}", sent, {"1.hl7": b"other"})) == 1


# ------------------------------------------------------------------ running and updating
@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "site"))


def _runner(result: WorkResult) -> Callable[[ChannelModel, bytes], WorkResult]:
    return lambda channel, body: result


def _outcomes(root: Path, result: WorkResult = RESULT, **limits: Any) -> list[Any]:
    return list(run_cases(load_site(root), _runner(result), **limits))


def test_every_case_of_every_channel_runs_once(root: Path) -> None:
    assert [(o.channel, o.name) for o in _outcomes(root)] == [
        ("price_list", "one"),
        ("supplier_invoice", "one"),
        ("supplier_onboarding", "one"),
        ("adt_relay", "one"),
        ("stock_requisition", "one"),
    ]


def test_cases_can_be_chosen_by_channel_and_folder(root: Path) -> None:
    shutil.copytree(root / FOLDER / "one", root / FOLDER / "one_more")

    assert {o.channel for o in _outcomes(root, channels=["adt_relay"])} == {"adt_relay"}
    assert [o.name for o in _outcomes(root, folders=[f"{FOLDER}/one"])] == ["one"]


def test_an_updated_case_holds_and_keeps_its_remarks(root: Path) -> None:
    path = root / FOLDER / "one/expect.yaml"
    path.write_text("# A supplier as the portal sends it.\nabout: all fields\nstate: HELD\n")
    failed = next(o for o in _outcomes(root) if o.channel == "supplier_onboarding")
    assert not failed.passed

    write_expectation(root, failed)

    held = next(o for o in _outcomes(root) if o.channel == "supplier_onboarding")
    assert held.passed
    assert path.read_text().startswith("# A supplier as the portal sends it.\nabout: all fields\n")


def test_lines_of_scripts_are_not_expected_because_they_move(root: Path) -> None:
    outcome = next(o for o in _outcomes(root, HELD) if o.channel == "supplier_onboarding")

    write_expectation(root, outcome)

    text = (root / FOLDER / "one/expect.yaml").read_text()
    assert "where: RQD[2]-4\n" in text
    assert "transforms/" not in text


def test_a_case_that_cannot_be_used_says_why(root: Path) -> None:
    (root / FOLDER / "one/expect.yaml").write_text("state: SENT\n")
    (root / "channels/supply/adt_relay.cases/one/input.hl7").unlink()
    (root / "channels/supply/stock_requisition.cases/one/expect.yaml").unlink()

    problems = {o.channel: (o.problem, o.new) for o in _outcomes(root) if o.problem}

    assert problems["adt_relay"] == ("it has no input.* file", False)
    assert problems["stock_requisition"] == ("it has no expect.yaml", True)
    assert "state" in (problems["supplier_onboarding"][0] or "")
