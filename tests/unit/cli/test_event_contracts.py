"""What is published of events holds for what is sent, and AsyncAPI lists every type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.canonical.events import EVENT_TYPES, FACTS, EventType, Facts, data_model, event_of
from engine.cli.contracts import breaks
from engine.cli.event_contracts import asyncapi, event_files, event_schema
from engine.core.happenings import Happening

CASES = Path(__file__).resolve().parents[3] / "channels/events/supplier_portal_events.cases"
PRIVATE = {"visit_number", "requester", "note", "notes", "description", "email", "tax_identifier", "patient_class"}


def test_every_type_has_its_schema_and_its_message() -> None:
    names = {one.name for one in EVENT_TYPES}

    assert len(names) == len(EVENT_TYPES)
    assert {f"events/{name}.schema.json" for name in names} | {"events/asyncapi.json"} == set(event_files())
    assert set(asyncapi()["components"]["messages"]) == names


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_the_shipped_cases_are_events_as_published(case: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    event = json.loads((CASES / case / "input.json").read_text())
    schema = json.loads(event_files()[f"events/{event['type']}.schema.json"])
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(event, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event | {"data": {"channel": "x"}}, schema)


def test_readers_are_told_to_expect_more_fields() -> None:
    assert all("additionalProperties" not in text for text in event_files().values())


def test_no_event_tells_what_may_be_of_a_patient() -> None:
    told = {name for model in FACTS.values() for name in model.model_fields}

    assert told & PRIVATE == set()
    assert all(issubclass(model, Facts) for model in FACTS.values())


@pytest.mark.parametrize("one", EVENT_TYPES, ids=lambda one: one.name)
def test_each_type_is_the_first_that_fits_its_own_case(one: EventType) -> None:
    """None stands in another's shadow."""
    document = {} if one.when is None else {one.when[0]: min(one.when[1])}
    found = event_of(one.kind, one.what, bool(one.ledger), document)

    assert found == one
    assert event_schema(one)["properties"]["type"] == {"const": one.name}
    assert "document" not in data_model(one).model_json_schema().get("required", [])


def test_what_nobody_is_told_of_is_no_event() -> None:
    assert event_of("VisitContext", Happening.MADE, False, {}) is None
    assert event_of("PaymentStatus", Happening.MADE, False, {"state": "open"}) is None


def test_a_change_that_breaks_who_hears_events_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    kept = json.loads(event_files()["events/invoice.posted.schema.json"])
    (tmp_path / "events/invoice.posted.schema.json").write_text(json.dumps(kept))
    assert breaks(tmp_path) == []
    kept["$defs"]["InvoiceFacts"]["properties"]["due_on"] = {"type": "string"}
    kept["$defs"]["InvoiceFacts"]["required"].append("due_on")
    (tmp_path / "events/invoice.posted.schema.json").write_text(json.dumps(kept))

    assert "invoice.posted 1" in breaks(tmp_path)[0]
