"""What the list service found to SanctionsScreening. Source: docs/site.md, "Screening".

The service says which names it looked up: an answer about names that the supplier has no longer counts for nothing.
"""

from datetime import datetime

from engine.sdk import DocumentError, JsonMessage, SanctionsScreening, digest_of_names


def transform(message: JsonMessage) -> SanctionsScreening:
    names = message.read("names")
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        raise DocumentError("an answer says which names were looked up", where="names", remedy="ask the list service")
    entries = tuple(one.require("entry") for one in message.all("hits"))
    return SanctionsScreening(
        supplier_number=message.require("supplier"),
        names=digest_of_names(names),
        list_name=message.require("list"),
        is_clear=not entries,
        screened_at=datetime.fromisoformat(message.require("at")),
        entries=entries,
    )
