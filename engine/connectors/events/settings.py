"""Settings of the `events` source.

source:
  type: events
  channels: [supplier_invoice_in, purchase_order_out]
  types: [invoice.*, purchase_order.sent]
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, field_validator

from engine.canonical.events import EVENT_TYPES
from engine.channel.model import Duration, Name, Settings
from engine.channel.wildcard import wildcard_match

_SHORTEST = timedelta(milliseconds=100)


class EventsSourceSettings(Settings):
    """Which events of which channels, and what they say of where they come from."""

    channels: tuple[Name, ...] = Field(
        default=(), description="Channels whose events are told; empty: all.", examples=[["supplier_invoice_in"]]
    )
    types: tuple[str, ...] = Field(
        default=("*",), min_length=1, description="Types of events, also with *.", examples=[["invoice.*"]]
    )
    source: str = Field(
        default="/isthmus",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="`source` of every event: a URI that names this engine.",
        examples=["https://interfaces.harbor.example/main"],
    )
    schemas: str = Field(
        default="urn:isthmus:event",
        pattern=r"^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,200}$",
        description="Begin of `dataschema`; type and version follow it.",
        examples=["https://interfaces.harbor.example/schemas"],
    )
    every: Duration = Field(default=timedelta(milliseconds=500), description="Pause between two looks.")

    @field_validator("types")
    @classmethod
    def _types_are_known(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in types:
            if not any(wildcard_match(pattern, one.name) for one in EVENT_TYPES):
                known = ", ".join(one.name for one in EVENT_TYPES)
                raise ValueError(f"no event is called '{pattern}'; there are: {known}")
        return types

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, every: timedelta) -> timedelta:
        if every < _SHORTEST:
            raise ValueError("look every 100ms at most")
        return every

    def wants(self, name: str) -> bool:
        return any(wildcard_match(pattern, name) for pattern in self.types)
