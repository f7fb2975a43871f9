"""ADT^A01 and ADT^A03 to VisitContext: where a visit is, of which class, since when. Source: HL7 v2.5.1 chapter 3.

Only the visit number leaves: no name, no medical record number, no diagnosis.
"""

from engine.sdk import Hl7Message, VisitContext

EVENTS = {"A01": "admit", "A03": "discharge"}


def transform(message: Hl7Message) -> VisitContext:
    return VisitContext(
        visit_number=message.require("PV1-19.1"),
        event=EVENTS[message.require("MSH-9.2")],
        facility=message.get("MSH-4.1"),
        department=message.get("PV1-3.1"),
        patient_class=message.get("PV1-2"),
        admitted_at=message.moment("PV1-44", None),
        discharged_at=message.moment("PV1-45", None),
    )
