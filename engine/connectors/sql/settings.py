"""Settings of the `sql` source and destination, and of a connection of type `sql`.

A connection in `config/connections.yaml`:

    warehouse:
      type: sql
      url: postgresql://isthmus@db.harbor.example/warehouse
      password: file:secrets/warehouse

A source that polls by watermark, one that works off an outbox table, and a destination:

    source: {type: sql, connection: warehouse, table: receipts, key: [id], watermark: changed_at}

    source:
      type: sql
      connection: warehouse
      table: outbox
      key: [id]
      outbox: {column: sent_at}
      body_column: body

    destinations:
      - name: ledger
        type: sql
        connection: warehouse
        table: invoices
        key: [number, supplier]
        columns: {number: invoice_number, supplier: supplier.number, total: total.amount, message: "@message_id"}
        lines:
          - table: invoice_lines
            each: lines
            key: [number, supplier, line]
            belongs_by: [number, supplier]
            columns: {number: /invoice_number, supplier: /supplier.number, line: "#", amount: amount.amount}
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fields import SecretReference
from engine.connectors.tls import ClientTls

_IDENTIFIER = re.compile(r"[^\W\d][\w$#]*(?:[ -][\w$#]+)*").fullmatch
_LONGEST_IDENTIFIER = 128
_REFERENCE = ("env:", "file:", "store:")
_STEP = r"[^\W\d][\w-]*"
_PATH = re.compile(rf"/?{_STEP}(?:\.(?:{_STEP}|\d+))*").fullmatch
FACTS = ("@message_id", "@natural_key", "@idempotency_key", "@correlation_id", "@channel", "@kind")
NUMBER = "#"


def _identifier(text: str) -> str:
    if len(text) > _LONGEST_IDENTIFIER or not _IDENTIFIER(text):
        raise ValueError("write a name of letters, digits, _, $ and #")
    return text


def _table(text: str) -> str:
    parts = text.split(".")
    if len(parts) > 2:
        raise ValueError("write a table as name or schema.name")
    for part in parts:
        _identifier(part)
    return text


def _url(text: str) -> str:
    if text.startswith(_REFERENCE):
        return text
    scheme, colon, rest = text.partition(":")
    if not colon or not re.fullmatch(r"[a-z0-9_]+(\+[a-z0-9_]+)?", scheme) or not rest:
        raise ValueError("write a URL such as postgresql://user@host/name, or where it is kept: env:NAME, file:PATH")
    authority = rest.removeprefix("//").partition("/")[0]
    if ":" in authority.rpartition("@")[0] or "password=" in rest:
        raise ValueError("no password in the URL; use password: with a secret reference")
    return text


def _path(text: str) -> str:
    if text not in FACTS and text != NUMBER and not _PATH(text):
        raise ValueError(f"write a field's path such as total.amount or lines.0.item, or one of {', '.join(FACTS)}")
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
TableName = Annotated[str, AfterValidator(_table)]
FieldPath = Annotated[str, AfterValidator(_path)]
Columns = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=16)]


class Reach(Settings):
    """How the database is reached."""

    url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None,
        description="Address as SQLAlchemy writes it, without a password, or where the whole of it is kept. "
        "`sqlite:PATH` is a file below the site, which must exist.",
        examples=["postgresql://isthmus@db.harbor.example/warehouse", "env:WAREHOUSE_URL"],
    )
    password: SecretReference | None = Field(default=None, description="Where the password of the URL's user is kept.")
    tls: ClientTls | None = Field(
        default=None,
        description="TLS of PostgreSQL (psycopg) and MariaDB or MySQL (PyMySQL); none: as the URL and the driver say.",
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(
        default=timedelta(seconds=30), description="Longest time for one transaction, also while it waits for a lock."
    )

    @model_validator(mode="after")
    def _time_to_work(self) -> Self:
        if min(self.connect_timeout, self.timeout) <= timedelta(0):
            raise ValueError("a time-out must be longer than 0s")
        return self


class SqlConnection(Reach):
    """A database that several channels use."""

    type: Literal["sql"] = Field(description="A database.")

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.url is None:
            raise ValueError("a connection of type sql needs url")
        return self


class _End(Reach):
    connection: str | None = Field(
        default=None, description="Name in config/connections.yaml, instead of url.", examples=["warehouse"]
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.connection is None) == (self.url is None):
            raise ValueError("name either a connection or a url")
        here = {"password", "tls", "connect_timeout", "timeout"} & self.model_fields_set
        if self.connection is not None and here:
            raise ValueError(f"{min(here)} belongs to the connection's own settings")
        return self


class Outbox(Settings):
    """How a row says that it waits, and how it is marked when its message is safe."""

    column: Identifier = Field(description="Column that tells waiting rows from done ones.", examples=["sent_at"])
    waiting: str | int | bool | None = Field(
        default=None, description="Its value in a row that waits; none: NULL.", examples=["NEW"]
    )
    done: str | int | bool | None = Field(
        default=None, description="Its value in a row that is done; none: the database's time.", examples=["DONE"]
    )
    refused: str | int | bool | None = Field(
        default=None, description="Its value in a row that was refused; none: as done.", examples=["REFUSED"]
    )
    delete: bool = Field(default=False, description="Delete rows that are done instead of marking them.")

    @model_validator(mode="after")
    def _done_rows_do_not_wait(self) -> Self:
        if self.delete and (self.done is not None or self.refused is not None):
            raise ValueError("rows that are deleted take no value for done or refused")
        if not self.delete and self.waiting is not None and self.waiting in (self.done, self.refused):
            raise ValueError("done, refused and waiting must differ")
        return self


class SqlSourceSettings(_End):
    """Reads rows of a table or view: each is one message, taken once."""

    table: TableName = Field(description="Table or view, with its schema where needed.", examples=["finance.receipts"])
    key: Columns = Field(description="Columns that tell one row from another; never NULL.", examples=[["id"]])
    watermark: Identifier | None = Field(
        default=None,
        description="Column that grows with every new or changed row: a sequence, or the time of the change. "
        "Rows without a value are not read.",
        examples=["changed_at"],
    )
    outbox: Outbox | None = Field(default=None, description="Instead of watermark: rows are marked when they are safe.")
    overlap: Duration = Field(
        default=timedelta(minutes=5),
        description="A watermark in time: how far back is read again, for rows whose transaction ended late, until so "
        "much time has passed without a new row. Longer than the longest transaction that writes to the table, and "
        "than its writers' clocks differ.",
    )
    overlap_numbers: int = Field(
        default=1000, ge=0, description="A watermark in numbers: how far back is read again, as overlap."
    )
    start_after: str | int | None = Field(
        default=None,
        description="Rows up to this watermark are never read; none: all rows are.",
        examples=["2026-01-01 00:00:00"],
    )
    where: dict[Identifier, str | int | bool | None] = Field(
        default_factory=dict, description="Only rows with these values.", examples=[{"company": "HARBOR"}]
    )
    columns: tuple[Identifier, ...] = Field(
        default=(), description="Columns of the message, in this order; none: all of the table."
    )
    body_column: Identifier | None = Field(
        default=None, description="The message is this column's text or bytes, instead of the row as JSON."
    )
    type_column: Identifier | None = Field(
        default=None, description="Column with the message's type, as `accept:` lists it."
    )
    poll: Duration = Field(default=timedelta(seconds=5), description="Pause between two looks.")
    page: int = Field(default=256, ge=1, le=10_000, description="Rows read and under way at once.")
    max_size: Size = Field(default=16 * 1024**2, description="A row that makes a larger message is refused.")

    @model_validator(mode="after")
    def _one_way_to_know_new_rows(self) -> Self:
        if (self.watermark is None) == (self.outbox is None):
            raise ValueError("an sql source has either watermark or outbox")
        if self.outbox is not None and self.start_after is not None:
            raise ValueError("start_after belongs to watermark")
        if self.body_column is not None and self.columns:
            raise ValueError("a message is either body_column or columns")
        if self.poll <= timedelta(0):
            raise ValueError("poll must be longer than 0s")
        return self

    @property
    def order(self) -> tuple[str, ...]:
        """Columns by which rows come: the watermark first."""
        first = () if self.watermark is None else (self.watermark,)
        return (*first, *(name for name in self.key if name not in first))


class Rows(Settings):
    """Rows of one table."""

    table: TableName = Field(description="Table, with its schema where needed.", examples=["finance.invoices"])
    key: Columns = Field(description="Columns that tell a row; the table must have them unique.", examples=[["number"]])
    columns: dict[Identifier, FieldPath] = Field(
        min_length=1,
        description="Column to field of the document: a path such as total.amount, or a fact of the delivery such as "
        "@message_id.",
        examples=[{"number": "invoice_number", "total": "total.amount"}],
    )

    @model_validator(mode="after")
    def _key_has_fields(self) -> Self:
        if missing := [name for name in self.key if name not in self.columns]:
            raise ValueError(f"key column '{missing[0]}' has no field in columns")
        return self


class LineRows(Rows):
    """Rows for each element of one of the document's lists. Its paths begin at the element, with / at the document."""

    each: FieldPath = Field(description="Field with the list.", examples=["lines"])
    belongs_by: tuple[Identifier, ...] = Field(
        default=(),
        description="Columns that all rows of one document share: rows of it that are no longer in it are deleted. "
        "None: nothing is deleted.",
    )

    @model_validator(mode="after")
    def _shared_columns_are_of_the_document(self) -> Self:
        for name in self.belongs_by:
            if name not in self.key or not self.columns[name].startswith(("/", "@")):
                raise ValueError(f"belongs_by column '{name}' must be in key, and its field begin with / or @")
        if self.belongs_by and set(self.belongs_by) == set(self.key):
            raise ValueError("key needs a column besides belongs_by, which tells one row of a document from another")
        return self


class SqlDestinationSettings(_End, Rows):
    """Writes each document as a row, and its lists as rows of further tables, in one transaction."""

    lines: tuple[LineRows, ...] = Field(
        default=(), description="Further tables, with a row for each element of a list."
    )
    keep_newer: Identifier | None = Field(
        default=None,
        description="Column that grows with each version of the document: a row with a higher value stays as it is.",
        examples=["version"],
    )
    parallel: int = Field(default=2, ge=1, le=32, description="Transactions under way at once.")

    @model_validator(mode="after")
    def _version_has_a_field(self) -> Self:
        if self.keep_newer is not None and self.keep_newer not in self.columns:
            raise ValueError("keep_newer must be one of columns")
        if any(path == NUMBER for path in self.columns.values()):
            raise ValueError("# counts the elements of a list; it belongs to lines")
        return self
