"""A requisition that the process raised: checked here, and brought in like one that a person wrote.

A department's storeroom is named by it (`M-ICU-STOCK`): the department's cost center pays for what fills it up.
"""

from engine.sdk import JsonMessage, Lookup, Requisition


def transform(message: JsonMessage, departments: Lookup) -> Requisition:
    wish = Requisition.model_validate(message.value)
    department = (wish.deliver_to or "").removesuffix("-STOCK")
    if wish.cost_center is not None or department not in departments:
        return wish
    return wish.model_copy(update={"cost_center": departments[department]})
