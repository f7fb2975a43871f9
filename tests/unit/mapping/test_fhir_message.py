"""What a script reads of a FHIR resource."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.core.errors import DataTypeError, ExpressionError, RequiredFieldError, StructureError
from engine.protocols.fhir.fhirpath import finder
from engine.sdk import FhirMessage, Money, Quantity

INVOICE = b"""{"resourceType":"Invoice","id":"i1","status":"issued","date":"2026-03-04T10:00:00",
 "identifier":[{"system":"urn:a","value":"A-1"},{"system":"urn:b","value":"B-1"}],
 "issuer":{"reference":"https://ehr.example/fhir/Organization/S1001/_history/2"},
 "recipient":{"type":"Organization","identifier":{"system":"urn:x","value":"HM"}},
 "totalNet":{"value":10.10,"currency":"USD"},"totalGross":{"value":11},
 "lineItem":[{"sequence":1,"chargeItemCodeableConcept":{"coding":[{"system":"urn:other","code":"9"},
   {"system":"urn:items","code":"M10001"}],"text":"Trocar"},"priceComponent":[{"type":"base","amount":{"value":0.10,
   "currency":"USD"}},{"type":"tax","amount":{"value":true,"currency":"USD"}}]},
  {"sequence":2,"priceComponent":[{"type":"base","amount":{"value":1.2300,"currency":"USD"}}]}]}"""
REQUEST = b"""{"resourceType":"SupplyRequest","quantity":{"value":2.50,"system":"http://unitsofmeasure.org","code":"{each}"},
 "item":{"concept":{"coding":[{"system":"urn:items","code":"4711"}]}},"requester":{"reference":"#p"},
 "contained":[{"resourceType":"Practitioner","id":"p","name":[{"family":"Invented"}]}],
 "parameter":[{"valueQuantity":{"value":3,"comparator":"<"}},{"valueQuantity":{"unit":"BX"}}]}"""


@pytest.fixture
def invoice() -> FhirMessage:
    return FhirMessage.parse(INVOICE, ZoneInfo("America/New_York"))


def test_short_and_long_paths_keep_every_digit(invoice: FhirMessage) -> None:
    assert invoice.get("Invoice.totalNet.value") == "10.10"
    assert invoice.get("lineItem.where(sequence > 1).priceComponent.amount.value") == "1.2300"
    assert invoice.get("lineItem.priceComponent.where(type = 'base').amount.value.sum()") == "1.3300"
    assert invoice.values("lineItem.priceComponent.where(type='base').amount.value.max()") == (Decimal("1.23"),)


def test_what_is_absent_is_none_and_of_another_type_too(invoice: FhirMessage) -> None:
    assert invoice.get("Invoice.paymentTerms") is None
    assert invoice.get("Patient.id") is None
    assert invoice.get("totalNet") is None


def test_money_and_quantities_are_exact(invoice: FhirMessage) -> None:
    assert invoice.money("totalNet") == Money(amount=Decimal("10.10"), currency="USD")
    assert invoice.money("totalGross", "EUR") == Money(amount=Decimal(11), currency="EUR")
    assert FhirMessage.parse(REQUEST).quantity("quantity") == Quantity(amount=Decimal("2.50"), unit="EA")


def test_what_is_no_exact_amount_is_refused_by_its_place(invoice: FhirMessage) -> None:
    request = FhirMessage.parse(REQUEST)
    for read, place in (
        (lambda: invoice.money("totalGross"), "Invoice.totalGross.currency"),
        (lambda: invoice.each("lineItem")[0].money("priceComponent.where(type='tax').amount"), "amount.value"),
        (lambda: request.each("parameter")[0].quantity("value"), "SupplyRequest.parameter[0].value.comparator"),
        (lambda: request.each("parameter")[1].quantity("value"), "SupplyRequest.parameter[1].value.value"),
        (lambda: request.quantity("SupplyRequest.quantityOrdered"), "SupplyRequest.quantityOrdered"),
    ):
        with pytest.raises((RequiredFieldError, DataTypeError)) as caught:
            read()
        assert (caught.value.where or "").endswith(place)


def test_codes_identifiers_and_references_are_found_by_their_system_and_type(invoice: FhirMessage) -> None:
    line, request = invoice.each("lineItem")[0], FhirMessage.parse(REQUEST)

    assert line.code("chargeItem", "urn:items") == "M10001"
    assert (line.code("chargeItem"), line.code("chargeItem", "urn:none")) == ("9", None)
    assert (line.text("chargeItem"), request.code("item", "urn:items")) == ("Trocar", "4711")
    assert (invoice.identifier("urn:b", "urn:c"), invoice.identifier(), invoice.identifier("urn:c")) == (
        "B-1", "A-1", None,
    )  # fmt: skip
    assert (invoice.reference_id("issuer"), invoice.reference_id("issuer", "Practitioner")) == ("S1001", None)
    assert invoice.reference_id("recipient", "Organization") == "HM"


def test_references_lead_to_contained_resources_and_entries() -> None:
    request = FhirMessage.parse(REQUEST)
    bundle = FhirMessage.parse(
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":'
        b'"Device","lotNumber":"L1"}},{"resource":{"resourceType":"DeviceUsage","device":{"reference":{"reference":'
        b'"urn:uuid:1"}}}},{}]}'
    )
    [usage] = bundle.entries("DeviceUsage")

    practitioner, device = request.resolve("requester"), usage.resolve("device")
    assert practitioner is not None
    assert practitioner.get("name.family") == "Invented"
    assert device is not None
    assert device.get("lotNumber") == "L1"
    assert usage.where("status") == "Bundle.entry[1].resource.status"
    assert len(bundle.entries()) == 2
    assert [one.place for one in request.entries()] == ["SupplyRequest"]


def test_days_and_times_say_what_they_are(invoice: FhirMessage) -> None:
    assert invoice.date("date") == date(2026, 3, 4)
    assert invoice.moment("date") == datetime(2026, 3, 4, 10, tzinfo=ZoneInfo("America/New_York"))
    month = FhirMessage.parse(b'{"resourceType":"Invoice","date":"2026-03"}')
    for read in (month.date, month.moment):
        with pytest.raises(DataTypeError):
            read("date")


def test_xml_reads_like_json_and_keeps_its_bytes() -> None:
    body = b'<Invoice xmlns="http://hl7.org/fhir">'
    body += b'<totalNet><value value="10.10"/><currency value="USD"/></totalNet></Invoice>'
    message = FhirMessage.parse(body)
    report = FhirMessage.parse(
        b'<InventoryReport xmlns="http://hl7.org/fhir"><status value="active"/></InventoryReport>'
    )

    assert message.money("totalNet") == Money(amount=Decimal("10.10"))
    assert message.encode() == body
    assert report.get("status") == "active"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<x/>", b'{"resourceType":"lower"}', b'{"resourceType":1}'])
def test_what_is_no_resource_is_refused(body: bytes) -> None:
    with pytest.raises(StructureError):
        FhirMessage.parse(body)


@pytest.mark.parametrize(
    ("path", "column"),
    [("a b", "column 3"), ("a.now()", "column 3"), ("today() = date", "column 1"), ("x.unknown()", "column 3"),
     ("(", "column 2"), ("", "column 1"), ("a.trace('x')", "column 3")],
)  # fmt: skip
def test_paths_that_are_none_or_ask_the_world_are_refused(path: str, column: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        finder(path)

    assert caught.value.where == column


def test_a_path_that_does_not_fit_the_values_quotes_none() -> None:
    message = FhirMessage.parse(b'{"resourceType":"Invoice","status":"SECRET-VALUE"}')

    with pytest.raises(DataTypeError) as caught:
        message.get("Invoice.status + 1")

    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_brackets_have_a_bound() -> None:
    with pytest.raises(ExpressionError):
        finder("(" * 60 + "a" + ")" * 60)


def test_what_is_changed_or_made_in_a_script_is_written_with_its_digits(invoice: FhirMessage) -> None:
    assert invoice.encode() == INVOICE
    invoice.tree["totalNet"]["value"] = Decimal("10.100")
    made = FhirMessage({"resourceType": "Device", "lotNumber": "L1"})

    assert b'"totalNet":{"value":10.100,' in invoice.encode()
    assert made.encode() == b'{"resourceType":"Device","lotNumber":"L1"}'
    assert (made.type, made.get("Device.lotNumber")) == ("Device", "L1")
