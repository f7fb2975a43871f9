"""The tables of the store, one definition for SQLite and PostgreSQL. `migrations/` must build exactly these.

Message ids sort by time and are the clustering key of everything large, so that retention removes neighbouring rows:
whole pages on SQLite, whole daily partitions of the bodies on PostgreSQL. Names that repeat on every row (channels,
destinations, scopes, key names) are small integers from `names`. Times are integer microseconds since 1970 UTC.
Docs: docs/adr/0002-store.md.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
HEAD = "0006"  # the newest migration; a store at a revision unknown here was written by a newer release

# On SQLite an INTEGER PRIMARY KEY is the row itself; BIGINT would add a second tree.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Integer()
Micros = sa.BigInteger()
# Binary collation on both engines: a prefix search is then a range of the index.
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def clustered(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    """A table that is its primary key's tree (SQLite: WITHOUT ROWID): one write a row instead of two."""
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=False)


def _daily(name: str, *columns: sa.schema.SchemaItem, with_rowid: bool = True) -> sa.Table:
    """Large bodies; on PostgreSQL partitioned by day through the time in `message_id`.

    On SQLite rows of a kilobyte and more fill pages better beside their key than inside its tree.
    """
    by_day = "RANGE (message_id)"
    return sa.Table(name, metadata, *columns, postgresql_partition_by=by_day, sqlite_with_rowid=with_rowid)


names = sa.Table(
    "names",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", Key, nullable=False, unique=True),
)

# ------------------------------------------------------------------ what came in
messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("channel", Name, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("run", sa.SmallInteger, nullable=False),  # 0; one more each time a person sends it through again
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("received", Micros, nullable=False),
    sa.Column("changed", Micros, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("message_type", sa.Text),
    sa.Column("natural_id", sa.Text),
    sa.Column("correlation", Key),  # NULL: the message's own id
    sa.Column("parent", Micros),
)
sa.Index("messages_channel", messages.c.channel, messages.c.id)
# QUEUED (5) and DELIVERED (6) are the many: they are found through their channel or their deliveries.
_WAITING = sa.text("state NOT IN (5, 6)")
sa.Index(
    "messages_state",
    messages.c.state,
    messages.c.channel,
    messages.c.id,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
for _column in (messages.c.correlation, messages.c.parent):
    _present = _column.is_not(None)
    sa.Index(f"messages_{_column.name}", _column, messages.c.id, sqlite_where=_present, postgresql_where=_present)

# Survives retention, so that a natural id is recognised for ever; `reason` only for one refused at the door.
inbox = clustered(
    "inbox",
    sa.Column("scope", Name, primary_key=True, autoincrement=False),
    sa.Column("natural_id", Key, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("message_id", Micros, nullable=False),
    sa.Column("received", Micros, nullable=False),
    sa.Column("reason", sa.Text),
)

bodies = _daily(
    "bodies",
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),  # BLAKE2b-128 of the body
    sa.Column("attributes", sa.Text),  # JSON object; NULL: none
    sa.Column("body", sa.LargeBinary, nullable=False),
)

# Files that came with a message: large, rarely read, never searched.
attachments = _daily(
    "attachments",
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

reasons = sa.Table(
    "reasons",
    metadata,
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, nullable=False),  # JSON of ports.connector.Reason
)

# Business keys: found by (name, value) here, and per message in `indexed`.
keys = clustered(
    "keys",
    sa.Column("name", Name, primary_key=True, autoincrement=False),
    sa.Column("value", Key, primary_key=True),
    sa.Column("message_id", Micros, primary_key=True, autoincrement=False),
)
indexed = sa.Table(
    "indexed",
    metadata,
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("pairs", sa.Text, nullable=False),  # JSON [[name, value], ...]
)

# ------------------------------------------------------------------ what must go out
documents = _daily(
    "documents",
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text),
    sa.Column("natural_key", sa.Text),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary),  # NULL: the same bytes as the message's body
)

deliveries = clustered(
    "deliveries",
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("channel", Name, nullable=False),
    sa.Column("destination", Name, nullable=False),
    sa.Column("document", sa.Integer, nullable=False),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", Micros, nullable=False),
    sa.Column("first", Micros, nullable=False),
    sa.Column("changed", Micros, nullable=False),
    sa.Column("idempotency_key", Key, nullable=False),
    sa.Column("order_key", sa.Text),
    sa.Column("reference", sa.Text),
    sa.Column("reason", sa.Text),
)
_OPEN, _HELD, _DONE = sa.text("state IN (1, 2)"), sa.text("state = 4"), sa.text("state = 3")
sa.Index(
    "deliveries_open",
    deliveries.c.channel,
    deliveries.c.destination,
    deliveries.c.id,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
sa.Index("deliveries_held", deliveries.c.id, sqlite_where=_HELD, postgresql_where=_HELD)
sa.Index("deliveries_done", deliveries.c.idempotency_key, sqlite_where=_DONE, postgresql_where=_DONE)

responses = _daily(
    "responses",
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("delivery_id", Id, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    with_rowid=False,  # acknowledgements: a hundred bytes
)

# How many messages (destination 0) and deliveries are in which state: kept in the same transaction as the rows.
# `slot`: each node adds in its own rows, so that nodes never wait for one another here; readers sum.
counters = clustered(
    "counters",
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("channel", Name, primary_key=True, autoincrement=False),
    sa.Column("destination", Name, primary_key=True, autoincrement=False),
    sa.Column("state", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
)

# ------------------------------------------------------------------ partners, people, nodes, revisions
interchanges_in = clustered(
    "interchanges_in",
    sa.Column("partner", Key, primary_key=True),
    sa.Column("control_number", Key, primary_key=True),
    sa.Column("message_id", Micros, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
)
interchanges_out = clustered(
    "interchanges_out",
    sa.Column("partner", Key, primary_key=True),
    sa.Column("number", Micros, primary_key=True, autoincrement=False),
    sa.Column("delivery_key", Key, nullable=False),
    sa.Column("transaction_set", sa.Text, nullable=False),
    sa.Column("made", Micros, nullable=False),
    sa.Column("acknowledged", sa.Text),
    sa.Column("acknowledged_at", Micros),
    sa.Column("note", sa.Text),
    sa.UniqueConstraint("partner", "delivery_key", name="interchanges_out_delivery"),
)
_UNANSWERED = sa.text("acknowledged IS NULL")
sa.Index(
    "interchanges_out_unanswered",
    interchanges_out.c.made,
    sqlite_where=_UNANSWERED,
    postgresql_where=_UNANSWERED,
)
interchanges_last = clustered(
    "interchanges_last",
    sa.Column("partner", Key, primary_key=True),
    sa.Column("number", Micros, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("at", Micros, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", Key, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Index("audit_subject", "subject", "number"),
)
# The newest record's number and digest, so that a deleted tail is seen too.
audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", Micros, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)

leases = clustered(
    "leases",
    sa.Column("name", Key, primary_key=True),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("token", Micros, nullable=False),
    sa.Column("expires", Micros, nullable=False),
)

# What doors still have to do, by door: receipts that are to be posted. Few rows, and not for long.
spool = sa.Table(
    "spool",
    metadata,
    sa.Column("place", Key, primary_key=True),
    sa.Column("key", Key, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

# What people set: running, paused, stopped.
channel_states = clustered(
    "channel_states",
    sa.Column("channel", Key, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)

revisions = clustered(
    "revisions",
    sa.Column("channel", Key, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("deployed", Micros, nullable=False),
    sa.Column("deployed_by", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False),
)

# ------------------------------------------------------------------ what other channels are told of
# Written in the transaction of what happened, only for channels that somebody reads (`feed_wanted`; 0: all of them).
# `feed_head` stays locked until the commit, so that numbers are given in the order of the commits: whoever read up to
# a number misses nothing below it.
feed = sa.Table(
    "feed",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("channel", Name, nullable=False),
    sa.Column("message_id", Micros, nullable=False),
    sa.Column("part", Micros, nullable=False),  # of documents: the message's run; of a delivery: its id
    sa.Column("what", sa.SmallInteger, nullable=False),
    sa.Column("at", Micros, nullable=False),
    sa.Column("code", sa.Text),  # of the reason
)
feed_head = sa.Table(
    "feed_head",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", Micros, nullable=False),
)
feed_readers = clustered(
    "feed_readers",
    sa.Column("name", Key, primary_key=True),
    sa.Column("number", Micros, nullable=False),  # everything up to here was read
    sa.Column("state", sa.Text),  # the reader's own
)
feed_wanted = clustered(
    "feed_wanted",
    sa.Column("reader", Key, primary_key=True),
    sa.Column("channel", Name, primary_key=True, autoincrement=False),
)
