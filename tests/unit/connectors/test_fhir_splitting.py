"""Files of FHIR: what a message is called, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.connectors.formats import splitter
from tests.support.connector_doubles import context


@pytest.mark.parametrize(
    ("body", "kind", "natural_id"),
    [
        (b'{"resourceType":"Invoice","id":"i1","meta":{"versionId":"3"}}', "Invoice", "Invoice/i1/3"),
        (b'\xef\xbb\xbf{"resourceType":"Bundle","id":"b1"}', "Bundle", None),
        (b'<?xml version="1.0"?><f:Invoice xmlns:f="http://hl7.org/fhir"/>', "Invoice", None),
    ],
)
def test_a_resource_is_one_message(tmp_path: Path, body: bytes, kind: str, natural_id: str | None) -> None:
    [received] = splitter("fhir", context(tmp_path)).split(body, {"file": "x"})

    assert (received.body, received.message_type, received.natural_id) == (body, kind, natural_id)
    assert received.attributes == {"file": "x"}


@pytest.mark.parametrize("body", [b"", b"{}", b"<x/>", b"text", b'{"resourceType":"lower"}'])
def test_what_is_no_resource_is_kept_as_refused(tmp_path: Path, body: bytes) -> None:
    [received] = splitter("fhir", context(tmp_path)).split(body, {})

    assert (received.body, received.message_type) == (body, None)
    assert received.refusal is not None
    assert received.refusal.code == "M005"
