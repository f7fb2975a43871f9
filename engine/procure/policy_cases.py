"""Cases beside the policies: documents and a time in, the decision that is expected. `isthmus test` runs them.

config/policies/approvals.yaml
config/policies/approvals.cases/
  large_order.yaml      one case
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from pydantic import AwareDatetime, Field, ValidationError

from engine.canonical import KINDS, Document
from engine.channel.expectation import compare_values
from engine.channel.model import Settings
from engine.channel.policies import FOLDER, Policies
from engine.channel.yaml_source import read_yaml
from engine.core.clock import to_micros
from engine.ports.procure import Record, Reference
from engine.procure.deciders import decide
from engine.procure.decision import Decision, World
from engine.procure.ownership import owner_of
from engine.procure.papers import Papers

_LARGEST = 1_000_000  # characters of one case


class CaseExpectation(Settings):
    """What is not named is not compared."""

    state: dict[str, Any] | None = Field(default=None, description="Parts of the decision's state.")
    findings: tuple[dict[str, Any], ...] | None = Field(
        default=None, description="All exceptions in order of type and place: type, owner, and more of each."
    )
    commands: tuple[str, ...] | None = Field(default=None, description="All that is to be done, in order of its key.")


class PolicyCase(Settings):
    """One case. A document has `kind:` and the fields of its kind, and may have `written_by:`, who was logged in."""

    about: str = Field(default="", description="What this case shows, for people.")
    at: AwareDatetime = Field(description="The time of the decision.", examples=["2026-11-23T14:00:00Z"])
    dossier: str = Field(description="Which dossier is decided.", examples=["approval:A-1"])
    documents: tuple[dict[str, Any], ...] = Field(description="Of this dossier; later ones of one key are versions.")
    known: tuple[dict[str, Any], ...] = Field(default=(), description="Documents of other dossiers.")
    expect: CaseExpectation = Field(description="What the decision is.")


class PolicyOutcome(msgspec.Struct, frozen=True):
    """How a case came out. `problem`: it could not be run at all."""

    name: str
    path: str
    differences: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def passed(self) -> bool:
        return not self.differences and self.problem is None


def run_policy_cases(root: Path, policies: Policies) -> Iterator[PolicyOutcome]:
    """All cases of a site's policies, by file."""
    for path in sorted((root / FOLDER).glob("*.cases/*.yaml")):
        inside = path.relative_to(root).as_posix()
        name = f"{path.parent.name.removesuffix('.cases')}/{path.stem}"
        try:
            case = _read(path, inside)
            yield PolicyOutcome(name, inside, tuple(_differences(case, *_decided(case, policies))))
        except (ValueError, OSError) as error:
            yield PolicyOutcome(name, inside, problem=_words(error))


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the case'}: {first['msg']}"
    return str(error)


def _read(path: Path, inside: str) -> PolicyCase:
    """Raises ValueError, OSError: it cannot be read, or is no case."""
    source = read_yaml(path.read_text(encoding="utf-8")[:_LARGEST], inside)
    if source.findings:
        raise ValueError(str(source.findings[0]))
    return PolicyCase.model_validate(source.data)


def _decided(case: PolicyCase, policies: Policies) -> tuple[Decision, World]:
    papers = Papers(_records(case))
    known = {Reference(one.kind, one.natural_key): one for one, _ in map(_document, case.known)}
    world = World(case.at.astimezone(UTC), known, {}, policies)
    return decide(case.dossier, papers, world), world


def _records(case: PolicyCase) -> Iterator[Record]:
    versions: dict[tuple[str, str], int] = {}
    for data in case.documents:
        document, who = _document(data)
        key = (document.kind, document.natural_key)
        versions[key] = versions.get(key, 0) + 1
        yield Record(*key, versions[key], document.model_dump_json().encode(), to_micros(case.at), None, who)


def _document(data: Mapping[str, Any]) -> tuple[Document, str | None]:
    """Raises ValueError: the kind is not known, or its fields do not fit."""
    kind = KINDS.get(str(data.get("kind")))
    if kind is None:
        raise ValueError(f"a document needs kind:, one of {', '.join(sorted(KINDS))}")
    fields = {name: value for name, value in data.items() if name not in ("kind", "written_by")}
    return kind.model_validate(fields), data.get("written_by")


def _differences(case: PolicyCase, decision: Decision, world: World) -> Iterator[str]:
    if case.expect.state is not None:
        yield from map(str, compare_values("state", case.expect.state, dict(decision.state)))
    if case.expect.commands is not None:
        keys = sorted(one.key for one in decision.intents)
        yield from map(str, compare_values("commands", list(case.expect.commands), keys))
    if case.expect.findings is not None:
        found = sorted(decision.findings, key=lambda one: (one.type, one.place))
        shown = [{**_finding(one), "owner": owner_of(one, world).name} for one in found]
        yield from map(str, compare_values("findings", list(case.expect.findings), shown))


def _finding(one: Any) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.structs.asdict(one)
    shown["money"] = one.money.model_dump(mode="json") if one.money else None
    shown["due_by"] = one.due_by.astimezone(UTC).isoformat() if isinstance(one.due_by, datetime) else None
    return shown
