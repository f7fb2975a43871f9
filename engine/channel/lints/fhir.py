"""What a channel of FHIR may say: types that some version has, and paths that are FHIRPath."""

from __future__ import annotations

import re

from engine.channel.explain import did_you_mean
from engine.core.errors import ExpressionError
from engine.protocols.fhir.fhirpath import finder

Problem = tuple[str, str, str | None]
_HL7_LIKE = re.compile(r"[A-Z][A-Z0-9]{2}(\[\d+\])?-").match
_PATIENTS = ("Patient.", "Person.", "RelatedPerson.", "subject.display", "patient.display")


def type_problem(text: str) -> Problem | None:
    """Code, words and advice of a type in `accept:`."""
    from engine.protocols.fhir.definitions import DEFINITIONS  # half a megabyte, and few sites speak FHIR

    known = {name for table in DEFINITIONS.values() for name, elements in table.items() if "implicitRules" in elements}
    if text in known:
        return None
    near = did_you_mean(text, known)
    return "C050", f"FHIR has no resource {text} in R4 or R5", near or "write a resource type, such as SupplyRequest"


def path_problem(path: str) -> Problem | None:
    if _HL7_LIKE(path):
        return "C053", "is an HL7 path, and this source brings FHIR", "write a FHIRPath: SupplyRequest.status"
    try:
        finder(path)
    except ExpressionError as error:
        place = f" ({error.where})" if error.where else ""
        return "C053", f"is not a FHIRPath for channels: {error.what}{place}", error.remedy
    return None


def is_about_patients(path: str) -> bool:
    return path.startswith(_PATIENTS) or any(f".{part}" in path for part in _PATIENTS)
