"""Documents as versions, dossiers, cases and commands of the procure-to-pay process."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _documents()
    _cases()
    _commands()


def _documents() -> None:
    op.create_table(
        "p2p_records",
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("who", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "key", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "p2p_dossiers",
        sa.Column("key", KEY, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("look_again", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    waiting = sa.text("look_again IS NOT NULL")
    op.create_index("p2p_dossiers_due", "p2p_dossiers", ["look_again"], sqlite_where=waiting, postgresql_where=waiting)
    for table, columns, index, of in (
        ("p2p_members", ("dossier", "kind", "key"), "p2p_members_of", ["kind", "key"]),
        ("p2p_waits", ("kind", "key", "dossier"), "p2p_waits_of", ["dossier"]),
    ):
        op.create_table(
            table,
            *(sa.Column(name, KEY, nullable=False) for name in columns),
            sa.PrimaryKeyConstraint(*columns),
            sqlite_with_rowid=False,
        )
        op.create_index(index, table, of)


def _cases() -> None:
    op.create_table(
        "p2p_cases",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("dossier", KEY, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("owner", KEY, nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("supplier", KEY, nullable=True),
        sa.Column("facility", KEY, nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
        sqlite_with_rowid=False,
    )
    is_open = sa.text("state = 'open'")
    op.create_index("p2p_cases_open", "p2p_cases", ["owner", "rank"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("p2p_cases_dossier", "p2p_cases", ["dossier"])


def _commands() -> None:
    op.create_table(
        "p2p_commands",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("dossier", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("p2p_commands_dossier", "p2p_commands", ["dossier"])
    op.create_table(
        "p2p_watermarks",
        sa.Column("source", KEY, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
        sqlite_with_rowid=False,
    )
