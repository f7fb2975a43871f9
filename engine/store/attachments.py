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
