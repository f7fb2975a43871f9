"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _audit()
    _audit_head()
    _bodies()
    _channel_states()
    _counters()
    _deliveries()
    _documents()
    _inbox()
    _indexed()
    _interchanges_in()
    _interchanges_last()
    _interchanges_out()
    _keys()
    _leases()
    _messages()
    _names()
    _reasons()
    _responses()
    _revisions()
    if op.get_bind().dialect.name == "postgresql":
        for table in ("bodies", "documents", "responses"):
            op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("audit_subject", "audit", ["subject", "number"], unique=False)


def _audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )


def _bodies() -> None:
    op.create_table(
        "bodies",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        postgresql_partition_by="RANGE (message_id)",
    )


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "channel", "destination", "state"),
        sqlite_with_rowid=False,
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("destination", sa.Integer(), nullable=False),
        sa.Column("document", sa.Integer(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", KEY, nullable=False),
        sa.Column("order_key", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "deliveries_done",
        "deliveries",
        ["idempotency_key"],
        unique=False,
        sqlite_where=sa.text("state = 3"),
        postgresql_where=sa.text("state = 3"),
    )
    op.create_index(
        "deliveries_held",
        "deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 4"),
        postgresql_where=sa.text("state = 4"),
    )
    op.create_index(
        "deliveries_open",
        "deliveries",
        ["channel", "destination", "id"],
        unique=False,
        sqlite_where=sa.text("state IN (1, 2)"),
        postgresql_where=sa.text("state IN (1, 2)"),
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("natural_key", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "position"),
        postgresql_partition_by="RANGE (message_id)",
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("scope", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("natural_id", KEY, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "natural_id"),
        sqlite_with_rowid=False,
    )


def _indexed() -> None:
    op.create_table(
        "indexed",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("pairs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )


def _interchanges_in() -> None:
    op.create_table(
        "interchanges_in",
        sa.Column("partner", KEY, nullable=False),
        sa.Column("control_number", KEY, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "control_number"),
        sqlite_with_rowid=False,
    )


def _interchanges_last() -> None:
    op.create_table(
        "interchanges_last",
        sa.Column("partner", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner"),
        sqlite_with_rowid=False,
    )


def _interchanges_out() -> None:
    op.create_table(
        "interchanges_out",
        sa.Column("partner", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_key", KEY, nullable=False),
        sa.Column("transaction_set", sa.Text(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("partner", "number"),
        sa.UniqueConstraint("partner", "delivery_key", name="interchanges_out_delivery"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "interchanges_out_unanswered",
        "interchanges_out",
        ["made"],
        unique=False,
        sqlite_where=sa.text("acknowledged IS NULL"),
        postgresql_where=sa.text("acknowledged IS NULL"),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("name", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", KEY, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", "value", "message_id"),
        sqlite_with_rowid=False,
    )


def _channel_states() -> None:
    op.create_table(
        "channel_states",
        sa.Column("channel", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
        sqlite_with_rowid=False,
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", KEY, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=True),
        sa.Column("natural_id", sa.Text(), nullable=True),
        sa.Column("correlation", KEY, nullable=True),
        sa.Column("parent", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("messages_channel", "messages", ["channel", "id"], unique=False)
    op.create_index(
        "messages_correlation",
        "messages",
        ["correlation", "id"],
        unique=False,
        sqlite_where=sa.text("correlation IS NOT NULL"),
        postgresql_where=sa.text("correlation IS NOT NULL"),
    )
    op.create_index(
        "messages_parent",
        "messages",
        ["parent", "id"],
        unique=False,
        sqlite_where=sa.text("parent IS NOT NULL"),
        postgresql_where=sa.text("parent IS NOT NULL"),
    )
    op.create_index(
        "messages_state",
        "messages",
        ["state", "channel", "id"],
        unique=False,
        sqlite_where=sa.text("state NOT IN (5, 6)"),
        postgresql_where=sa.text("state NOT IN (5, 6)"),
    )


def _names() -> None:
    op.create_table(
        "names",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _reasons() -> None:
    op.create_table(
        "reasons",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )


def _responses() -> None:
    op.create_table(
        "responses",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("delivery_id", ID, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "delivery_id"),
        postgresql_partition_by="RANGE (message_id)",
        sqlite_with_rowid=False,
    )


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("channel", KEY, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("deployed", sa.BigInteger(), nullable=False),
        sa.Column("deployed_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "revision"),
        sqlite_with_rowid=False,
    )
