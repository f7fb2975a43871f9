"""`isthmus recall`: everything that names a lot, so that nobody uses what was recalled and all who did are found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option
from engine.core.figures import grouped
from engine.ports.lots import LotMention, LotPlace, LotView

_HEAD = ("what", "on", "quantity", "place", "case", "document")
_NUMBER = 2  # this column is read from its end


@click.command()
@click.option("--item", required=True, help="Item number, device identifier (UDI-DI) or the whole scanned label.")
@click.option("--lot", default="", help="Lot, as it is on the label; left out when the label was scanned whole.")
@site_option
@json_option
def command(item: str, lot: str, site: Path, as_json: bool) -> None:
    """Orders, shipments, receipts, places, cases, charges and invoices of one lot; no clinical data.

    Exit 0: it is known, 1: no document names it.

    \b
    Example:
      isthmus recall --item M-1001 --lot L2291
      isthmus recall --item "(01)00850068673094(17)271231(10)L-2201" --json
    """
    found = ask(site, lambda engine: engine.p2p.lot(item, lot))
    if found is None and as_json:
        print_json(LotView(item, lot, names=(), mentions=(), places=(), cases=()))
        raise SystemExit(1)
    if found is None:
        more = "" if lot else "; give --lot as well, unless the label that was scanned has it"
        raise click.ClickException(f"no document names this lot of this item: letters count as on the label{more}")
    if as_json:
        return print_json(found)
    for line in printed(found):
        click.echo(line)


def printed(found: LotView) -> Iterator[str]:
    """For people: what was recalled, where it lies, for which cases it was used, then every document."""
    yield click.style(f"{found.item} lot {found.lot}", bold=True)
    for notice in found.notices:
        over = f", ended {notice.ended_on}" if notice.ended_on else ""
        yield f"recalled {notice.recalled_on} by {notice.number}{over}: {notice.reason or 'no reason is told'}"
    yield f"lies at: {'; '.join(map(_place, found.places)) or 'no place, by these documents'}"
    yield f"cases:   {', '.join(found.cases) or 'none'}"
    for one in found.exceptions:
        yield f"exception {one.ref} case {one.case} with {one.owner}: {one.title}"
    rows = [_HEAD, *map(_row, found.mentions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        cells[_NUMBER] = row[_NUMBER].rjust(widths[_NUMBER])
        yield "  ".join(cells).rstrip()


def _place(one: LotPlace) -> str:
    return f"{one.place or 'a place that nobody names'} {grouped(one.quantity)} {one.unit}"


def _row(one: LotMention) -> tuple[str, ...]:
    what = ", ".join(dict.fromkeys(filter(None, (one.stage.replace("_", " "), one.detail))))
    place = f"{one.place} to {one.to}" if one.to else one.place
    document = f"{one.kind} {one.key}" + (f" of {one.order}" if one.order else "")
    return what, one.on, f"{grouped(one.quantity)} {one.unit}", place, one.case, document
