"""What a refused message calls its type is listed only when it is one."""

from __future__ import annotations

import pytest

from engine.flow.door import AcceptedTypes, _shown_type


@pytest.mark.parametrize("written", ["ADT^A01", "ADT", "OMS^O05^OMS_O05", "ZPM^ZP1", "850", "TA1"])
def test_a_type_is_listed(written: str) -> None:
    assert _shown_type(written) == written


@pytest.mark.parametrize(
    "written", ["QZSQCWWPV^XVTVRMRQB", "ADT^QZNDNCFQZ", "Anna", "7133585900", "915-55-1234", "", None]
)
def test_a_patients_name_or_number_in_its_place_is_not(written: str | None) -> None:
    assert _shown_type(written) is None


@pytest.mark.parametrize(
    ("format_name", "place"), [("hl7v2", "MSH-9"), ("x12", "ST01"), ("fhir", "resourceType"), ("json", None)]
)
def test_a_type_that_is_not_accepted_is_named_by_its_place_in_the_format(format_name: str, place: str | None) -> None:
    refusal = AcceptedTypes(["ADT^A01"], format_name).refusal("Device")

    assert refusal is not None
    assert (refusal.code, refusal.where) == ("M006", place)
    assert AcceptedTypes(["Device"], format_name).refusal("Device") is None


def test_an_interchange_of_several_kinds_is_judged_set_by_set_and_one_of_another_kind_at_the_door() -> None:
    accepted = AcceptedTypes(["810"], "x12")

    assert accepted.at_door(None) is None
    assert accepted.at_door("850") == accepted.refusal("850") is not None
    assert AcceptedTypes(["ADT^A01"], "hl7v2").at_door(None) is not None
