"""ADT cut down to what a cabinet needs to show its patients, and still ADT. Source: HL7 v2.5.1 chapter 3.

A nurse finds a patient by name, date of birth, record number and bed. Addresses, other identifiers, next of kin,
insurance, allergies and diagnoses stay in the EHR: what is not listed here is taken out, also what a later release of
the EHR adds.
"""

from engine.sdk import DocumentError, Hl7Message, Segment

KEPT: dict[str, frozenset[int]] = {
    "EVN": frozenset({1, 2}),
    "PID": frozenset({1, 3, 5, 7, 8, 18}),
    "PV1": frozenset({1, 2, 3, 6, 19, 44, 45}),
}
RECORD_NUMBER = "MR"  # PID-3.5, table 0203; a social security number stands in PID-3 as well


def transform(message: Hl7Message) -> Hl7Message:
    message.require("PV1-19.1")
    keep_record_number(message)
    message.set("MSH-5", "CABINETS")
    for segment in message.segments:
        if segment.name in KEPT:
            reduce(segment, KEPT[segment.name])
        elif segment.name != "MSH":
            message.delete_segment(segment)
    return message


def keep_record_number(message: Hl7Message) -> None:
    """Of all the numbers in PID-3 one stays."""
    kinds = message.repetitions("PID-3.5")
    if RECORD_NUMBER not in kinds:
        remedy = "ask the EHR's operator why the patient has none"
        raise DocumentError("no medical record number (MR)", where="PID-3.5", remedy=remedy)
    place = kinds.index(RECORD_NUMBER)
    number, authority = message.repetitions("PID-3.1")[place], message.repetitions("PID-3.4")[place]
    message.set("PID-3", number)
    message.set("PID-3.4", authority)
    message.set("PID-3.5", RECORD_NUMBER)


def reduce(segment: Segment, kept: frozenset[int]) -> None:
    for field in range(1, segment.field_count() + 1):
        if field not in kept:
            segment.set(field, None)
