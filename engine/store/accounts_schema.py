"""Tables of people and their sessions: kept apart from the journal, in a MetaData of their own."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table

metadata = MetaData()

NAME = String(64)
DIGEST = String(64)

users = Table(
    "account_user",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("role", String(20), nullable=False),
    Column("facilities", String(2000), nullable=False, default=""),  # comma separated; empty: all
    Column("password", String(200)),  # argon2id, encoded with its parameters; None: not set yet
    Column("active", Boolean, nullable=False, default=True),
    Column("created_micros", BigInteger, nullable=False),
    Column("last_sign_in_micros", BigInteger),
)

failures = Table(
    "account_failure",
    metadata,
    Column("name", NAME, primary_key=True),  # also names that are nobody's: the answer must not tell
    Column("attempts", Integer, nullable=False),
    Column("last_micros", BigInteger, nullable=False),
)

sessions = Table(
    "account_session",
    metadata,
    Column("digest", DIGEST, primary_key=True),  # SHA-256 of the cookie's token
    Column("name", NAME, ForeignKey("account_user.name"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("started_micros", BigInteger, nullable=False),
    Column("seen_micros", BigInteger, nullable=False),
    Index("account_session_name", "name"),
)

links = Table(
    "account_link",
    metadata,
    Column("digest", DIGEST, primary_key=True),  # SHA-256 of the link's token
    Column("name", NAME),  # None: the first administrator
    Column("expires_micros", BigInteger, nullable=False),
)
