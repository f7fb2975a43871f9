"""A supplier or an item as the ERP tells it: already canonical, checked here and sent on."""

from engine.sdk import Item, JsonMessage, Supplier


def transform(message: JsonMessage) -> Supplier | Item:
    kind = Item if "item_number" in message.value else Supplier
    return kind.model_validate(message.value)
