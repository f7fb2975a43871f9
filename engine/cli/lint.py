"""`isthmus lint`: every mistake that can be seen before a message comes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.channel.codes import CODES
from engine.channel.finding import Finding
from engine.channel.lint import lint
from engine.cli.workspace import is_selected, json_option, knowledge, paths_argument, print_json, selected


@click.command()
@paths_argument
@json_option
def command(paths: tuple[Path, ...], as_json: bool) -> None:
    """Find mistakes in a site, or in some of its files. Exit 0: none, 1: some.

    A whole site is always read, because mistakes lie between files; PATH chooses what is shown.

    \b
    Examples:
      isthmus lint
      isthmus lint channels/supply_usage --json
    """
    found: list[Finding] = []
    files = 0
    for site, inside in selected(paths):
        found += [finding for finding in lint(site, knowledge()) if is_selected(finding.file, inside)]
        files += sum(
            is_selected(file, inside) for file in (*site.sources, *(f"transforms/{s}.py" for s in site.scripts))
        )
    if as_json:
        print_json([_data(finding) for finding in found])
    else:
        _print(found, files)
    sys.exit(1 if found else 0)


def _data(finding: Finding) -> dict[str, object]:
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "code": finding.code,
        "severity": finding.severity,
        "title": CODES[finding.code].title,
        "text": finding.text,
        "suggestion": finding.suggestion,
    }


def _print(found: list[Finding], files: int) -> None:
    for finding in found:
        place = click.style(f"{finding.file}:{finding.line}:{finding.column}:", bold=True)
        code = click.style(finding.code, fg="red" if finding.severity == "error" else "yellow")
        advice = click.style(f"; {finding.suggestion}", dim=True) if finding.suggestion else ""
        click.echo(f"{place} {code} {finding.text}{advice}")
    errors = sum(finding.severity == "error" for finding in found)
    if not found:
        click.echo(f"{files} files, no mistakes found")
    else:
        click.echo(f"{files} files, {errors} errors, {len(found) - errors} warnings", err=True)
