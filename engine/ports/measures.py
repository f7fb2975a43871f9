"""What happened in the procure-to-pay process, as rows that SQL can sum, and the figures worked out from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Protocol

import msgspec

MILLIONTHS = 6  # decimals of `units`: finer than every currency, so that sums of integers are exact


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a document. `what`, `key` and `detail` name it; the newest word on it counts.

    Args:
        what: `invoice_received`, `order_created` …: engine/procure/milestones/dossier.py makes them all.
        key: natural key of the document, or the case's id; `detail` tells several of the same apart.
        at_micros: when the engine knew of it.
        began_micros, ended_micros: of a span, as the business says; an end that is None is still to come.
        day: business day, as days since 1970.
        amount: exact, as text; `units` the same in millionths. `currency` None: it is a plain number.
        matter: the order or invoice that it is about, when `key` is not its number.
        who: the person who did it; None: nobody had to.
    """

    what: str
    key: str
    at_micros: int
    detail: str = ""
    kind: str = ""
    dossier: str = ""
    stage: str = ""
    type: str | None = None
    matter: str | None = None
    began_micros: int | None = None
    ended_micros: int | None = None
    day: int | None = None
    amount: str | None = None
    units: int | None = None
    currency: str | None = None
    supplier: str | None = None
    facility: str | None = None
    category: str | None = None
    department: str | None = None
    who: str | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        return self.what, self.key, self.detail


def units_of(amount: Decimal) -> int:
    """In millionths. What is finer is rounded, half to even."""
    return int(amount.scaleb(MILLIONTHS).to_integral_value(ROUND_HALF_EVEN))


def amount_of(units: int) -> Decimal:
    return Decimal(units).scaleb(-MILLIONTHS)


class Period(msgspec.Struct, frozen=True):
    """From `since` up to, and without, `until`; both aware."""

    since: datetime
    until: datetime


class MeasureRow(msgspec.Struct, frozen=True):
    """A figure. `value` is exact text, None where nothing happened that it could be told from.

    `numerator` and `denominator` are the sums that it was divided from; `of` is the slice, empty for all together.
    """

    measure: str
    of: str
    value: str | None
    unit: str
    numerator: str
    denominator: str
    currency: str | None = None


class Behind(msgspec.Struct, frozen=True):
    """One of the documents behind a figure, with what it adds above and below the line."""

    dossier: str
    key: str
    numerator: str
    denominator: str
    currency: str | None = None
    supplier: str | None = None
    facility: str | None = None


class MeasureStore(Protocol):
    """
    Every method raises:
        StoreError: the store cannot be read or written now.
    """

    async def measured(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Rows of one SELECT; `:name` in it are the values."""
        ...

    async def replace_milestones(self, dossier: str, milestones: Sequence[Milestone]) -> None:
        """A dossier's rows anew, for a store that has documents from before there were any."""
        ...


# ------------------------------------------------------------------ what people ask
class MeasureAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`names` empty: all measures. `by`: a slice that every one of them knows; `of` one part of it.

    `facilities`: only what belongs to one of them; None: everything.
    """

    since: datetime
    until: datetime
    names: Sequence[str] = ()
    by: str | None = None
    of: str | None = None
    parts: int = 1
    limit: int = 100
    facilities: Sequence[str] | None = None

    @property
    def period(self) -> Period:
        return Period(self.since, self.until)


class PromiseRow(msgspec.Struct, frozen=True):
    """A promised time of config/policies/milestones.yaml, over a period.

    `kept` and `late` ended in it; `overdue` have not ended and should have; `running` have time left.
    `share` is the percent that must keep it, `percent` what did, None when nothing ended and nothing is overdue.
    """

    milestone: str
    title: str
    owner: str
    within: str
    share: int
    kept: int
    late: int
    overdue: int
    running: int
    percent: str | None
    is_kept: bool


class Breach(msgspec.Struct, frozen=True):
    """A promise that was not kept; `ended_at` None: it still is not."""

    milestone: str
    owner: str
    dossier: str
    key: str
    began_at: datetime
    due_at: datetime
    ended_at: datetime | None = None
    supplier: str | None = None
    facility: str | None = None


class Promises(msgspec.Struct, frozen=True):
    """`breaches`: those that are overdue first, the longest before the others; then the last that were late."""

    rows: Sequence[PromiseRow]
    breaches: Sequence[Breach]


class Difference(msgspec.Struct, frozen=True):
    """What a recomputation from the documents has otherwise. `where`: the measure, or the row of what happened."""

    where: str
    shown: str
    recomputed: str


class MeasureOperations(Protocol):
    """
    Every method raises:
        NotFoundError: there is no such measure.
        OperationError: a measure cannot be sliced so.
        StoreError: the store cannot be read now.
    """

    async def figures(self, ask: MeasureAsk) -> list[MeasureRow]: ...

    async def trend(self, ask: MeasureAsk) -> list[list[MeasureRow]]:
        """The figures of each of `parts` equal parts of the period, the oldest first."""
        ...

    async def behind(self, ask: MeasureAsk) -> list[Behind]:
        """The documents behind the first measure that is named."""
        ...

    async def promises(self, ask: MeasureAsk) -> Promises: ...

    async def check(self, ask: MeasureAsk) -> list[Difference]:
        """Empty: every figure is what the documents say."""
        ...

    async def remake(self, who: str) -> int:
        """All rows of what happened anew from the documents. Returns of how many dossiers."""
        ...
