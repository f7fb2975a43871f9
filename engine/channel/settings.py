"""`config/engine.yaml`: how one engine runs. Every key has a default: an empty site starts."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from engine.channel.model import Duration, Name, Settings

Listen = Annotated[
    str,
    Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$", examples=["127.0.0.1:8080"]),
]


class TlsFiles(Settings):
    """Certificate and key of a listener, PEM files below the site or absolute."""

    certificate: str = Field(description="PEM file with the certificate and its chain.", examples=["tls/engine.pem"])
    key: str = Field(
        description="PEM file with the private key, readable by the engine only.", examples=["tls/engine.key"]
    )
    client_ca: str | None = Field(default=None, description="PEM file; clients must show a certificate signed by it.")


def _store_address(url: str) -> str:
    """The value is not repeated: it may hold a password."""
    if not url.startswith(_STORES):
        raise ValueError("write an address: sqlite:PATH, or env:NAME for that of a PostgreSQL database")
    return url


_STORES = ("sqlite:", "postgresql://", "postgresql+psycopg://", "postgres://", "env:", "file:", "store:")


class StoreSettings(Settings):
    """Where the journal lives."""

    url: Annotated[str, AfterValidator(_store_address)] = Field(
        default="sqlite:var/isthmus.db",
        description="`sqlite:PATH` (below the site, or absolute), or a reference to a PostgreSQL address: `env:NAME`.",
        examples=["sqlite:var/isthmus.db", "env:ISTHMUS_DATABASE"],
    )
    lease: Duration = Field(
        default=timedelta(seconds=15),
        ge=timedelta(seconds=2),
        description="On PostgreSQL: after this long without a word from the engine another one takes over.",
    )


class ConsoleSettings(Settings):
    """The pages for people and the JSON API beside them."""

    enabled: bool = Field(default=True, description="false: no console, the command line only.")
    listen: Listen = Field(default="127.0.0.1:8080", description="Address; loopback unless told otherwise.")
    tls: TlsFiles | None = Field(default=None, description="Needed as soon as the address is not loopback.")


class WorkerSettings(Settings):
    """Processes that parse and run transforms."""

    count: int = Field(default=0, ge=0, le=64, description="How many; 0: one for each processor but one, at least two.")


class IntakeSettings(Settings):
    """When sources slow down instead of letting queues grow without end."""

    pending: int = Field(
        default=100_000,
        ge=10,
        description="Messages of one channel that wait for their transform before its sources slow down.",
    )


class RetentionSettings(Settings):
    """How long what is done stays. HELD and queued messages always stay."""

    messages: Duration = Field(default=timedelta(days=90), description="Messages in a final state.")
    at: str = Field(default="03:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Time of day of the clean-up.")


class LogSettings(Settings):
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least important line shown."
    )
    format: Literal["auto", "text", "json"] = Field(default="auto", description="auto: text in a terminal, else JSON.")


class EngineSettings(Settings):
    """All of `config/engine.yaml`."""

    node: int = Field(default=0, ge=0, le=63, description="Number of this node, different on each node of a cluster.")
    site: str = Field(default="", description="The site's name, shown in the console.", examples=["Harbor Health"])
    zone: str = Field(default="UTC", description="IANA zone of schedules and pages.", examples=["America/Chicago"])
    store: StoreSettings = Field(default=StoreSettings(), description="Where the journal lives.")
    console: ConsoleSettings = Field(default=ConsoleSettings(), description="Pages and JSON API.")
    control: str = Field(default="var/control.sock", description="Socket for the command line, below the site.")
    workers: WorkerSettings = Field(default=WorkerSettings(), description="Processes that run transforms.")
    intake: IntakeSettings = Field(default=IntakeSettings(), description="Back-pressure.")
    retention: RetentionSettings = Field(default=RetentionSettings(), description="How long what is done stays.")
    drain: Duration = Field(default=timedelta(seconds=20), description="How long a stop waits for work under way.")
    log: LogSettings = Field(default=LogSettings(), description="What is logged, and how.")
    secrets: dict[Name, str] = Field(
        default_factory=dict, description="Names for `store:NAME` references, each `env:` or `file:`."
    )
