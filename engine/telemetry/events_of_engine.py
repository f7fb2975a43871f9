"""Events of the engine, its channels, store, workers, and of people and libraries.

Ids are integers and are shown as people see them. `code`, `where`, `text` and `remedy` come from `IsthmusError`
or `Reason`, which hold no values.
"""

from __future__ import annotations

from typing import ClassVar

from engine.telemetry.event import COUNTS, Event, Level, Metric, counter, gauge, histogram


# ------------------------------------------------------------------ engine and channels
class EngineStarted(Event, frozen=True):
    words: ClassVar[str] = "Isthmus {version} runs {channels} channels of {site} on {store}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        gauge("isthmus_channels", "Channels of the site.", value="channels"),
        histogram("isthmus_start_seconds", "From process start to open doors.", value="seconds"),
    )
    version: str
    node: str
    site: str
    store: str
    channels: int
    seconds: float


class EngineStopped(Event, frozen=True):
    words: ClassVar[str] = "stopped after draining for {seconds:.1f} s, {under_way} deliveries under way"
    seconds: float
    under_way: int


class ChannelStateChanged(Event, frozen=True):
    words: ClassVar[str] = "{channel}: {before} → {after}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_channel_changes_total", "Changes of a channel's state.", "channel", "after"),
    )
    channel: str
    before: str
    after: str
    by: str | None = None


class ChannelDeployed(Event, frozen=True):
    words: ClassVar[str] = "{channel}: revision {revision} deployed"
    metrics: ClassVar[tuple[Metric, ...]] = (
        gauge("isthmus_channel_revision", "Active revision.", "channel", value="revision"),
    )
    channel: str
    revision: int
    by: str | None = None


class SourceOpened(Event, frozen=True):
    words: ClassVar[str] = "{channel}: open at {address}"
    channel: str
    address: str


class SourceFailed(Event, frozen=True):
    level: ClassVar[Level] = Level.ERROR
    words: ClassVar[str] = "{channel}: the source failed and is started again: {code} {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_source_failures_total", "Failures of a source.", "channel", "code"),
    )
    channel: str
    code: str
    text: str
    where: str | None = None
    remedy: str | None = None


class SourceRecovered(Event, frozen=True):
    words: ClassVar[str] = "{channel}: the source works again after {failures} failed tries"
    channel: str
    failures: int


class PeerDropped(Event, frozen=True):
    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{channel}: connection closed: {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_peers_dropped_total", "Connections closed because of the peer.", "channel", "code"),
    )
    channel: str
    code: str
    text: str
    peer: str | None = None


class BackPressureChanged(Event, frozen=True):
    words: ClassVar[str] = "{channel}: reading from peers is {state}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_back_pressure_changes_total", "Times reading was slowed or resumed.", "channel", "state"),
    )
    channel: str
    state: str


class CertificateRefused(Event, frozen=True):
    level: ClassVar[Level] = Level.ERROR
    words: ClassVar[str] = "{channel}: new TLS files were not taken, the old ones stay in use: {text}"
    channel: str
    text: str


class CertificateExpiring(Event, frozen=True):
    """`days` are whole ones, negative once it has expired; `when` says it in words."""

    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{channel}: the certificate {file} {when}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        gauge("isthmus_certificate_days", "Days until a certificate expires.", "channel", "file", value="days"),
    )
    channel: str
    file: str
    days: int
    when: str


class FeedLookedAt(Event, frozen=True):
    """A feed of the process: so long ago was the moment up to which it has told everything."""

    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}.{destination}: {sources} are told up to {seconds} s ago"
    metrics: ClassVar[tuple[Metric, ...]] = (
        gauge(
            "isthmus_feed_behind_seconds",
            "How long ago the moment was up to which a feed has told the process everything.",
            *("channel", "destination", "sources"),
            value="seconds",
        ),
    )
    channel: str
    destination: str
    sources: str
    seconds: int


class MeasuresDiffered(Event, frozen=True):
    """`rows` are the kinds of rows that differ; what they hold is not told."""

    level: ClassVar[Level] = Level.ERROR
    words: ClassVar[str] = "{count} rows of the figures are not what the documents say: {rows}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_measures_differed_total", "Rows of figures that differed from the documents.", value="count"),
    )
    count: int
    rows: str


# ------------------------------------------------------------------ store and workers
class JournalFlushed(Event, frozen=True):
    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{rows} rows flushed in {seconds:.4f} s"
    metrics: ClassVar[tuple[Metric, ...]] = (
        histogram("isthmus_journal_flush_seconds", "One commit with its flush.", value="seconds"),
        histogram("isthmus_journal_flush_rows", "Rows in one commit.", value="rows", buckets=COUNTS),
    )
    rows: int
    seconds: float


class StoreFailed(Event, frozen=True):
    level: ClassVar[Level] = Level.ERROR
    words: ClassVar[str] = "the store failed, nothing is acknowledged meanwhile: {code} {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (counter("isthmus_store_failures_total", "Failures of the store.", "code"),)
    code: str
    text: str
    remedy: str | None = None


class StoreRecovered(Event, frozen=True):
    words: ClassVar[str] = "the store works again after {seconds:.0f} s"
    seconds: float


class MessagesPruned(Event, frozen=True):
    words: ClassVar[str] = "{messages} old messages dropped in {seconds:.1f} s"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_messages_pruned_total", "Messages dropped by retention.", value="messages"),
    )
    messages: int
    seconds: float


class WorkerReplaced(Event, frozen=True):
    """`code`: why the old one ended (S002 time, S003 memory, S004 exit)."""

    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "worker {worker} was replaced: {code} {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_workers_replaced_total", "Worker processes replaced.", "code"),
    )
    worker: int
    code: str
    text: str


# ------------------------------------------------------------------ people and libraries
class SignInRefused(Event, frozen=True):
    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "sign-in refused: {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (counter("isthmus_sign_ins_refused_total", "Sign-ins refused.", "text"),)
    text: str


class LibraryWarned(Event, frozen=True):
    """A warning of somebody else's code: what it was about to say may hold values, so only its place is shown."""

    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{library} warns at {where}: {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_library_warnings_total", "Warnings of libraries.", "library"),
    )
    library: str
    where: str
    text: str


class EngineSaid(Event, frozen=True):
    """A remark of the engine's own code that is no event by itself."""

    words: ClassVar[str] = "{text}"
    part: str
    text: str


class EngineWarned(Event, frozen=True):
    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_engine_warnings_total", "Warnings of the engine's own code.", "part"),
    )
    part: str
    text: str
    where: str | None = None


class OtherHappened(Event, frozen=True):
    """Told by a name that has no class of its own yet; its facts are not shown."""

    words: ClassVar[str] = "{channel}: {name}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_other_events_total", "Events without a declaration.", "name"),
    )
    name: str
    channel: str
