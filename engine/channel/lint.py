"""Lint: everything that can be known to be wrong before a message comes.

A finding is silenced where it stands by a remark that gives its code and a reason:
`listen: 0.0.0.0:6661   # lint: allow C091 the network is the hospital's own`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import structs

from engine.channel.codes import ADVICE
from engine.channel.finding import Finding
from engine.channel.lints import (
    as2,
    cases,
    connectors,
    delivery,
    documents,
    layouts,
    messages,
    policies,
    policy_bands,
    policy_names,
    policy_slips,
    scripts,
    secrets,
    soap,
    together,
    transports,
)
from engine.channel.lints.ground import Ground, Knowledge, survey
from engine.channel.site import Site

Family = Callable[[Ground], Iterator[Finding]]
FAMILIES: tuple[Family, ...] = (
    together.check,
    connectors.check,
    messages.check,
    documents.check,
    scripts.check,
    delivery.check,
    secrets.check,
    cases.check,
    soap.check,
    as2.check,
    transports.check,
    layouts.check,
    policies.check,
    policy_bands.check,
    policy_names.check,
    policy_slips.check,
)
_ALLOW = re.compile(r"#\s*lint: allow (?P<codes>C\d{3}(?:[ ,]+C\d{3})*)\s+\S")


def lint(site: Site, knowledge: Knowledge) -> list[Finding]:
    """All findings, in the order of files and lines, without those that a remark allows."""
    ground = survey(site, knowledge)
    found = {*site.findings, *ground.findings}
    for family in FAMILIES:
        found.update(family(ground))
    return sorted(_advised(finding) for finding in _without_allowed(_without_repeats(found), site.root))


def _advised(finding: Finding) -> Finding:
    return finding if finding.suggestion else structs.replace(finding, suggestion=ADVICE.get(finding.code))


def _without_repeats(findings: Iterable[Finding]) -> Iterator[Finding]:
    """A secret in clear also breaks the form of its setting: the secret is what matters."""
    everything = list(findings)
    secrets = {(f.file, f.line, f.column) for f in everything if f.code in ("C090", "C094")}
    for finding in everything:
        if finding.code not in ("C004", "C009") or (finding.file, finding.line, finding.column) not in secrets:
            yield finding


def _without_allowed(findings: Iterable[Finding], root: Path) -> Iterator[Finding]:
    lines: dict[str, list[str]] = {}
    for finding in findings:
        text = lines.get(finding.file)
        if text is None:
            text = lines[finding.file] = _lines(root / finding.file)
        if finding.code not in _allowed(text, finding.line):
            yield finding


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _allowed(lines: list[str], number: int) -> set[str]:
    """Codes that the line, or a remark line just above it, allows."""
    near = lines[number - 1 : number] + [
        s for s in lines[max(number - 2, 0) : number - 1] if s.lstrip().startswith("#")
    ]
    return {code for line in near for match in _ALLOW.finditer(line) for code in re.findall(r"C\d{3}", match["codes"])}
