"""A buyer's change of an order as the purchasing desk writes it: already canonical, checked here and sent on."""

from engine.sdk import ChangeBy, DocumentError, JsonMessage, OrderChange


def transform(message: JsonMessage) -> OrderChange:
    change = OrderChange.model_validate(message.value)
    if change.changed_by is not ChangeBy.BUYER or change.accepted is not None:
        raise DocumentError("this door takes what buyers ask of a supplier", where="changed_by")
    if not change.lines and not change.cancels:
        raise DocumentError("it changes nothing", where="lines", remedy="name the lines, or cancel the order (01)")
    return change
