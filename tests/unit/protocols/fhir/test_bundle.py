"""A bundle is split into entries as they stand in it."""

from __future__ import annotations

import json

import pytest

from engine.core.errors import SizeLimitError, StructureError
from engine.protocols.fhir.bundle import referenced, resource_of, split_bundle
from engine.protocols.fhir.resource import read_tree

BUNDLE = b"""{"resourceType": "Bundle", "id": "b-1", "type": "transaction", "entry": [
  {"fullUrl": "urn:uuid:1", "resource": {"resourceType":  "Invoice", "totalNet": {"value": 10.10}},
   "request": {"method": "POST", "url": "Invoice", "ifNoneExist": "identifier=urn:x|1"}},
  {"resource": {"resourceType": "Device", "id": "d1"},
   "request": {"method": "PUT", "url": "Device/d1", "ifMatch": "W/\\"3\\""}}]}"""


def test_entries_are_verbatim_and_in_order() -> None:
    first, second = split_bundle(BUNDLE).entries

    assert first.body == b'{"resourceType":  "Invoice", "totalNet": {"value": 10.10}}'
    assert (first.full_url, first.method, first.if_none_exist) == ("urn:uuid:1", "POST", "identifier=urn:x|1")
    assert (second.target, second.if_match, second.place) == (("Device", "d1"), 'W/"3"', "Bundle.entry[1]")
    assert [resource_of(one) for one in (first, second)] == ["Invoice", "Device"]


def test_bundle_is_called_by_its_identifier_then_its_id() -> None:
    named = {"resourceType": "Bundle", "type": "batch", "id": "b", "identifier": {"system": "urn:x", "value": "7"}}

    assert split_bundle(json.dumps(named).encode()).key == "urn:x|7"
    assert split_bundle(BUNDLE).key == "b-1"
    assert split_bundle(b'{"resourceType":"Bundle","type":"batch"}').key is None


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"resourceType":"Device","type":"x"}', "resourceType"),
        (b'{"resourceType":"Bundle"}', "type"),
        (b'{"resourceType":"Bundle","type":"batch","entry":{}}', "entry"),
        (b'{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST"}}]}', "url"),
        (b"no", None),
    ],
)
def test_what_is_no_bundle_is_refused_by_its_place(body: bytes, where: str | None) -> None:
    with pytest.raises(StructureError) as caught:
        split_bundle(body)

    assert caught.value.where == where


@pytest.mark.parametrize("url", ["", "../x", "Device?identifier=1", "Device/", "Device/a/b", "http://x/Device/1"])
def test_url_of_an_entry_is_a_type_or_type_and_id(url: str) -> None:
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "PUT", "url": url}}]}
    [entry] = split_bundle(json.dumps(bundle).encode()).entries
    with pytest.raises(StructureError) as caught:
        _ = entry.target

    assert caught.value.where == "Bundle.entry[0].request.url"


def test_too_many_entries_are_refused() -> None:
    with pytest.raises(SizeLimitError):
        split_bundle(BUNDLE, most=1)


def test_reference_is_found_by_full_url_or_type_and_id() -> None:
    tree = read_tree(BUNDLE)

    assert (referenced(tree, "urn:uuid:1") or {})["resourceType"] == "Invoice"
    assert (referenced(tree, "Device/d1") or {})["id"] == "d1"
    assert referenced(tree, "Device/d2") is None
