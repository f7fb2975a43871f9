"""Whatever JSON stands in a FHIR body, it becomes messages or a coded refusal, in and out."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connectors.fhir.intake import Intake
from engine.connectors.fhir.outgoing import outgoing
from engine.connectors.fhir.routing import Asked, NotServedError, asked
from engine.connectors.fhir.settings import FhirDestinationSettings, FhirSourceSettings
from engine.core.errors import DestinationError, MessageError

NAMES = st.sampled_from(
    ["resourceType", "type", "entry", "resource", "request", "method", "url", "id", "meta", "versionId", "identifier",
     "system", "value", "ifMatch", "ifNoneExist", "fullUrl"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["Bundle", "batch", "transaction", "message", "POST", "PUT", "GET", "Device", "Device/d1", "MessageHeader", "d1",
     'W/"1"', "urn:isthmus:delivery", "\x00", "\ud800", ""]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=25
)
REQUESTS = st.fixed_dictionaries(
    {"method": st.sampled_from(["POST", "PUT"]) | TREES, "url": st.sampled_from(["Device", "Device/d1"]) | TREES},
    optional={"ifMatch": TREES, "ifNoneExist": TREES},
)
RESOURCES = st.fixed_dictionaries(
    {"resourceType": st.just("Device")}, optional={"id": TREES, "meta": TREES, "identifier": TREES}
)
ENTRIES = st.fixed_dictionaries({}, optional={"request": REQUESTS, "resource": RESOURCES | TREES, "fullUrl": TREES})
BUNDLES = st.fixed_dictionaries(
    {
        "resourceType": st.just("Bundle"),
        "type": st.sampled_from(["batch", "transaction", "message"]),
        "entry": st.lists(ENTRIES | TREES, max_size=4) | TREES,
    },
    optional={"id": TREES, "identifier": TREES},
)
Interaction = Literal["conditional_create", "create", "update", "conditional_update", "bundle", "process_message"]


@settings(max_examples=400, deadline=None)
@given(BUNDLES | RESOURCES | TREES, st.sampled_from(["create", "update", "bundle", "message"]))
def test_any_json_is_taken_or_refused_with_a_code(tree: Any, interaction: Any) -> None:
    intake = Intake(FhirSourceSettings(listen="127.0.0.1:0", token="env:T"), keep_xml=False)
    what = Asked(interaction, "Device" if interaction in ("create", "update") else "Bundle", "d1")
    try:
        plan = intake.plan(json.dumps(tree).encode(), what, None, None, None, False)
    except MessageError:
        return

    assert plan.items
    assert all(item.natural_id is None or item.natural_id.isprintable() for item in plan.items)


@settings(max_examples=400, deadline=None)
@given(BUNDLES | RESOURCES | TREES, st.sampled_from(get_args(Interaction)), st.booleans())
def test_any_json_is_sent_or_refused_with_a_code(tree: Any, interaction: Interaction, if_match: bool) -> None:
    if_match = if_match and interaction == "update"
    sends = FhirDestinationSettings(url="https://x.example/fhir", interaction=interaction, if_match=if_match)
    try:
        request = outgoing(sends, json.dumps(tree).encode(), "k-1")
    except DestinationError:
        return

    assert request.url.startswith("https://x.example/fhir")
    assert isinstance(json.loads(request.body), dict)


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.text(max_size=40))
def test_any_path_is_an_interaction_or_not_served(method: str, path: str) -> None:
    try:
        what = asked(method, f"/fhir/{path}", "/fhir")
    except NotServedError:
        return

    assert what.interaction
