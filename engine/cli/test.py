"""`isthmus test`: the cases beside the channels."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.channel.cases import CaseOutcome, run_cases, write_expectation
from engine.channel.policies import FOLDER
from engine.channel.site import Site
from engine.cli.workspace import is_selected, json_option, paths_argument, print_json, selected
from engine.procure.policy.cases import PolicyOutcome, run_policy_cases


@click.command()
@paths_argument
@click.option("--update", is_flag=True, help="Write what came out as what is expected, for review in git.")
@json_option
def command(paths: tuple[Path, ...], update: bool, as_json: bool) -> None:
    """Run the cases beside the channels and the policies, with the code that runs them. Exit 0: all hold, 1: not all.

    \b
    Examples:
      isthmus test
      isthmus test channels/invoices/supplier_invoice_in.yaml
      isthmus test channels/invoices/supplier_invoice_in.cases/credit_memo --update
      isthmus test config/policies
    """
    from engine.cli.dry_run import runner_for

    outcomes: list[CaseOutcome] = []
    rules: list[PolicyOutcome] = []
    for site, inside in selected(paths):
        rules += _policies(site, inside, as_json)
        channel_paths = [path for path in inside if not path.startswith("config")]
        if inside and not channel_paths:
            continue
        channels, folders = _chosen(site, channel_paths)
        for outcome in run_cases(site, runner_for(site), channels, folders):
            outcomes.append(outcome)
            is_written = update and not outcome.passed and outcome.result is not None
            if not as_json:
                _print(outcome, is_written)
            if is_written:
                written = write_expectation(site.root, outcome)
                if not as_json:
                    click.echo(f"    written: {written}")
    if as_json:
        print_json([*map(_data, outcomes), *map(_policy_data, rules)])
    failed = [o for o in outcomes if not o.passed and not (update and o.result is not None)]
    wrong = sum(not one.passed for one in rules)
    if not as_json:
        _summary(len(outcomes) + len(rules), len(failed) + wrong)
    sys.exit(1 if failed or wrong or not (outcomes or rules) else 0)


def _policies(site: Site, inside: list[str], as_json: bool) -> list[PolicyOutcome]:
    mistakes = [one for one in site.findings if one.file.startswith(f"{FOLDER}/")]
    found = [one for one in run_policy_cases(site.root, site.policies, mistakes) if is_selected(one.path, inside)]
    for one in () if as_json else found:
        mark = click.style("ok  ", fg="green") if one.passed else click.style("FAIL", fg="red", bold=True)
        click.echo(f"{mark} policies {one.name}")
        for line in (*([one.problem] if one.problem else []), *one.differences):
            click.echo(f"    {line}")
    return found


def _policy_data(one: PolicyOutcome) -> dict[str, object]:
    return {
        "policy": one.name.partition("/")[0],
        "case": one.name.partition("/")[2],
        "folder": one.path,
        "passed": one.passed,
        "differences": list(one.differences),
        "problem": one.problem,
    }


def _chosen(site: Site, inside: list[str]) -> tuple[set[str] | None, list[str]]:
    """Channels named by their files or by folders of files; the rest are folders of cases."""
    if not inside:
        return None, []
    channels, folders = set(), []
    for path in inside:
        named = {f.model.channel for f in site.files if f.model and (f.path == path or f.path.startswith(f"{path}/"))}
        if named and ".cases" not in path:
            channels |= named
        else:
            folders.append(path)
    return (None, folders) if folders else (channels, [])


def _data(outcome: CaseOutcome) -> dict[str, object]:
    return {
        "channel": outcome.channel,
        "case": outcome.name,
        "folder": outcome.folder,
        "passed": outcome.passed,
        "differences": list(outcome.differences),
        "problem": outcome.problem,
        "state": outcome.result.state.name if outcome.result else None,
        "microseconds": outcome.micros,
    }


def _print(outcome: CaseOutcome, is_written: bool) -> None:
    """`is_written`: what came out is what is expected from now on."""
    mark = click.style("ok  ", fg="green") if outcome.passed else click.style("FAIL", fg="red", bold=True)
    mark = click.style("new ", fg="yellow") if is_written else mark
    state = outcome.result.state.name if outcome.result else ""
    click.echo(f"{mark} {outcome.channel}/{outcome.name}  {click.style(state, dim=True)}")
    if outcome.problem:
        hint = " (isthmus test --update writes it)" if outcome.new else ""
        click.echo(f"    {outcome.problem}{hint}")
    for difference in outcome.differences:
        click.echo(f"    {difference}")


def _summary(cases: int, failed: int) -> None:
    if not cases:
        click.echo("there are no cases here: put a message into channels/…/<channel>.cases/<name>/input.hl7", err=True)
    else:
        click.echo(f"{cases} cases, {failed} failed")
