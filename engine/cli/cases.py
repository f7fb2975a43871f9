"""`isthmus cases`: the work queue of exceptions, one of them with its evidence, and a decision over it."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.core.figures import grouped, priced
from engine.ports.p2p_operations import CaseAsk, CaseRow, CaseView, Side
from engine.ports.procure import CaseQuery

STATES = ("open", "decided", "gone")
_WIDTH = 26


@click.command()
@click.argument("case", required=False)
@click.option("--owner", default=None, help="Role or person.")
@click.option("--type", "kind", default=None, help="Type of exception, for example price_above_tolerance.")
@click.option("--supplier", default=None, help="Our number of the supplier, for example S1005.")
@click.option("--facility", default=None, help="Facility, for example HARBOR-MAIN.")
@click.option(
    "--state",
    type=click.Choice([*STATES, "any"]),
    default="open",
    show_default=True,
    help="gone: closed by itself, when what came later explained it.",
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many, by rank.")
@click.option("--do", "action", default=None, help="With CASE: accept, hold, rematch, return_to_supplier, comment.")
@click.option("--reason", default="", help="With --do: why; kept in the audit trail.")
@site_option
@json_option
def command(
    case: str | None, owner: str | None, kind: str | None, supplier: str | None, facility: str | None, state: str,
    limit: int, action: str | None, reason: str, site: Path, as_json: bool,
) -> None:  # fmt: skip
    """Exceptions that wait for a person, the most important first; with CASE, that one and its evidence.

    \b
    Example:
      isthmus cases --owner buyer
      isthmus cases 212cf252c731
      isthmus cases 212cf252c731 --do accept --reason "agreed with the supplier on the phone"
    """
    if action is not None:
        return _decide(site, case, CaseAsk(action, reason), as_json=as_json)
    if case is not None:
        return _show(site, case, as_json=as_json)
    states = STATES if state == "any" else (state,)
    query = CaseQuery(states, owner, kind, supplier, facility, limit)
    rows = ask(site, lambda engine: engine.p2p.cases(query))
    if as_json:
        return print_json(rows)
    if rows:
        click.echo(f"{'case':<12} {'due, UTC':<16} {'at stake':>18} {'owner':<18} {'about':<20} what")
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("no exception fits")


def _line(row: CaseRow) -> str:
    due = f"{row.due_at:%m-%d %H:%M}{' late' if row.late else ''}" if row.due_at else "-"
    stake = priced(row.amount, row.currency) if row.amount else "-"
    return f"{row.ref} {due:<16} {stake:>18} {row.owner:<18} {row.dossier:<20} {row.title}"


def _decide(site: Path, case: str | None, decision: CaseAsk, *, as_json: bool) -> None:
    if case is None or not decision.reason.strip():
        raise click.UsageError("a decision needs CASE and --reason")
    row = ask(site, lambda engine: engine.p2p.act(case, decision, who()))
    if as_json:
        return print_json(row)
    click.echo(f"kept; the case is {row.state}")


def _show(site: Path, case: str, *, as_json: bool) -> None:
    view = ask(site, lambda engine: engine.p2p.case(case))
    if view is None:
        raise click.ClickException("there is no such case")
    if as_json:
        return print_json(view)
    row = view.row
    click.secho(f"{row.title}  {row.state}{' late' if row.late else ''}", bold=True)
    click.echo(_line(row))
    if view.rule:
        click.echo(f"rule: {view.rule}")
    for name, value in view.facts.items():
        click.echo(f"  {name}: {value}")
    if view.flip:
        click.echo(f"otherwise: {view.flip}")
    _evidence(view)
    click.secho("history", bold=True)
    for entry in view.history:
        by = f" by {entry.who}" if entry.who else ""
        why = f": {entry.reason}" if entry.reason else ""
        click.echo(f"  {entry.at:%m-%d %H:%M} {entry.what}{by}{why} {entry.detail}".rstrip())


def _evidence(view: CaseView) -> None:
    evidence = view.evidence
    if not evidence.lines:
        return
    click.secho(f"order {evidence.order or '-'} | received | invoice {evidence.invoice or '-'}", bold=True)
    for line in evidence.lines:
        sides = " | ".join(_side(side).ljust(_WIDTH) for side in (line.ordered, line.received, line.invoiced))
        differs = f" differs: {', '.join(line.differs)}" if line.differs else ""
        click.echo(f"  {line.number:>3} {sides}{differs}")


def _side(side: Side | None) -> str:
    if side is None:
        return "-"
    return f"{grouped(side.quantity)} {side.unit}" + (f" at {grouped(side.price)}" if side.price else "")
