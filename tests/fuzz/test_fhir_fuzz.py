"""Whatever JSON stands in a FHIR body, it becomes messages or a coded refusal, in and out."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any, Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connectors.fhir.intake import Intake
from engine.connectors.fhir.jwt import ALGORITHMS, TokenError, read_keys, verified
from engine.connectors.fhir.notification import read_notification
from engine.connectors.fhir.outgoing import outgoing
from engine.connectors.fhir.query import QueryError, wanted
from engine.connectors.fhir.routing import Asked, NotServedError, asked
from engine.connectors.fhir.settings import FhirDestinationSettings, FhirSourceSettings
from engine.core.errors import ConfigurationError, DataTypeError, DestinationError, ExpressionError, MessageError
from engine.protocols.fhir.fhirpath import finder

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


@settings(max_examples=150, deadline=None)
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


@settings(max_examples=150, deadline=None)
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


PARAMETERS = st.sampled_from(["_id", "_lastUpdated", "_count", "_sort", "_before", "identifier", "status"]) | st.text(
    max_size=9
)
VALUES = st.text(max_size=30) | st.from_regex(
    r"(ge|lt|eq|ap)?[0-9]{1,4}(-[0-9]{2}){0,2}(T[0-9:.]{1,12}Z?)?", fullmatch=True
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(PARAMETERS, VALUES), max_size=4))
def test_any_search_is_understood_or_refused_without_its_values(parameters: list[tuple[str, str]]) -> None:
    try:
        sought = wanted(parameters, {"identifier": "identifier.value", "status": "status"})
    except QueryError:
        return

    assert 1 <= sought.count <= 100
    assert all(value for _, value in sought.keys)


@settings(max_examples=120, deadline=None)
@given(TREES | BUNDLES | st.builds(lambda tree: {"resourceType": "Bundle", "type": "history", "entry": tree}, TREES))
def test_any_notification_is_read_or_refused_with_a_code(tree: Any) -> None:
    try:
        told = read_notification(json.dumps(tree).encode())
    except MessageError:
        return

    assert told.kind


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abcxyzAZ09-_.=ä{", max_size=80) | st.lists(TREES, min_size=2, max_size=3))
def test_any_token_is_refused(token: Any) -> None:
    """None of them was signed."""
    if isinstance(token, list):
        parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in token]
        token = ".".join(parts)
    with pytest.raises(TokenError):
        verified(token, (), ALGORITHMS)


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_any_key_set_is_read_or_refused(tree: Any) -> None:
    with contextlib.suppress(ConfigurationError):
        read_keys(json.dumps({"keys": [tree, {"kty": "RSA", "n": tree, "e": tree}]}).encode())


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abN.()[]'\"= |+-0159$%{}", max_size=24))
def test_any_path_is_compiled_or_refused(path: str) -> None:
    with contextlib.suppress(ExpressionError, DataTypeError):
        finder(path)({"resourceType": "Invoice", "a": [{"b": 1}], "N": "x"})


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.text(max_size=40), st.booleans())
def test_any_path_is_an_interaction_or_not_served(method: str, path: str, reads: bool) -> None:
    try:
        what = asked(method, f"/fhir/{path}", "/fhir", reads=reads)
    except NotServedError:
        return

    assert what.interaction
