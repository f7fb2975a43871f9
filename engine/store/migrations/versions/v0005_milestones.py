"""What happened in the process, as rows for sums."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TABLE = "p2p_milestones"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        *(sa.Column(name, KEY, nullable=False) for name in ("what", "key", "detail")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dossier", KEY, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("matter", KEY, nullable=True),
        sa.Column("began", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        *(sa.Column(name, KEY, nullable=True) for name in ("supplier", "facility", "category", "department")),
        sa.Column("who", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("what", "key", "detail"),
        sqlite_with_rowid=False,
    )
    op.create_index("p2p_records_at", "p2p_records", ["at", "kind", "message_id", "who"])
    op.create_index("p2p_milestones_at", _TABLE, ["what", "at"])
    op.create_index("p2p_milestones_matter", _TABLE, ["matter", "what"])
    op.create_index("p2p_milestones_dossier", _TABLE, ["dossier"])
