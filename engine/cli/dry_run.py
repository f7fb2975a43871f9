"""One body through a channel as it is on disk, with the doors shut: the code of the workers, nothing stored or sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec

from engine.channel.model import ChannelModel
from engine.channel.revision import program
from engine.channel.site import Site
from engine.connectors.catalog import CATALOG
from engine.core.errors import IsthmusError, MessageError
from engine.flow.door import AcceptedTypes
from engine.ports.connector import Reason
from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script import guard
from engine.script.program import Compiled
from engine.script.runner import load_error, run_one

DRY_ID = 0


class Opened(msgspec.Struct, frozen=True):
    """What the door sees of a body: its message types, or why it is no message."""

    types: tuple[str | None, ...] = ()
    refusal: Reason | None = None


@lru_cache(maxsize=1)
def _guard_once() -> None:
    guard.install()


def open_body(format_name: str, body: bytes) -> Opened:
    """As the sources do it: HL7 by MSH-9, X12 by the sets in it; other formats have no types."""
    opener = _OPENERS.get(format_name)
    if opener is None:
        return Opened((None,))
    try:
        return Opened(opener(body))
    except MessageError as error:
        return Opened((), Reason(error.code, error.what, error.where, error.remedy))


def _hl7_types(body: bytes) -> tuple[str | None, ...]:
    from engine.protocols.hl7v2 import Hl7Message

    return (Hl7Message.parse(body).message_type or None,)


def _x12_types(body: bytes) -> tuple[str | None, ...]:
    from engine.protocols.x12 import read_file

    sets = [one for i in read_file(body).interchanges for g in i.groups for one in g.sets]
    return tuple(one.code for one in sets) or ("TA1",)


_OPENERS: dict[str, Callable[[bytes], tuple[str | None, ...]]] = {"hl7v2": _hl7_types, "x12": _x12_types}


class DryRun(msgspec.Struct, frozen=True):
    """`program` None: the channel is not complete enough to make one."""

    program: Program | None
    opened: Opened
    result: WorkResult
    compiled: Compiled | None = None


def dry_run(site: Site, channel: ChannelModel, body: bytes) -> DryRun:
    """Never raises for what is in the body or the script: the result says it."""
    try:
        made = program(channel, site, 0, CATALOG)
    except IsthmusError as error:
        reason = Reason(error.code, error.what, error.where, error.remedy)
        return DryRun(None, Opened(), WorkResult(DRY_ID, MessageState.HELD, reason))
    opened = open_body(made.format, body)
    refusal = opened.refusal or _refused(channel, made.format, opened)
    if refusal:
        return DryRun(made, opened, WorkResult(DRY_ID, MessageState.REFUSED, refusal))
    _guard_once()
    item = WorkItem(DRY_ID, made.key, body, opened.types[0], {})
    try:
        compiled = Compiled(made, Limits(channel.limits.time.total_seconds(), channel.limits.memory))
    except Exception as error:  # a script may raise anything while it loads; the worker isolates it the same way
        return DryRun(made, opened, load_error(item, error))
    return DryRun(made, opened, run_one(compiled, item), compiled)


def _refused(channel: ChannelModel, format_name: str, opened: Opened) -> Reason | None:
    if format_name not in _OPENERS:
        return None
    accepted = AcceptedTypes(channel.accept)
    refusals = [accepted.refusal(one) for one in opened.types]
    return refusals[0] if refusals and all(refusals) else None


def runner_for(site: Site) -> Callable[[ChannelModel, bytes], WorkResult]:
    """For `run_cases`."""
    return lambda channel, body: dry_run(site, channel, body).result


def read_input(path: Path) -> bytes:
    """The bytes of a sample; a single HL7 message taken out of an MLLP frame when it is in one."""
    body = path.read_bytes()
    return body.removeprefix(b"\x0b").removesuffix(b"\x1c\r").removesuffix(b"\x1c")


__all__ = ["DryRun", "Opened", "dry_run", "open_body", "read_input", "runner_for"]
