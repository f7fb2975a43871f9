"""What an analyst writes in `channels/**/*.yaml`, as frozen models: unknown keys refused, every field explained.

The connector's own settings stand beside the keys below in `source:` and in each destination; they are kept
in `settings` and checked against the connector's model (`engine/ports/catalog.py`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from engine.core.durations import format_duration, parse_duration, parse_size

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


def _duration(value: object) -> object:
    """A bare number could be seconds or minutes: refused."""
    if isinstance(value, int | float):
        raise ValueError("write a duration as a number and a unit: 500ms, 30s, 15m, 24h or 7d")
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)$", "examples": ["500ms", "30s", "15m"]}),
]
Size = Annotated[
    int,
    BeforeValidator(lambda v: parse_size(v) if isinstance(v, str) else v),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)$", "examples": ["16MB"]}),
]


class Settings(BaseModel):
    """Base of everything read from YAML. Connectors derive theirs from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Retry(Settings):
    """How a delivery that did not arrive is tried again."""

    first: Duration = Field(default=timedelta(seconds=1), description="Wait after the first failure.")
    factor: float = Field(default=2.0, ge=1, le=10, description="Each wait is this many times the one before.")
    longest: Duration = Field(default=timedelta(minutes=5), description="No wait is longer.")
    jitter: float = Field(default=0.2, ge=0, le=1, description="Share of the wait that is left to chance.")
    give_up_after: Duration = Field(default=timedelta(hours=24), description="Then the delivery is HELD.")


class Circuit(Settings):
    """After this many failures in a row nothing is sent for a while, then one delivery tries."""

    failures: int = Field(default=5, ge=1, description="Failures in a row that open the circuit.")
    pause: Duration = Field(default=timedelta(seconds=10), description="How long it stays open.")


class Rate(Settings):
    """A quota of the far side: never more than `count` sends in `per`."""

    count: int = Field(ge=1, description="How many sends.", examples=[100])
    per: Duration = Field(default=timedelta(seconds=1), description="In which time.")


class Window(Settings):
    """A maintenance window of the far side: nothing is sent inside it, the queue is shown as planned."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=(), description="Days on which the window begins; empty: every day."
    )
    start: str = Field(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Time of day from which nothing is sent.", examples=["22:00"]
    )
    end: str = Field(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Time of day at which sending goes on; before start: on the next day.",
        examples=["02:30"],
    )
    zone: str = Field(default="UTC", description="IANA name, for example America/Chicago.")


class Limits(Settings):
    """What one message may cost in its transform; over it, that message is HELD."""

    time: Duration = Field(default=timedelta(seconds=5), description="Longest run of the transform for one message.")
    memory: Size = Field(default=256 * 1024**2, description="Most memory its worker may take.")


class SourceModel(Settings):
    """`type` names the connector; the keys beside it are the connector's."""

    type: Name = Field(description="Which connector receives.", examples=["hl7v2_mllp"])
    format: Literal["hl7v2", "x12", "fhir", "json", "xml", "delimited", "fixed_width", "excel", "bytes"] | None = Field(
        default=None, description="How bodies are parsed; None: the connector's usual format."
    )
    layout: Name | None = Field(
        default=None, description="Layout in config/layouts, of delimited, fixed_width and excel.", examples=["prices"]
    )
    transport: Name | tuple[Name, ...] | None = Field(
        default=None,
        description="Partners in config/partners who are reached here: what their transport says is taken from there. "
        "One, or several at a door for AS2.",
        examples=["alderbrook"],
    )
    namespaces: dict[str, str] = Field(
        default_factory=dict,
        description="Prefix in paths to XML namespace; a path without prefix means any namespace.",
        examples=[{"po": "urn:oasis:names:specification:ubl:schema:xsd:Order-2"}],
    )
    doctype: Literal["refuse", "ignore"] = Field(
        default="refuse",
        description="Of xml: a DOCTYPE is refused, or, as every cXML document has one, passed over when it only names "
        "a DTD. What it names is never fetched; a DOCTYPE with declarations inside is refused in any case.",
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="The connector's own settings.")


class DestinationModel(Settings):
    """One delivery target. Keys that are not listed here are the connector's own and land in `settings`."""

    name: Name = Field(description="Its name in queues, logs and the console.", examples=["erp"])
    type: Name = Field(description="Which connector sends.", examples=["erp"])
    send: str | None = Field(
        default=None, description="Canonical kind that goes here (`Invoice`), or `message` for edited or raw bytes."
    )
    when: str | None = Field(default=None, description="Safe expression; the document goes here only when true.")
    order_by: str | None = Field(
        default=None, description="Document field or message path; equal values keep their order."
    )
    on_hold: Literal["block", "continue"] = Field(
        default="block", description="May later deliveries of the same `order_by` value pass a HELD one?"
    )
    retry: Retry = Field(default=Retry(), description="How a delivery that did not arrive is tried again.")
    circuit: Circuit = Field(default=Circuit(), description="When sending pauses because the far side is down.")
    rate: Rate | None = Field(default=None, description="Quota of the far side.")
    windows: tuple[Window, ...] = Field(default=(), description="Maintenance windows of the far side.")
    fallback: Name | None = Field(
        default=None, description="Destination that takes over while this one's circuit is open."
    )
    standby: bool = Field(default=False, description="Only used as another destination's fallback.")
    layout: Name | None = Field(
        default=None, description="Layout in config/layouts, for format: delimited, fixed_width or excel."
    )
    transport: Name | None = Field(
        default=None,
        description="Partner in config/partners who is reached here: address, keys and folder are taken from there.",
        examples=["lakemont"],
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="The connector's own settings.")


class MapModel(Settings):
    """A flat mapping for channels without a script: target field to source path."""

    kind: str = Field(description="Canonical kind that is made.", examples=["Supplier"])
    fields: dict[str, str] = Field(
        description="Field of the document to path in the message.", examples=[{"supplier_number": "supplier.number"}]
    )


class ChannelModel(Settings):
    """One channel: a source, a transform, destinations."""

    channel: Name = Field(description="Its name everywhere; the file has the same.", examples=["stock_requisition"])
    version: int = Field(ge=1, description="Raised by the analyst when the meaning changes.", examples=[1])
    title: str = Field(min_length=1, max_length=200, description="What it does, in one line for people.")
    owner: str = Field(default="", description="Team or address that answers for it.")
    facility: str | None = Field(default=None, description="Scope for roles, dashboards and limits.")
    enabled: bool = Field(default=True, description="false: it is loaded and checked, but does not run.")
    source: SourceModel = Field(description="Where messages come from.")
    accept: tuple[str, ...] = Field(default=(), description="Message types; others are refused. Empty: all.")
    filter: str | None = Field(default=None, description="Safe expression; false: FILTERED.")
    index: dict[Name, str] = Field(default_factory=dict, description="Business key to path, searchable at once.")
    transform: Name | None = Field(default=None, description="Script in transforms/, without `.py`.")
    map: MapModel | None = Field(default=None, description="A flat mapping, instead of a transform.")
    lookups: dict[Name, Name] = Field(default_factory=dict, description="Parameter to crosswalk in config/crosswalks.")
    limits: Limits = Field(default=Limits(), description="What one message may cost in its transform.")
    charset: str | None = Field(
        default=None,
        description="Character set of messages that do not say theirs; overrides MSH-18.",
        examples=["utf-8"],
    )
    zone: str = Field(default="UTC", description="Zone of times that come without one.", examples=["America/Chicago"])
    destinations: tuple[DestinationModel, ...] = Field(default=(), description="Where documents or messages go.")

    @model_validator(mode="after")
    def _one_transform(self) -> ChannelModel:
        if self.transform and self.map:
            raise ValueError("a channel has a transform or a map, not both")
        return self


DESTINATION_KEYS = frozenset(DestinationModel.model_fields) - {"settings"}
SOURCE_KEYS = frozenset(SourceModel.model_fields) - {"settings"}


def split_settings(raw: dict[str, Any]) -> dict[str, Any]:
    """The YAML mapping of a channel with the connectors' own keys moved into `settings`."""
    channel = dict(raw)
    if isinstance(raw.get("source"), dict):
        channel["source"] = _split(raw["source"], SOURCE_KEYS)
    if isinstance(raw.get("destinations"), list):
        channel["destinations"] = [
            _split(item, DESTINATION_KEYS) if isinstance(item, dict) else item for item in raw["destinations"]
        ]
    return channel


def _split(item: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    own = {key: value for key, value in item.items() if key in known}
    return own | {"settings": {key: value for key, value in item.items() if key not in known}}
