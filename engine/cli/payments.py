"""`isthmus payments`: payment runs, what they pay and leave, and where each payment stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.core.figures import priced
from engine.ports.payments import GROUPS, PaymentAsk, PaymentRow, PaymentView, RunRow, RunView


@click.command()
@click.argument("payment", required=False)
@click.option("--run", "run", default=None, help="One run: what it pays, what it left and why, its files.")
@click.option("--runs", "runs", is_flag=True, help="The runs, the newest first.")
@click.option("--group", type=click.Choice(GROUPS), default=None, help="Only those that stand so.")
@click.option("--supplier", default=None, help="Only those of this supplier's number.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
@site_option
@json_option
def command(
    payment: str | None, run: str | None, runs: bool, group: str | None, supplier: str | None, limit: int, site: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Payments as ERP, bank and portal tell of them, those decided last first; with PAYMENT, that one.

    \b
    Example:
      isthmus payments --group disputed
      isthmus payments --runs
      isthmus payments --run RUN-20261119T150000
      isthmus payments RUN-20261119T150000-0003
    """
    if payment is not None:
        return _show(site, payment, as_json=as_json)
    if runs:
        return _print_runs(ask(site, lambda engine: engine.payments.runs(limit, who())), as_json=as_json)
    if run is not None and group is None and supplier is None:
        return _show_run(site, run, as_json=as_json)
    rows = ask(site, lambda engine: engine.payments.payments(PaymentAsk(group, run, supplier, limit), who()))
    if as_json:
        return print_json(rows)
    for row in rows:
        _print_row(row)
    if not rows:
        click.echo("no payment fits")


def _show(site: Path, number: str, *, as_json: bool) -> None:
    view = ask(site, lambda engine: engine.payments.payment(number, who()))
    if view is None:
        raise click.ClickException("there is no such payment")
    return print_json(view) if as_json else _print_payment(view)


def _show_run(site: Path, number: str, *, as_json: bool) -> None:
    view = ask(site, lambda engine: engine.payments.run(number, who()))
    if view is None:
        raise click.ClickException("there is no such payment run")
    return print_json(view) if as_json else _print_run(view)


# ------------------------------------------------------------------ in words
def _print_runs(rows: list[RunRow], *, as_json: bool) -> None:
    if as_json:
        return print_json(rows)
    for row in rows:
        click.echo(_run_line(row))
    if not rows:
        click.echo("no run was made yet")


def _run_line(row: RunRow) -> str:
    where = ", ".join(f"{count} {group.replace('_', ' ')}" for group, count in row.groups.items())
    return f"{row.number:<24} {row.pay_on} {row.payments:>4} {_money(row.sums):>24} left {row.left:<4} {where}"


def _print_run(view: RunView) -> None:
    click.secho(_run_line(view.row), bold=True)
    for row in view.payments:
        _print_row(row)
    if view.left:
        click.secho("not paid", bold=True)
    for one in view.left:
        facts = f" ({', '.join(one.facts)})" if one.facts else ""
        click.echo(
            f"  {one.supplier + '/' + one.invoice:<32} {priced(one.amount, one.currency):>18}  {one.words}{facts}"
        )
    if view.left_out:
        click.echo(f"  and {view.left_out} further ones")
    for file in view.files:
        click.echo(f"list: {file.reference or file.channel + '.' + file.destination} {file.state.name}")


def _print_row(row: PaymentRow) -> None:
    state = f"{row.state}, held" if row.group == "held" else row.state
    part = " in part" if row.partly else ""
    name = f"{row.supplier} {row.supplier_name}".strip()
    click.echo(f"{row.number:<28} {row.pay_on} {priced(row.amount, row.currency):>18}{part} {state:<16} {name}")
    for one in (*row.against, *row.to_do):
        click.echo(f"  {one}")


def _print_payment(view: PaymentView) -> None:
    _print_row(view.row)
    row = view.row
    click.echo(f"  account {row.account or '-'}, {row.method}, run {row.run or '-'}, discount {row.discount or '-'}")
    for part in row.parts:
        click.echo(
            f"  {part.supplier}/{part.invoice} {priced(part.amount, part.currency)} {part.dossier} {part.why or ''}"
        )
    for one in view.told:
        reason = f" {one.reason}" if one.reason else ""
        click.echo(f"  {one.at:%Y-%m-%d %H:%M} {one.system}: {one.word}{reason} (by {one.by})")
    for case in row.cases:
        click.echo(f"  {'approval' if case.approval else 'case'} {case.ref}: {case.title}")


def _money(sums: Mapping[str, str]) -> str:
    return ", ".join(priced(amount, currency) for currency, amount in sums.items()) or "-"
