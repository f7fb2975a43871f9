"""Cases beside the policies: documents and a time in, the decision that is expected. `isthmus test` runs them.

A case decides over a dossier, or asks single rules (`ask:`, see policy_questions.py), or both.

config/policies/approvals.yaml
config/policies/approvals.cases/
  large_order.yaml      one case
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from engine.channel.expectation import compare_values
from engine.channel.explain import explain
from engine.channel.finding import Finding as Mistake
from engine.channel.finding import errors_among
from engine.channel.model import Settings
from engine.channel.policies import FOLDER, Policies
from engine.channel.yaml_source import read_yaml
from engine.core.clock import from_micros, to_micros
from engine.ports.procure import Record, Reference
from engine.procure.deciders import decide
from engine.procure.decision import Decision, Finding, World
from engine.procure.ownership import owner_of
from engine.procure.papers import Papers
from engine.procure.policy.questions import Question, document_of

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
    dossier: str | None = Field(default=None, description="Which dossier is decided.", examples=["approval:A-1"])
    documents: tuple[dict[str, Any], ...] = Field(
        default=(), description="Of this dossier; later ones of one key are versions."
    )
    known: tuple[dict[str, Any], ...] = Field(default=(), description="Documents of other dossiers.")
    told_until: dict[str, AwareDatetime] = Field(
        default_factory=dict,
        description="Up to when each source has told everything.",
        examples=[{"receipts": "2026-11-23T14:00:00Z"}],
    )
    given: tuple[str, ...] = Field(default=(), description="Keys of commands that were given before.")
    expect: CaseExpectation | None = Field(default=None, description="What the decision is.")
    ask: tuple[Question, ...] = Field(default=(), description="Questions to single rules.")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if (self.dossier is None) != (self.expect is None) or (self.dossier is not None) != bool(self.documents):
            raise ValueError("dossier, documents and expect go together")
        if self.dossier is None and not self.ask:
            raise ValueError("give dossier, documents and expect, or ask")
        return self


class PolicyOutcome(msgspec.Struct, frozen=True):
    """How a case came out. `problem`: it could not be run at all."""

    name: str
    path: str
    differences: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def passed(self) -> bool:
        return not self.differences and self.problem is None


def run_policy_cases(root: Path, policies: Policies, mistakes: Sequence[Mistake] = ()) -> Iterator[PolicyOutcome]:
    """All cases of a site's policies, by file.

    Args:
        mistakes: of the policies' files; while there are any, no case tells what the policies decide.
    """
    wrong = next((str(one) for one in errors_among(mistakes)), None)
    for path in sorted((root / FOLDER).glob("*.cases/*.yaml")):
        inside = path.relative_to(root).as_posix()
        name = f"{path.parent.name.removesuffix('.cases')}/{path.stem}"
        if wrong is not None:
            yield PolicyOutcome(name, inside, problem=f"the policies have a mistake: {wrong}")
            continue
        try:
            case = _read(path, inside)
            yield PolicyOutcome(name, inside, (*_decision(case, policies), *_answers(case, policies)))
        except (ValueError, OSError) as error:
            yield PolicyOutcome(name, inside, problem=str(error))


def _read(path: Path, inside: str) -> PolicyCase:
    """Raises ValueError, OSError: it cannot be read, or is no case."""
    source = read_yaml(path.read_text(encoding="utf-8")[:_LARGEST], inside)
    if source.findings:
        raise ValueError(str(source.findings[0]))
    try:
        return PolicyCase.model_validate(source.data)
    except ValidationError as error:
        raise ValueError(str(explain(error, source, (), PolicyCase)[0])) from None


def _answers(case: PolicyCase, policies: Policies) -> Iterator[str]:
    for number, one in enumerate(case.ask, 1):
        name, answer = one.answered(policies, case.at.astimezone(UTC))
        yield from map(str, compare_values(f"ask {number}, {name}", one.expect, dict(answer)))


def _decision(case: PolicyCase, policies: Policies) -> Iterator[str]:
    if case.dossier is None or case.expect is None:
        return
    papers = Papers(_records(case))
    known = {Reference(one.kind, one.natural_key): one for one in map(document_of, case.known)}
    told = {source: until.astimezone(UTC) for source, until in case.told_until.items()}
    world = World(case.at.astimezone(UTC), known, told, policies, given=frozenset(case.given))
    yield from _differences(case.expect, decide(case.dossier, papers, world), world)


def _records(case: PolicyCase) -> Iterator[Record]:
    versions: dict[tuple[str, str], int] = {}
    for data in case.documents:
        document, who = document_of(data), data.get("written_by")
        key = (document.kind, document.natural_key)
        versions[key] = versions.get(key, 0) + 1
        yield Record(*key, versions[key], document.model_dump_json().encode(), to_micros(case.at), None, who)


def _differences(expect: CaseExpectation, decision: Decision, world: World) -> Iterator[str]:
    if expect.state is not None:
        yield from map(str, compare_values("state", expect.state, dict(decision.state)))
    if expect.commands is not None:
        keys = sorted(one.key for one in decision.intents)
        yield from map(str, compare_values("commands", list(expect.commands), keys))
    if expect.findings is not None:
        found = sorted(decision.findings, key=lambda one: (one.type, one.place))
        shown = [{**_finding(one), **_owned(one, world)} for one in found]
        yield from map(str, compare_values("findings", list(expect.findings), shown))


def _owned(one: Finding, world: World) -> dict[str, Any]:
    owner = owner_of(one, world)
    return {"owner": owner.name, "rank": owner.rank, "due": from_micros(owner.due_micros).isoformat()}


def _finding(one: Finding) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.structs.asdict(one)
    shown["money"] = one.money.model_dump(mode="json") if one.money else None
    shown["due_by"] = one.due_by.astimezone(UTC).isoformat() if isinstance(one.due_by, datetime) else None
    return shown
