"""SC7: chargeable supplies are used in the catheter laboratory; their cost reaches the ledger, and use meets charge."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import yaml

from engine.cli.demo import hl7
from engine.cli.demo.scenarios import masters
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import USAGE, Scenario, Variant
from engine.cli.demo.scenarios.telling import Teller

_ZONE = ZoneInfo("America/New_York")
_LONG_AGO = timedelta(days=5)  # longer than a charge or a use is waited for: patience_hours of the usage policy


class Taken(NamedTuple):
    """What a case takes. `item` is the hospital's code; `charge` is what the patient's account is charged for one."""

    item: str
    quantity: int
    code: str
    charge: Decimal


WIRES = Taken("CL-GWR-35", 2, "02720071", Decimal("66.45"))  # 22.15 each
BALLOON = Taken("CL-BAL-30", 1, "02720072", Decimal("561.00"))  # 187.00
STENT = Taken("CL-STN-30", 1, "02780041", Decimal("2227.50"))  # 742.50
CASE = (WIRES, BALLOON, STENT)  # 44.30 + 187.00 + 742.50 = 973.80


async def prepare(hospital: Hospital) -> None:
    """The ledger's cost centers and the item master of the catheter laboratory."""
    await masters.cost_centers(hospital)
    await masters.suppliers_and_items(hospital, ["S1005"], "SC7ITEMS")
    await hospital.quiet()


# ------------------------------------------------------------------ the systems around the engine
async def cabinet(hospital: Hospital, event: str, visit: str, at: datetime, taken: tuple[Taken, ...]) -> None:
    lines = [{"item": one.item, "quantity": str(one.quantity), "action": "taken", "lot": "L7702"} for one in taken]
    told = {"event_id": event, "mode": "use", "at": at.isoformat(), "facility": "HARBOR-MAIN", "department": "M-CATH"}
    await hospital.post("cabinet_usage", told | {"visit": visit, "lines": lines}, event)


async def billing(hospital: Hospital, control: str, visit: str, at: datetime, taken: tuple[Taken, ...]) -> str:
    """The charge message; the acknowledgement's code."""
    patient = hl7.Patient("SC7-4401", "Sample", "Invented", "19610203", visit, "HARBOR-MAIN", "M-CATH")
    charges = [
        hl7.Charge(f"{control}-{n}", one.code, one.item, one.quantity, one.charge, one.charge * one.quantity, "M-CATH")
        for n, one in enumerate(taken, 1)
    ]
    return await hospital.message("cabinet_charges", hl7.charges(control, patient, at.astimezone(_ZONE), charges))


# ------------------------------------------------------------------ the good course
async def play_summary(hospital: Hospital, tell: Teller) -> None:
    now = datetime.now(UTC)
    tell.does("A heart patient is treated in M-CATH: the cabinet gives out 2 guide wires, a balloon and a stent.")
    await cabinet(hospital, "SC7A-1", "V7A", now, CASE)
    await tell.sees(
        "Their cost (2 × 22.15 + 187.00 + 742.50) is one sum in the ERP: expense of the cost center, out of stock",
        ["5100 debit 973.80 of 6110", "1300 credit 973.80"],
        lambda: hospital.books.entry("USE-SC7A-1"),
    )
    tell.does("The billing system charges the patient's account 2921.40 for the same three items.")
    answer = await billing(hospital, "SC7AC", "V7A", now + timedelta(minutes=20), CASE)
    await tell.sees("The charge message is acknowledged", "AA", lambda: _value(answer))
    tell.does("The cabinet's network was slow: it tells the same event again.")
    await cabinet(hospital, "SC7A-1", "V7A", now, CASE)
    await tell.stays("The cost was posted once", 1, lambda: hospital.books.entries("USE-SC7A"))
    await tell.stays("Use and charge agree: nobody has to look", [], lambda: hospital.case_types("V7A"))


async def play_lines(hospital: Hospital, tell: Teller) -> None:
    tell.does(
        "The controller wants each item by itself in the ledger: usage.yaml says `posting: line`, and is deployed."
    )
    await hospital.set_policy(USAGE, "posting", "line", "each item by itself")
    now = datetime.now(UTC)
    tell.does("The next case takes the same: 2 guide wires, a balloon and a stent.")
    await cabinet(hospital, "SC7B-1", "V7B", now, CASE)
    await tell.sees(
        "Each item is a line of its own, the same sum comes out of stock",
        [*(f"5100 debit {amount} of 6110" for amount in ("44.30", "187.00", "742.50")), "1300 credit 973.80"],
        lambda: hospital.books.entry("USE-SC7B-1"),
    )
    tell.does("The policy goes back to sums.")
    await hospital.set_policy(USAGE, "posting", "summary", "sums again")


# ------------------------------------------------------------------ what goes wrong
async def play_unknown_code(hospital: Hospital, tell: Teller) -> None:
    at = datetime.now(UTC) - _LONG_AGO
    tell.does("Five days ago a case took a balloon; its charge never came, and no source can still explain it.")
    await cabinet(hospital, "SC7C-1", "V7C", at, (BALLOON,))
    await tell.sees("Its cost is in the ledger all the same", ["5100 debit 187.00 of 6110", "1300 credit 187.00"],
                    lambda: hospital.books.entry("USE-SC7C-1"))  # fmt: skip
    await tell.sees("Somebody must look: used and not charged", ["usage_not_charged"],
                    lambda: hospital.case_types("V7C"))  # fmt: skip
    tell.does("The charge does come, with a new charge code that no crosswalk knows.")
    await billing(hospital, "SC7CC", "V7C", at, (BALLOON._replace(code="02720099"),))
    await tell.sees("It is not guessed: the message waits, and the code can be searched for", 1,
                    lambda: _count(hospital, "cabinet_charges"))  # fmt: skip
    tell.does("An analyst adds the code to config/crosswalks/charge_codes.csv, deploys, and sends the message again.")
    codes = hospital.place.root / "config" / "crosswalks" / "charge_codes.csv"
    codes.write_text(codes.read_text(encoding="utf-8").rstrip() + "\n02720099,M10023\n", encoding="utf-8")
    await hospital.client.deploy(["cabinet_charges"], note="new charge code of the balloon")
    for row in await hospital.held("cabinet_charges"):
        await hospital.client.resend(row.message_id, "", "its code is known now")
    await tell.sees("Charge and use have found one another: the case closes itself", [],
                    lambda: hospital.case_types("V7C"))  # fmt: skip
    await tell.sees("and stays on record as gone", ["usage_not_charged"],
                    lambda: hospital.case_types("V7C", "gone"))  # fmt: skip


async def play_charge_without_use(hospital: Hospital, tell: Teller) -> None:
    at = datetime.now(UTC) - _LONG_AGO
    tell.does("Five days ago an account was charged 561.00 for a balloon that no cabinet gave out.")
    await billing(hospital, "SC7DC", "V7D", at, (BALLOON,))
    await tell.sees("Somebody must look: charged and not used", ["charge_without_usage 561.00"],
                    lambda: _with_amounts(hospital, "V7D"))  # fmt: skip
    await tell.stays("No cost was posted for what nobody took", 0, lambda: hospital.books.entries("USE-SC7D"))
    tell.does("The cabinet had been offline: now it tells what it gave out five days ago.")
    await cabinet(hospital, "SC7D-1", "V7D", at, (BALLOON,))
    await tell.sees("Use and charge belong together: the case closes itself", [],
                    lambda: hospital.case_types("V7D"))  # fmt: skip
    await tell.sees("The balloon's cost is in the ledger", ["5100 debit 187.00 of 6110", "1300 credit 187.00"],
                    lambda: hospital.books.entry("USE-SC7D-1"))  # fmt: skip


async def play_closed_period(hospital: Hospital, tell: Teller) -> None:
    closed = _closed_through(hospital)
    day = datetime(closed.year, closed.month, closed.day, 15, tzinfo=UTC)
    opens = closed + timedelta(days=1)
    tell.does(f"A case of {closed} is told late; the books are closed up to that day.")
    await cabinet(hospital, "SC7E-1", "V7E", day, (STENT,))
    await billing(hospital, "SC7EC", "V7E", day, (STENT,))
    await tell.sees("Its cost is posted", ["5100 debit 742.50 of 6110", "1300 credit 742.50"],
                    lambda: hospital.books.entry("USE-SC7E-1"))  # fmt: skip
    await tell.sees("in the first open month, not in the closed one", f"{opens:%Y-%m}",
                    lambda: hospital.books.period("USE-SC7E-1"))  # fmt: skip
    await tell.stays("Nobody has to look", [], lambda: hospital.case_types("V7E"))


def _closed_through(hospital: Hospital) -> date:
    text = (hospital.place.root / "config" / "policies" / "calendars.yaml").read_text(encoding="utf-8")
    found: date = yaml.safe_load(text)["legal_entities"]["default"]["closed_through"]
    return found


async def _value(value: str) -> str:
    return value


async def _count(hospital: Hospital, channel: str) -> int:
    return len(await hospital.held(channel))


async def _with_amounts(hospital: Hospital, about: str) -> list[str]:
    return [f"{row.type} {row.amount}" for row in await hospital.cases(about)]


SUPPLY_CONSUMPTION = Scenario(
    "SC7",
    "Chargeable supplies: from the cabinet to the ledger, and use against charge",
    "The catheter laboratory's cabinets tell what a case takes. Item and department master complete it, the cost goes "
    "to the general ledger in sums or by line, and each use must meet its charge: revenue and cost belong together.",
    variants=(
        Variant("summary", "A case's supplies become one sum in the ledger, and its charges meet them", play_summary),
        Variant("lines", "The same, each item by itself", play_lines),
        Variant("unknown-charge-code", "A charge comes with a code that nobody knows", play_unknown_code),
        Variant("charge-without-use", "A charge comes, and no cabinet gave anything out", play_charge_without_use),
        Variant("closed-period", "A case is told when its month is closed", play_closed_period),
    ),
    prepare=prepare,
)
