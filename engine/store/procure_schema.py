"""Tables of the procure-to-pay process, beside those of the journal. Docs: docs/adr/0009-dossiers.md."""

from __future__ import annotations

import sqlalchemy as sa

from engine.store.schema import Id, Key, Micros, clustered
from engine.store.schema import metadata as metadata  # whoever takes it from here has all tables

# Documents as versions. A version is never changed; what was decided from it can always be decided again.
records = clustered(
    "p2p_records",
    sa.Column("kind", Key, primary_key=True),
    sa.Column("key", Key, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", Micros, nullable=False),
    sa.Column("message_id", Micros),
    sa.Column("who", sa.Text),
)
# What came in a time, and whether it says from where: without reading the bodies.
sa.Index("p2p_records_at", records.c.at, records.c.kind, records.c.message_id, records.c.who)
dossiers = clustered(
    "p2p_dossiers",
    sa.Column("key", Key, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),  # JSON: what was decided, for pages and measures
    sa.Column("changed", Micros, nullable=False),
    sa.Column("look_again", Micros),
)
_WAITING = dossiers.c.look_again.is_not(None)
sa.Index("p2p_dossiers_due", dossiers.c.look_again, sqlite_where=_WAITING, postgresql_where=_WAITING)
# Which documents a dossier holds.
members = clustered(
    "p2p_members",
    sa.Column("dossier", Key, primary_key=True),
    sa.Column("kind", Key, primary_key=True),
    sa.Column("key", Key, primary_key=True),
)
sa.Index("p2p_members_of", members.c.kind, members.c.key)
# Which references a decision looked at.
waits = clustered(
    "p2p_waits",
    sa.Column("kind", Key, primary_key=True),
    sa.Column("key", Key, primary_key=True),
    sa.Column("dossier", Key, primary_key=True),
)
sa.Index("p2p_waits_of", waits.c.dossier)
cases = clustered(
    "p2p_cases",
    sa.Column("case_id", Key, primary_key=True),
    sa.Column("dossier", Key, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened", Micros, nullable=False),
    sa.Column("changed", Micros, nullable=False),
    sa.Column("owner", Key, nullable=False),
    sa.Column("due", Micros),
    sa.Column("amount", sa.Text),  # exact, as written
    sa.Column("currency", sa.Text),
    sa.Column("supplier", Key),
    sa.Column("facility", Key),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)
_OPEN = sa.text("state = 'open'")
sa.Index("p2p_cases_open", cases.c.owner, cases.c.rank, sqlite_where=_OPEN, postgresql_where=_OPEN)
sa.Index("p2p_cases_dossier", cases.c.dossier)
commands = sa.Table(
    "p2p_commands",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("dossier", Key, nullable=False),
    sa.Column("key", Key, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("natural_key", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", Micros, nullable=False),
    sa.Index("p2p_commands_dossier", "dossier"),
)
watermarks = clustered(
    "p2p_watermarks",
    sa.Column("source", Key, primary_key=True),
    sa.Column("until", Micros, nullable=False),
)
# What happened, for sums: written with the decision that it follows from. Columns: engine/ports/measures.py.
milestones = clustered(
    "p2p_milestones",
    sa.Column("what", Key, primary_key=True),
    sa.Column("key", Key, primary_key=True),
    sa.Column("detail", Key, primary_key=True),
    sa.Column("at", Micros, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("dossier", Key, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("type", sa.Text),
    sa.Column("matter", Key),
    sa.Column("began", Micros),
    sa.Column("ended", Micros),
    sa.Column("day", sa.Integer),  # since 1970
    sa.Column("amount", sa.Text),  # exact, as written
    sa.Column("units", Micros),  # the same in millionths
    sa.Column("currency", sa.Text),
    sa.Column("supplier", Key),
    sa.Column("facility", Key),
    sa.Column("category", Key),
    sa.Column("department", Key),
    sa.Column("who", sa.Text),
)
sa.Index("p2p_milestones_at", milestones.c.what, milestones.c.at)
sa.Index("p2p_milestones_matter", milestones.c.matter, milestones.c.what)
sa.Index("p2p_milestones_dossier", milestones.c.dossier)
