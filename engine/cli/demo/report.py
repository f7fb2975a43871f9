"""What the demonstration tells at its end, to people and as data."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from engine.cli.demo.desk import CaseLine, Desk
from engine.cli.demo.parcel import Ending
from engine.cli.demo.reconcile import AnswerLine, ChannelLine, KindLine, Trouble

_YES, _NO = Text("✓", style="bold green"), Text("✗", style="bold red")
_COLUMNS = (Ending.DELIVERED, Ending.FILTERED, Ending.HELD, Ending.REFUSED, Ending.REPEATED, Ending.TURNED_AWAY)
_ANSWERS = {
    "A": "accepted by 997",
    "E": "accepted with errors",
    "R": "rejected by 997",
    "TA1 R": "interchanges rejected by TA1",
}


class Outcome(NamedTuple):
    """All that is known at the end of the day.

    Args:
        surprises: answers at the doors other than the expected ones.
        leaks: files in which a patient's identifier was found.
        orders: our 850s: sent, accepted, rejected and unanswered, as the suppliers count them.
        ledger: the same as the engine's control-number ledger has it.
        answers: 997s and TA1s that trading partners got for what they sent.
        desk: where invoices stand, and what waits for people.
    """

    seconds: float
    sent: int
    channels: tuple[ChannelLine, ...]
    kinds: tuple[KindLine, ...]
    troubles: tuple[Trouble, ...]
    surprises: tuple[str, ...]
    leaks: tuple[str, ...]
    canaries: int
    outage_seconds: float
    queued_at_restart: int
    orders: dict[str, int]
    ledger: dict[str, int]
    answers: tuple[AnswerLine, ...]
    directory: Path
    desk: Desk = Desk()
    console: str | None = None
    first_link: str | None = None

    @property
    def documents(self) -> int:
        return sum(line.found for line in self.kinds)

    @property
    def expected_total(self) -> Decimal:
        return sum((line.expected_total or Decimal(0) for line in self.kinds), Decimal(0))

    @property
    def erp_total(self) -> Decimal:
        return sum((line.erp_total or Decimal(0) for line in self.kinds), Decimal(0))

    @property
    def agrees(self) -> bool:
        rows_agree = all(line.agrees for line in self.channels) and all(line.agrees for line in self.kinds)
        rows_agree = rows_agree and all(line.agrees for line in self.answers) and self.desk.agrees
        return rows_agree and self.orders == self.ledger and not self.surprises and not self.leaks


def as_data(outcome: Outcome) -> dict[str, Any]:
    """The report for programs. Money is text, exact."""
    return {
        "agrees": outcome.agrees,
        "seconds": round(outcome.seconds, 1),
        "sent": outcome.sent,
        "channels": [_channel_data(line) for line in outcome.channels],
        "refused_and_held": [_trouble_data(line) for line in outcome.troubles],
        "erp": [_kind_data(line) for line in outcome.kinds],
        "money": {
            "expected": _money(outcome.expected_total),
            "erp": _money(outcome.erp_total),
            "difference": _money(outcome.erp_total - outcome.expected_total),
        },
        "documents": outcome.documents,
        "invoices": outcome.desk.invoices._asdict(),
        "cases": [_case_data(line) for line in outcome.desk.cases],
        "erp_outage": {"seconds": round(outcome.outage_seconds, 1), "queued_at_restart": outcome.queued_at_restart},
        "orders_out": {"suppliers": outcome.orders, "ledger": outcome.ledger},
        "answers_to_partners": [line._asdict() for line in outcome.answers],
        "patient_data": {"searched_for": outcome.canaries, "found_in": list(outcome.leaks)},
        "surprises": list(outcome.surprises),
        "directory": str(outcome.directory),
        "console": outcome.console,
    }


def _channel_data(line: ChannelLine) -> dict[str, Any]:
    return {
        "channel": line.channel,
        "sent": line.sent,
        "agrees": line.agrees,
        "got": {ending.value: line.got.get(ending, 0) for ending in _COLUMNS},
        "expected": {ending.value: line.expected.get(ending, 0) for ending in _COLUMNS},
    }


def _trouble_data(line: Trouble) -> dict[str, Any]:
    reason = line.reason
    facts = {"code": reason.code, "reason": reason.text, "where": reason.where, "remedy": reason.remedy}
    return {"channel": line.channel, "state": line.state, **facts, "messages": line.messages}


def _kind_data(line: KindLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "expected": line.expected,
        "found": line.found,
        "held_by_erp": line.held_by_erp,
        "expected_total": _money(line.expected_total),
        "erp_total": _money(line.erp_total),
        "difference": _money(line.difference) if line.expected_total is not None else None,
        "agrees": line.agrees,
        "wrong": list(line.wrong),
    }


def _case_data(line: CaseLine) -> dict[str, Any]:
    money = {"expected_money": _money(line.expected_money), "money": _money(line.money)}
    return line._asdict() | money | {"owners": list(line.owners), "agrees": line.agrees}


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


# ------------------------------------------------------------------ for people
def show(console: Console, outcome: Outcome) -> None:
    console.print()
    console.print(_came_in(outcome))
    console.print(_trouble_table(outcome))
    console.print(_case_table(outcome))
    console.print(_erp_table(outcome))
    console.print(_verdict(outcome))
    for text in (
        *outcome.surprises[:10],
        *outcome.desk.invoices.wrong[:10],
        *(word for line in outcome.kinds for word in line.wrong[:5]),
    ):
        console.print(f"[red]✗[/] {text}")


def _came_in(outcome: Outcome) -> Table:
    table = Table(title=f"What came in: {outcome.sent:,} messages", title_justify="left", header_style="dim")
    table.add_column("channel")
    table.add_column("sent", justify="right")
    for ending in _COLUMNS:
        table.add_column(ending.value, justify="right")
    table.add_column("as expected", justify="center")
    busy = [line for line in outcome.channels if line.sent or not line.agrees or any(line.got.values())]
    for line in busy:
        numbers = (line.got.get(ending, 0) for ending in _COLUMNS)
        table.add_row(line.channel, str(line.sent or "–"), *(_count(n) for n in numbers), _YES if line.agrees else _NO)
    if idle := len(outcome.channels) - len(busy):
        table.caption, table.caption_justify = f"{idle} further channels had nothing to do.", "left"
    return table


def _count(number: int) -> Text:
    return Text(f"{number:,}") if number else Text("·", style="dim")


def _trouble_table(outcome: Outcome) -> Table:
    table = Table(title="What was refused or waits for a person, and why", title_justify="left", header_style="dim")
    for title in ("channel", "state", "reason", "where", "messages"):
        table.add_column(title, justify="right" if title == "messages" else "left")
    for line in outcome.troubles:
        style = "red" if line.state == "REFUSED" else "yellow"
        words = Text(line.reason.text)
        if line.reason.remedy:
            words.append(f"\n→ {line.reason.remedy}", style="dim")
        table.add_row(line.channel, Text(line.state, style=style), words, line.reason.where or "", str(line.messages))
    return table


def _case_table(outcome: Outcome) -> Table:
    found = outcome.desk.invoices
    title = (
        f"Invoices: {found.all} came, {found.matched} matched without a touch and posted, {found.waiting} waiting, "
        f"{found.exception} for people. What is on their desks"
    )
    table = Table(title=title, title_justify="left", header_style="dim")
    for name in ("case", "owner", "cases", "expected", "at stake, $", ""):
        table.add_column(name, justify="left" if name in ("case", "owner") else "right")
    for line in outcome.desk.cases:
        owners, mark = ", ".join(line.owners), _YES if line.agrees else _NO
        table.add_row(line.type, owners, str(line.found), str(line.expected), f"{line.money:,.2f}", mark)
    return table


def _erp_table(outcome: Outcome) -> Table:
    table = Table(title="What the ERP holds, as read from the ERP", title_justify="left", header_style="dim")
    for title in ("document", "expected", "in the ERP", "expected, $", "in the ERP, $", "difference", ""):
        table.add_column(title, justify="left" if title == "document" else "right")
    for line in outcome.kinds:
        money = (_shown(line.expected_total), _shown(line.erp_total), _shown(line.difference, line.expected_total))
        table.add_row(line.kind, str(line.expected), str(line.held_by_erp), *money, _YES if line.agrees else _NO)
    table.add_section()
    totals = (_shown(outcome.expected_total), _shown(outcome.erp_total))
    difference = _shown(outcome.erp_total - outcome.expected_total)
    table.add_row(
        Text("all", style="bold"),
        str(sum(k.expected for k in outcome.kinds)),
        str(outcome.documents),
        *totals,
        difference,
    )
    return table


def _shown(amount: Decimal | None, unless: Decimal | None = Decimal(0)) -> str:
    return "" if amount is None or unless is None else f"{amount:,.2f}"


def _verdict(outcome: Outcome) -> Panel:
    text = Text()
    if outcome.agrees:
        text.append("What was sent and what the ERP holds agree to the cent: ", style="bold green")
        text.append(f"${outcome.erp_total:,.2f} in {outcome.documents} documents, difference $0.00.\n")
    else:
        text.append("They do not agree. ", style="bold red")
        text.append(f"Difference ${outcome.erp_total - outcome.expected_total:,.2f}; see the rows marked ✗.\n")
    text.append(f"The ERP was killed for {outcome.outage_seconds:.0f} s; ")
    text.append(f"{outcome.queued_at_restart} deliveries waited for it, none was lost or doubled.\n")
    orders = outcome.orders
    text.append(f"Orders to suppliers: {orders['sent']} sent as 850, {orders['accepted']} accepted by 997, ")
    text.append(f"{orders['rejected']} rejected, {orders['unanswered']} not answered yet; ")
    same = orders == outcome.ledger
    text.append(
        "our ledger says the same.\n" if same else f"our ledger says {outcome.ledger}.\n", "" if same else "bold red"
    )
    told = ", ".join(f"{line.found} {_ANSWERS.get(line.code, line.code)}" for line in outcome.answers)
    text.append(f"Answers to trading partners: {told}.\n")
    text.append(f"Patients' names and numbers searched for in the ERP and in what suppliers got: {outcome.canaries}; ")
    text.append(f"found in {len(outcome.leaks)} files.", style="bold red" if outcome.leaks else "")
    return Panel(
        text, title=f"one hospital day in {outcome.seconds:.0f} s", border_style="green" if outcome.agrees else "red"
    )


def where_next(console: Console, outcome: Outcome) -> None:
    """What to look at while it stays up."""
    site = outcome.directory / "site"
    console.print(f"\nConsole   [link={outcome.console}]{outcome.console}[/]")
    if outcome.first_link:
        console.print(f"Sign in   {outcome.first_link}  [dim](works once, for the first administrator)[/]")
    console.print(f"Held      isthmus messages --site {site} --state HELD")
    console.print(f"Site      {site}  [dim](channels, transforms, config; files in data/)[/]")
    console.print("[dim]Ctrl-C ends the engine and the ERP.[/]")
