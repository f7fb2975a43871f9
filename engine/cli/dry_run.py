"""One body through a channel as it is on disk, with the doors shut: the code of doors and workers, nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from engine.channel.model import ChannelModel
from engine.channel.revision import program
from engine.channel.site import Site
from engine.cli.dry_doors import dry_context
from engine.connectors.catalog import CATALOG
from engine.connectors.formats import splitter
from engine.core.errors import IsthmusError
from engine.flow.door import AcceptedTypes
from engine.ports.connector import Reason, Received
from engine.ports.journal import NewDocument
from engine.ports.script import Limits, Program, Route, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script import guard
from engine.script.program import Compiled
from engine.script.runner import load_error, run_one

DRY_ID = 0
_TYPED = frozenset({"hl7v2", "x12", "fhir"})
_WORST_FIRST = (
    MessageState.HELD,
    MessageState.REFUSED,
    MessageState.QUEUED,
    MessageState.TRANSFORMED,
    MessageState.FILTERED,
)


class DryRun(msgspec.Struct, frozen=True):
    """One message. `program` None: the channel is not complete enough; `compiled` None: it never got to the worker."""

    received: Received
    result: WorkResult
    program: Program | None = None
    compiled: Compiled | None = None


@lru_cache(maxsize=1)
def _guard_once() -> None:
    guard.install()


def dry_run(site: Site, channel: ChannelModel, body: bytes) -> list[DryRun]:
    """Each message in the body. Never raises for what is in the body or the script: the results say it."""
    try:
        made = program(channel, site, 0, CATALOG)
    except IsthmusError as error:
        return [DryRun(Received(body), WorkResult(DRY_ID, MessageState.HELD, _reason(error)))]
    try:
        messages = splitter(made.format, dry_context(site, channel, made.format, channel.source.layout)).split(body, {})
    except IsthmusError as error:
        return [DryRun(Received(body), WorkResult(DRY_ID, MessageState.REFUSED, _reason(error)), made)]
    return [_one(channel, made, received) for received in messages]


def _one(channel: ChannelModel, made: Program, received: Received) -> DryRun:
    accepted = AcceptedTypes(channel.accept, made.format) if made.format in _TYPED else AcceptedTypes(())
    refusal = received.refusal or accepted.at_door(received.message_type)
    if refusal:
        return DryRun(received, WorkResult(DRY_ID, MessageState.REFUSED, refusal), made)
    _guard_once()
    item = WorkItem(DRY_ID, made.key, received.body, received.message_type, received.attributes)
    try:
        compiled = Compiled(made, Limits(channel.limits.time.total_seconds(), channel.limits.memory))
    except Exception as error:  # a script may raise anything while it loads; the worker isolates it the same way
        return DryRun(received, load_error(item, error), made)
    return DryRun(received, run_one(compiled, item), made, compiled)


def _reason(error: IsthmusError) -> Reason:
    return Reason(error.code, error.what, error.where, error.remedy)


def joined(results: Sequence[WorkResult]) -> WorkResult:
    """The results of one file as one: all documents and routes in order, the state that needs a person most."""
    if len(results) == 1:
        return results[0]
    documents: list[NewDocument] = []
    routes: list[Route] = []
    for result in results:
        base = len(documents)
        documents += [msgspec.structs.replace(d, position=base + d.position) for d in result.documents]
        routes += [msgspec.structs.replace(r, document=base + r.document) for r in result.routes]
    worst = min(results, key=lambda result: _WORST_FIRST.index(result.state))
    keys = [key for result in results for key in result.keys]
    micros = sum(result.micros for result in results)
    return WorkResult(DRY_ID, worst.state, worst.reason, documents, routes, keys, micros)


def runner_for(site: Site) -> Callable[[ChannelModel, bytes], WorkResult]:
    """For `run_cases`."""
    return lambda channel, body: joined([run.result for run in dry_run(site, channel, body)])


def read_input(path: Path) -> bytes:
    """The bytes of a sample; a single HL7 message taken out of an MLLP frame when it is in one."""
    body = path.read_bytes()
    if body.count(b"\x0b") > 1:
        return body
    return body.removeprefix(b"\x0b").removesuffix(b"\x1c\r").removesuffix(b"\x1c")
