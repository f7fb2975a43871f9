"""A step of a driver's stop to one SupplyDelivery a line. Source: https://hl7.org/fhir/R4/supplydelivery.html.

R4 has one item in a SupplyDelivery, so each line is one of its own, known by STOP/LINE in a system of ours. It names
the SupplyRequest that it answers by the clinic's own number. For whom the clinic asked is not known here, and not told.
"""

from typing import Any

from engine.sdk import DataTypeError, DocumentError, FhirMessage, Filtered, JsonMessage, Lookup, datetime

DELIVERIES, OUR_ITEMS = "https://interfaces.harbor.example/deliveries", "https://interfaces.harbor.example/items"
ITEMS, DEPARTMENTS = "https://clinic.harbor.example/items", "https://clinic.harbor.example/departments"
REQUESTS, UCUM = "https://clinic.harbor.example/requests", "http://unitsofmeasure.org"
STATES = {
    "loaded": "in-progress",
    "delivered": "completed",
    "brought_back": "abandoned",
    "withdrawn": "entered-in-error",
}


def transform(message: JsonMessage, items: Lookup, departments: Lookup) -> tuple[FhirMessage, ...] | Filtered:
    state = message.require("state")
    if state == "planned":
        return Filtered("nothing is on its way yet")
    if state not in STATES:
        remedy = "add what it means to STATES of the transform"
        raise DocumentError("a state that the handhelds did not have", where="state", remedy=remedy)
    lines = message.all("lines")
    if not lines:
        raise DocumentError("a stop without lines delivers nothing", where="lines", remedy="ask the warehouse")
    refuse_twice(lines)
    shared = of_stop(message, departments)
    return tuple(delivery(message.require("stop"), shared, one, items) for one in lines)


def refuse_twice(lines: tuple[JsonMessage, ...]) -> None:
    """The second line of one number would take the place of the first."""
    numbers = [line.require("line") for line in lines]
    if len(set(numbers)) != len(numbers):
        raise DocumentError("two lines have one number", where="lines.line", remedy="ask the warehouse")


def of_stop(message: JsonMessage, departments: Lookup) -> dict[str, Any]:
    department = message.require("department")
    departments[department]  # a place that nobody knows is HELD
    return {
        "resourceType": "SupplyDelivery",
        "status": STATES[message.require("state")],
        "occurrenceDateTime": moment(message),
        "destination": {"type": "Location", "identifier": {"system": DEPARTMENTS, "value": department}},
    }


def moment(message: JsonMessage) -> str:
    text = message.require("at")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise DataTypeError("not a time with its offset (YYYY-MM-DDThh:mm:ss-05:00)", where="at")
    return found.isoformat()


def delivery(stop: str, shared: dict[str, Any], line: JsonMessage, items: Lookup) -> FhirMessage:
    code = line.require("item")
    return FhirMessage(
        shared
        | {
            "identifier": [{"system": DELIVERIES, "value": f"{stop}/{line.require('line')}"}],
            "basedOn": [
                {"type": "SupplyRequest", "identifier": {"system": REQUESTS, "value": line.require("request")}}
            ],
            "suppliedItem": {
                "quantity": quantity(line),
                "itemCodeableConcept": {
                    "coding": [{"system": ITEMS, "code": code}, {"system": OUR_ITEMS, "code": items[code]}]
                },
            },
        }
    )


def quantity(line: JsonMessage) -> dict[str, Any]:
    amount, unit = line.number("quantity"), line.get("unit") or "EA"
    if amount <= 0:
        raise DocumentError("a quantity must be above zero", where="lines.quantity", remedy="ask the warehouse")
    coded = {"system": UCUM, "code": "{each}"} if unit == "EA" else {}
    return {"value": amount, "unit": unit} | coded
