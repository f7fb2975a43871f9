"""Messages become rows; a natural id seen before is a duplicate or a conflict. Runs inside the writer's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from engine.core.ids import id_text
from engine.core.texts import storable
from engine.ports.connector import Reason, Verdict
from engine.ports.journal import Appended, NewMessage
from engine.ports.states import MessageState
from engine.store.attachments import write_attachments
from engine.store.checksum import indexable
from engine.store.schema import inbox, messages, reasons
from engine.store.session import Insert
from engine.store.transaction import Transaction, pack, unpack_reason

_INBOX = Insert(
    "inbox",
    ("scope", "natural_id", "digest", "message_id", "received", "reason"),
    ("int", "text", "bytea", "bigint", "bigint", "text"),
    "ON CONFLICT DO NOTHING",
)
_MESSAGES = Insert(
    "messages",
    (
        *("id", "channel", "revision", "run", "state", "received", "changed", "size"),
        *("message_type", "natural_id", "correlation", "parent"),
    ),
    ("bigint", "int", "int", "smallint", "smallint", "bigint", "bigint", "int", "text", "text", "text", "bigint"),
)
_BODIES = Insert("bodies", ("message_id", "digest", "attributes", "body"), ("bigint", "bytea", "text", "bytea"))
_CONFLICT = Reason(
    "M007",
    "the same id was received before with another body",
    remedy="ask the sender: it must give a changed message a new id",
)
NATURAL_ID = "natural id"  # the key under which a conflicting message is found by its natural id
_KEY = Insert("keys", ("name", "value", "message_id"), ("int", "text", "bigint"), "ON CONFLICT DO NOTHING")


class First(msgspec.Struct, frozen=True):
    """Who came first with a natural id."""

    message_id: int
    digest: bytes
    received: int
    reason: Reason | None


def write_messages(transaction: Transaction, new: Sequence[NewMessage]) -> list[Appended | None]:
    """Store what is new. One verdict a message, in order; None: it is on disk as it was handed in."""
    numbers = _Numbers(transaction)
    keys = [
        None if one.natural_id is None else (numbers[one.scope or one.channel], indexable(one.natural_id))
        for one in new
    ]
    firsts = _claim(transaction, new, keys)
    if firsts is None:
        _insert(transaction, numbers, new)
        return [None] * len(new)
    verdicts = [_judge(message, firsts.get(key)) for message, key in zip(new, keys, strict=True)]
    _insert(
        transaction,
        numbers,
        [
            _refused(one) if v.verdict is Verdict.CONFLICT else one
            for one, v in zip(new, verdicts, strict=True)
            if v.verdict is not Verdict.DUPLICATE
        ],
    )
    return list(verdicts)


def as_handed_in(message: NewMessage) -> Appended:
    """What `None` among the verdicts stands for."""
    verdict = Verdict.REFUSED if message.state == MessageState.REFUSED else Verdict.ACCEPTED
    return Appended(verdict, message.message_id, message.received_micros, message.reason)


class _Numbers(dict[str, int]):
    """Numbers of names, looked up once a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def __missing__(self, name: str) -> int:
        number = self[name] = self._transaction.number(name)
        return number


Key = tuple[int, str] | None
"""A scope's number and a natural id as it is indexed. Without a scope of its own an id is unique within its channel."""


def _claim(transaction: Transaction, new: Sequence[NewMessage], keys: Sequence[Key]) -> dict[Key, First] | None:
    """Enter natural ids into the inbox; who is first with each, among these and all earlier messages.

    None: all of them are new.
    """
    claimed: dict[Key, NewMessage] = {}
    for key, message in zip(keys, new, strict=True):
        if key is not None:
            claimed.setdefault(key, message)
    rows = [
        (*key, message.digest, message.message_id, message.received_micros, _packed(message.reason))
        for key, message in claimed.items()
        if key is not None
    ]
    inserted = transaction.session.insert(_INBOX, sorted(rows))
    if inserted == len(new):
        return None
    firsts = {
        key: First(message.message_id, message.digest, message.received_micros, message.reason)
        for key, message in claimed.items()
    }
    return firsts if inserted == len(rows) else firsts | _earlier(transaction, firsts)


def _packed(reason: Reason | None) -> str | None:
    return None if reason is None else pack(reason)


def _earlier(transaction: Transaction, claimed: dict[Key, First]) -> dict[Key, First]:
    """Those natural ids that belong to an earlier message. Rare, so one query each."""
    query = (
        sa.select(inbox.c.message_id, inbox.c.digest, inbox.c.received, inbox.c.reason, reasons.c.reason)
        .outerjoin(messages, (messages.c.id == inbox.c.message_id) & (messages.c.state == MessageState.REFUSED))
        .outerjoin(reasons, reasons.c.message_id == messages.c.id)
    )
    earlier: dict[Key, First] = {}
    for key, first in claimed.items():
        if key is None:
            continue
        here = (inbox.c.scope == key[0]) & (inbox.c.natural_id == key[1])
        row = transaction.session.sql.execute(query.where(here)).one()
        if row[0] != first.message_id:
            earlier[key] = First(row[0], bytes(row[1]), row[2], unpack_reason(row[4] or row[3]))
    return earlier


def _judge(message: NewMessage, first: First | None) -> Appended:
    if first is None or first.message_id == message.message_id:
        return as_handed_in(message)
    if first.digest == message.digest:
        return Appended(Verdict.DUPLICATE, first.message_id, first.received, first.reason)
    return Appended(Verdict.CONFLICT, message.message_id, message.received_micros, _CONFLICT)


def _refused(message: NewMessage) -> NewMessage:
    """As it is stored when its id belongs to another body."""
    return msgspec.structs.replace(message, state=MessageState.REFUSED, reason=_CONFLICT)


def _insert(transaction: Transaction, numbers: _Numbers, stored: Sequence[NewMessage]) -> None:
    attributes = _Attributes()
    rows, bodies, why = [], [], {}
    counts: dict[tuple[str, int], int] = {}
    for message in stored:
        message_id, state = message.message_id, int(message.state)
        rows.append(_row(message, numbers[message.channel], state))
        bodies.append((message_id, message.digest, attributes.of(message.attributes), message.body))
        counts[message.channel, state] = counts.get((message.channel, state), 0) + 1
        if message.reason is not None:
            why[message_id] = message.reason
    for (channel, state), count in counts.items():
        transaction.count_message(numbers[channel], state, count)
    session = transaction.session
    session.make_room([message.message_id for message in stored])
    session.insert(_MESSAGES, rows)
    session.insert(_BODIES, bodies)
    write_attachments(transaction, stored)
    conflicts = [one for one in stored if one.reason is _CONFLICT]
    session.insert(_KEY, [(numbers[NATURAL_ID], indexable(one.natural_id or ""), one.message_id) for one in conflicts])
    transaction.set_reasons(why)


def _row(message: NewMessage, channel: int, state: int) -> tuple[object, ...]:
    message_id, received, correlation = message.message_id, message.received_micros, message.correlation_id
    return (
        message_id,
        channel,
        message.revision,
        0,
        state,
        received,
        received,
        len(message.body),
        _text(message.message_type),
        _text(message.natural_id),
        None if correlation is None or correlation == id_text(message_id) else correlation,
        message.parent_id,
    )


def _text(text: str | None) -> str | None:
    return None if text is None else storable(text)


class _Attributes:
    """Attributes as JSON; messages of a connection have the same."""

    def __init__(self) -> None:
        self._last: tuple[Mapping[str, str], str | None] = ({}, None)

    def of(self, attributes: Mapping[str, str]) -> str | None:
        if not attributes:
            return None
        if self._last[0] != attributes:
            self._last = attributes, pack(dict(attributes))
        return self._last[1]
