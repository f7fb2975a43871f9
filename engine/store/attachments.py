"""Files kept beside a message: written in its transaction, checked against their checksum when read."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from engine.core.errors import ChecksumError
from engine.core.ids import id_text
from engine.core.texts import storable
from engine.ports.connector import Attachment
from engine.ports.journal import AttachmentView, NewMessage
from engine.store.checksum import checksum
from engine.store.names import Names
from engine.store.schema import attachments
from engine.store.session import Insert
from engine.store.transaction import Transaction

_INSERT = Insert(
    "attachments",
    ("message_id", "position", "name", "media_type", "digest", "body"),
    ("bigint", "int", "text", "text", "bytea", "bytea"),
)
_of = attachments.c


def write_attachments(transaction: Transaction, messages: Sequence[NewMessage]) -> None:
    rows = [
        (message.message_id, position, storable(one.name), storable(one.media_type), checksum(one.body), one.body)
        for message in messages
        for position, one in enumerate(message.attachments)
    ]
    if rows:
        transaction.session.insert(_INSERT, rows)


def add_attachments(transaction: Transaction, more: Sequence[tuple[int, Sequence[Attachment]]]) -> None:
    """Files that came later, behind those that are there; one of the same name and content is there already."""
    for message_id, files in more:
        query = sa.select(_of.position, _of.name, _of.digest).where(_of.message_id == message_id)
        there = transaction.session.sql.execute(query).all()
        known = {(row.name, bytes(row.digest)) for row in there}
        position = max((row.position for row in there), default=-1)
        rows = []
        for one in files:
            key = storable(one.name), checksum(one.body)
            if key not in known:
                known.add(key)
                position += 1
                rows.append((message_id, position, key[0], storable(one.media_type), key[1], one.body))
        if rows:
            transaction.session.insert(_INSERT, rows)


def listed(connection: sa.Connection, message_id: int) -> list[AttachmentView]:
    size = sa.func.length(_of.body).label("size")
    query = sa.select(_of.position, _of.name, _of.media_type, _of.digest, size).where(_of.message_id == message_id)
    return [
        AttachmentView(row.position, row.name, row.media_type, row.size, bytes(row.digest).hex())
        for row in connection.execute(query.order_by(_of.position))
    ]


def read_attachments(connection: sa.Connection, names: Names, message_id: int) -> list[Attachment]:
    """Raises ChecksumError: one is not what was written."""
    query = sa.select(attachments).where(_of.message_id == message_id).order_by(_of.position)
    found = []
    for row in connection.execute(query):
        body = bytes(row.body)
        if checksum(body) != bytes(row.digest):
            what = f"attachment {row.position + 1} differs from what was stored"
            raise ChecksumError(what, where=id_text(message_id))
        found.append(Attachment(row.name, row.media_type, body))
    return found
