"""`isthmus parse`: any file as a tree, or only whether it can be read and written again byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from engine.channel.layout import Layout
from engine.channel.load import load_layouts
from engine.cli.parse_documents import table
from engine.cli.parse_formats import FORMATS, detect
from engine.cli.parse_shown import Parsed
from engine.cli.workspace import json_option, print_json, printable, site_root
from engine.core.errors import IsthmusError


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--check", is_flag=True, help="Only tell whether each file parses, is whole and re-encodes byte for byte."
)
@click.option("--layout", help="Read tables (delimited, fixed width, Excel) by this layout of the site here.")
@json_option
def command(files: tuple[Path, ...], check: bool, layout: str | None, as_json: bool) -> None:
    """Show HL7 v2, X12, FHIR, JSON, XML, mails and ZIP files as trees; the format is told by the content. Folders
    are walked.

    Exit 0: all could be read (and, with --check, are whole and are written again as they were), 1: not all. An X12
    interchange is whole with all its trailers, right counts and control numbers; an HL7 batch with its trailers and
    counts; a table when every row can be read.

    \b
    Examples:
      isthmus parse message.hl7
      isthmus parse --check samples/ --json
      isthmus parse --layout supplier_prices prices.csv
    """
    by_layout = _layout(layout) if layout else None
    outcomes: list[Outcome] = []
    for path in _walk(files):
        outcome = _parse(path, check, by_layout)
        outcomes.append(outcome)
        if not as_json:
            _print(outcome, check)
    if as_json:
        print_json([outcome.data() for outcome in outcomes])
    failed = sum(not outcome.ok for outcome in outcomes)
    if not as_json and len(outcomes) > 1:
        click.echo(f"{len(outcomes)} files, {failed} refused")
    sys.exit(1 if failed else 0)


class Outcome:
    """One file: what it is, and what was wrong."""

    def __init__(self, path: Path, format_name: str | None, error: str | None, parsed: Parsed | None = None) -> None:
        self.path, self.format, self.error, self.parsed = path, format_name, error, parsed
        self.ok = error is None

    def data(self) -> dict[str, object]:
        return {"file": str(self.path), "ok": self.ok, "format": self.format, "error": self.error}


def _walk(files: Iterable[Path]) -> Iterator[Path]:
    for path in files:
        if path.is_dir():
            yield from sorted(inner for inner in path.rglob("*") if inner.is_file())
        else:
            yield path


def _layout(name: str) -> Layout:
    layouts = load_layouts(site_root(Path()))
    if name not in layouts:
        known = ", ".join(sorted(layouts)) or "none"
        raise click.UsageError(f"there is no layout '{name}' in config/layouts; there are: {known}")
    return layouts[name]


def _parse(path: Path, check: bool, layout: Layout | None) -> Outcome:
    try:
        data = path.read_bytes()
    except OSError as error:
        return Outcome(path, None, f"M001 the file cannot be read: {error.strerror}")
    if layout is not None:
        return _read(path, layout.kind, data, table(layout), check)
    name = detect(data)
    if name is None and not data.strip():
        return Outcome(path, None, "M001 byte 1: the file is empty")
    if name is None:
        known = "HL7 v2 (MSH, FHS, BHS), X12 (ISA), JSON, XML, mail or ZIP; a table needs --layout"
        return Outcome(path, None, f"M001 byte 1: not {known}")
    return _read(path, name, data, FORMATS[name], check)


def _read(path: Path, name: str, data: bytes, read: Callable[[bytes], Parsed], check: bool) -> Outcome:
    try:
        parsed = read(data)
        same = not check or parsed.encode() == data
    except IsthmusError as error:
        return Outcome(path, name, str(error))
    except Exception as error:  # one file that shows a defect of the reader must not hide the others
        return Outcome(path, name, f"E000 the reader failed: {type(error).__name__}")
    if not same:
        return Outcome(path, name, "E001 it is not written again byte for byte", parsed)
    return Outcome(path, name, _not_whole(parsed) if check else None, parsed)


def _not_whole(parsed: Parsed) -> str | None:
    """In words of the first fault; the others are listed as findings."""
    if not parsed.broken:
        return None
    others = len(parsed.broken) - 1
    return f"E002 it is not whole: {parsed.broken[0]}" + (f"; and {others} more" if others else "")


def _print(outcome: Outcome, check: bool) -> None:
    name = click.style(str(outcome.path), bold=True)
    if not outcome.ok:
        click.echo(f"{name}: {click.style('refused', fg='red')} {outcome.format or ''} {outcome.error}")
        for finding in outcome.parsed.findings if outcome.parsed else ():
            click.echo(f"  {click.style(finding, fg='yellow')}")
        return
    assert outcome.parsed is not None
    word = click.style("not whole", fg="yellow") if outcome.parsed.broken else click.style("ok", fg="green")
    click.echo(f"{name}: {word} {outcome.format}, {printable(outcome.parsed.summary)}")
    for finding in outcome.parsed.findings:
        click.echo(f"  {click.style(finding, fg='yellow')}")
    if not check:
        for line in outcome.parsed.tree():
            click.echo(line)
