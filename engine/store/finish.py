"""What the transform made of messages: state, documents, deliveries and business keys, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.core.happenings import Happening
from engine.ports.journal import Outcome
from engine.ports.states import DeliveryState, MessageState
from engine.store.checksum import checksum, indexable
from engine.store.session import Find, Insert
from engine.store.transaction import Transaction, pack

RUN = 1_000_000  # positions of the documents of a message that was sent through its transform again start here

_ELIGIBLE = Find(
    "m.id, m.channel, m.run",
    f"FROM {{rows}} CROSS JOIN messages m WHERE m.id = v.id AND m.state = {MessageState.RECEIVED:d}",
    ("id",),
    ("bigint",),
)
_DOCUMENTS = Insert(
    "documents",
    ("message_id", "position", "kind", "natural_key", "digest", "body"),
    ("bigint", "int", "text", "text", "bytea", "bytea"),
)
_DELIVERIES = Insert(
    "deliveries",
    (
        *("message_id", "id", "channel", "destination", "document", "state", "attempts", "not_before", "first"),
        *("changed", "idempotency_key", "order_key"),
    ),
    ("bigint", "bigint", "int", "int", "int", "smallint", "int", "bigint", "bigint", "bigint", "text", "text"),
)
_KEYS = Insert("keys", ("name", "value", "message_id"), ("int", "text", "bigint"), "ON CONFLICT DO NOTHING")
_INDEXED = Insert(
    "indexed",
    ("message_id", "pairs"),
    ("bigint", "text"),
    "ON CONFLICT (message_id) DO UPDATE SET pairs = excluded.pairs",
)


def write_outcomes(transaction: Transaction, outcomes: Sequence[Outcome], raw: Mapping[int, bytes]) -> None:
    """Store outcomes of messages that are still RECEIVED; the first of several for one message counts.

    `raw` has digests of received bodies, as far as they are known here: a document of the same bytes (a message
    passed through) is not stored twice.
    """
    first: dict[int, Outcome] = {}
    for outcome in outcomes:
        first.setdefault(outcome.message_id, outcome)
    found = transaction.session.find(_ELIGIBLE, [(message_id,) for message_id in sorted(first)])
    work = [(first[message_id], channel, run * RUN) for message_id, channel, run in found]
    transaction.set_states(
        (outcome.message_id, channel, MessageState.RECEIVED, outcome.state) for outcome, channel, _ in work
    )
    transaction.set_reasons({outcome.message_id: outcome.reason for outcome, *_ in work if outcome.reason is not None})
    _insert_documents(transaction, work, raw)
    _insert_deliveries(transaction, work)
    _insert_keys(transaction, [outcome for outcome, *_ in work if outcome.keys])
    _feed(transaction, work)


Work = Sequence[tuple[Outcome, int, int]]


def _insert_documents(transaction: Transaction, work: Work, raw: Mapping[int, bytes]) -> None:
    rows: list[tuple[Any, ...]] = []
    for outcome, _, offset in work:
        message_id = outcome.message_id
        for document in outcome.documents:
            digest = checksum(document.body)
            body = None if raw.get(message_id) == digest else document.body
            rows.append((message_id, document.position + offset, document.kind, document.natural_key, digest, body))
    transaction.session.insert(_DOCUMENTS, rows)


def _insert_deliveries(transaction: Transaction, work: Work) -> None:
    rows: list[tuple[Any, ...]] = []
    queued, at = int(DeliveryState.QUEUED), transaction.at
    for outcome, channel, offset in work:
        for new in outcome.deliveries:
            destination = transaction.number(new.destination)
            transaction.count_delivery(channel, destination, queued)
            where = (outcome.message_id, new.delivery_id, channel, destination, new.document + offset)
            rows.append((*where, queued, 0, new.not_before_micros, at, at, new.idempotency_key, new.order_key))
    transaction.session.insert(_DELIVERIES, rows)


def _feed(transaction: Transaction, work: Work) -> None:
    """Canonical documents that were made, and messages that a person must look at."""
    for outcome, channel, offset in work:
        message_id, run = outcome.message_id, offset // RUN
        if any(document.kind is not None for document in outcome.documents):
            transaction.feed(channel, message_id, run, Happening.MADE)
        if outcome.state == MessageState.HELD:
            code = None if outcome.reason is None else outcome.reason.code
            transaction.feed(channel, message_id, run, Happening.MESSAGE_HELD, code)


def _insert_keys(transaction: Transaction, indexed: Sequence[Outcome]) -> None:
    rows = {
        (transaction.number(name), indexable(value), outcome.message_id)
        for outcome in indexed
        for name, value in outcome.keys
    }
    transaction.session.insert(_KEYS, sorted(rows))
    transaction.session.insert(_INDEXED, [(outcome.message_id, pack(outcome.keys)) for outcome in indexed])
