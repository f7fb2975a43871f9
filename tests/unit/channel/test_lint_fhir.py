"""What lint says of a FHIR channel's types and paths."""

from __future__ import annotations

import pytest

from engine.channel.lints.fhir import is_about_patients, path_problem, type_problem


def test_types_of_any_version_are_known_and_others_are_not() -> None:
    assert [type_problem(one) for one in ("SupplyRequest", "InventoryReport", "DeviceUseStatement", "Bundle")] == [
        None
    ] * 4
    problem = type_problem("SuplyRequest")
    assert problem is not None
    assert problem[0] == "C050"
    assert "SupplyRequest" in str(problem[2])
    assert type_problem("HumanName") is not None


@pytest.mark.parametrize(
    "path", ["Invoice.id", "identifier.where(system='urn:x').value", "lineItem.exists(sequence > 2)"]
)
def test_fhirpath_is_fine(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize("path", ["MSH-9.1", "id..x", "now()", "$"])
def test_what_is_none_is_told_with_its_column(path: str) -> None:
    problem = path_problem(path)
    assert problem is not None
    assert problem[0] == "C053"


def test_patients_are_kept_out_of_the_index() -> None:
    assert is_about_patients("Patient.name.family")
    assert is_about_patients("entry.resource.Patient.birthDate")
    assert not is_about_patients("SupplyRequest.identifier.value")
