"""The figures of the business in memory: the real desk and its real SQL, over the invented matters of Harbor Health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from engine.canonical import KINDS
from engine.channel.policies import Policies
from engine.channel.policy_calendars import Milestone as Promise
from engine.channel.policy_calendars import Milestones
from engine.core.clock import SystemClock, to_micros
from engine.ports.measures import Milestone, units_of
from engine.procure.measures.desk import MeasureDesk
from engine.procure.milestones.commands import milestones_of_command
from engine.procure.milestones.dossier import milestones_of
from engine.procure.papers import papers_of
from engine.store.milestones import write_milestones
from engine.store.procure_schema import metadata
from tests.support.p2p_double import MemoryRecords, desk_double

PROMISED = Milestones(
    milestones=(
        Promise(milestone="invoice_cycle", within="5 business days", owner="accounts-payable"),
        Promise(milestone="exception_decided", within="2h", owner="accounts-payable"),
        Promise(milestone="order_to_acknowledgement", within="24h", owner="buyer"),
    )
)


class MemoryMeasures:
    """`MeasureStore` over an SQLite of its own."""

    def __init__(self) -> None:
        self._engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        metadata.create_all(self._engine)

    async def measured(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._engine.connect() as sql:
            return [tuple(row) for row in sql.execute(sa.text(statement), dict(values))]

    async def replace_milestones(self, dossier: str, milestones: Sequence[Milestone]) -> None:
        self.put(milestones)

    def put(self, milestones: Sequence[Milestone]) -> None:
        with self._engine.begin() as sql:
            write_milestones(sql, milestones)


def measures_double() -> MeasureDesk:
    now = datetime.now(UTC)
    _, matters = desk_double(now)
    store = MemoryMeasures()
    store.put([*_of(matters), *_before(now)])
    return MeasureDesk(store, matters, SystemClock(), lambda: Policies(milestones=PROMISED))


def _of(matters: MemoryRecords) -> list[Milestone]:
    found = [
        one
        for key, dossier in matters.dossiers.items()
        for one in milestones_of(key, papers_of(dossier), dossier.cases)
    ]
    for given, at in matters.given_commands:
        document = KINDS[given.command.kind].model_validate_json(given.command.body)
        found += milestones_of_command(given.dossier, document, given.command.name, given.command.key, at)
    return found


def _before(now: datetime) -> list[Milestone]:
    """Some weeks of invoices, one in four an exception, so that there is something to draw."""
    found = []
    for number in range(96):
        came = now - timedelta(hours=7 * number + 30)
        supplier = ("CASCADE", "OLYMPIC", "RAINIER")[number % 3]
        key, hours = f"{supplier}/H-{number}", 2 + (number * 7) % 41
        usual = {
            "dossier": f"order:H-{number}", "supplier": supplier, "category": ("gloves", "implants")[number % 2],
            "facility": ("HARBOR-MAIN", "HARBOR-NORTH")[number % 5 == 0],
        }  # fmt: skip
        money = {"amount": "412.50", "units": units_of(Decimal("412.50")), "currency": "USD"}
        at, done = to_micros(came), to_micros(came + timedelta(hours=hours))
        found.append(Milestone(what="invoice_received", key=key, at_micros=at, kind="Invoice", stage="invoice",
                               matter=f"H-{number}", **usual, **money))  # fmt: skip
        found.append(Milestone(what="command_given", key=key, detail=f"post_invoice:{key}", at_micros=done,
                               kind="Invoice", stage="ledger", type="post_invoice", **usual, **money))  # fmt: skip
        if number % 4 == 0:
            found.append(Milestone(what="exception", key=f"order:H-{number}#price#{key}", detail=str(at), at_micros=at,
                                   kind="Case", stage="invoice", type="price_above_tolerance", matter=key,
                                   began_micros=at, ended_micros=done, who="maria.lind", **usual, **money))  # fmt: skip
    return found
