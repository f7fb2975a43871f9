"""Outcomes say what, where and what to do; those of others are read without their words."""

from __future__ import annotations

import json

import pytest

from engine.core.errors import StructureError
from engine.protocols.fhir.outcome import Issue, issue_of, operation_outcome, told_by
from engine.protocols.fhir.validate import validate


def test_error_becomes_an_issue_with_code_place_and_remedy() -> None:
    error = StructureError("absent", where="Invoice.status", remedy="send it")
    outcome = operation_outcome([issue_of(error)])

    [issue] = outcome["issue"]
    assert issue["details"]["coding"][0]["code"] == "M005"
    assert (issue["code"], issue["expression"], issue["diagnostics"]) == ("structure", ["Invoice.status"], "send it")


def test_our_outcome_fits_its_definition() -> None:
    outcome = operation_outcome([Issue("structure", "absent", code="M005", where="a", remedy="b")])

    validate(outcome, "R4")
    validate(outcome, "R5")


def test_outcome_of_another_is_read_without_words_and_values() -> None:
    told = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "warning", "code": "value"},
            {"severity": "error", "code": "value", "diagnostics": "CANARY", "expression": ["SupplyRequest.item[0].x"]},
            {"severity": "error", "code": "CANARY", "expression": ["identifier.where(value='CANARY')"]},
        ],
    }

    issues = told_by(json.dumps(told).encode())

    assert [(one.type, one.where) for one in issues] == [("value", "SupplyRequest.item[0].x"), ("unknown", None)]
    assert "CANARY" not in str(issues)


@pytest.mark.parametrize("body", [b"", b"no", b"{}", b'{"resourceType":"Patient"}', b"\xff"])
def test_answer_without_an_outcome_tells_nothing(body: bytes) -> None:
    assert told_by(body) == []
