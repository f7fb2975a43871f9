"""Each answer of the ERP has one fate."""

from __future__ import annotations

import json

import pytest

from engine.adapters.tryton.failures import (
    AmbiguousError,
    BusinessRuleError,
    DuplicateInvoiceError,
    NoSuchRecordError,
    failure,
)
from engine.core.errors import DestinationError, Fate, TransportError


def rule(message: str, description: str = "") -> bytes:
    return json.dumps({"status": 400, "message": message, "description": description}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "fate"),
    [
        (400, rule("The code on party must be unique."), BusinessRuleError, Fate.HOLD),
        (400, rule("The invoice [1] is similar to 2"), DuplicateInvoiceError, Fate.HOLD),
        (400, b"<h1>Bad Request</h1><p>Unable to get RPC method</p>", AmbiguousError, Fate.RETRY),
        (401, b"<html>", TransportError, Fate.RETRY),
        (403, b"<html>", DestinationError, Fate.HOLD),
        (404, b"<html>", NoSuchRecordError, Fate.HOLD),
        (413, b"<html>", DestinationError, Fate.HOLD),
        (429, b"", TransportError, Fate.RETRY),
        (500, b"<p>division by zero</p>", TransportError, Fate.RETRY),
        (502, b"", TransportError, Fate.RETRY),
        (503, b"<p>could not obtain lock</p>", TransportError, Fate.RETRY),
    ],
)
def test_status_decides_the_fate(status: int, body: bytes, kind: type, fate: Fate) -> None:
    error = failure(status, body, mutation=True)

    assert type(error) is kind
    assert error.fate is fate


@pytest.mark.parametrize(("status", "sent"), [(500, True), (502, True), (503, True), (429, False)])
def test_fault_after_a_mutation_may_have_been_committed(status: int, sent: bool) -> None:
    error = failure(status, b"", mutation=True)

    assert isinstance(error, TransportError)
    assert error.sent is sent


def test_fault_of_a_read_changed_nothing() -> None:
    error = failure(500, b"", mutation=False)

    assert isinstance(error, TransportError)
    assert not error.sent


def test_retry_after_is_kept_in_seconds() -> None:
    error = failure(503, b"", mutation=True, retry_after="7")
    rubbish = failure(503, b"", mutation=True, retry_after="soon")

    assert isinstance(error, TransportError)
    assert isinstance(rubbish, TransportError)
    assert (error.retry_after, rubbish.retry_after) == (7.0, None)


def test_business_rule_keeps_the_words_of_the_erp_on_one_line() -> None:
    error = failure(400, rule("The period\nis closed.", "Open it."), mutation=True)

    assert "The period is closed. – Open it." in str(error)


def test_rejected_key_tells_how_to_go_on() -> None:
    assert "new key" in str(failure(401, b"", mutation=False))


def test_markup_does_not_reach_people() -> None:
    assert "<" not in str(failure(500, b"<html><p>oh &amp; no</p></html>", mutation=False))
