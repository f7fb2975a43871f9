"""OperationOutcome: written for whoever sent us something, and read, without its values, when a far side refuses.

Source: https://hl7.org/fhir/R5/operationoutcome.html; value set issue-type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from engine.core.errors import IsthmusError, MessageError

CODES = "urn:isthmus:code"  # the system of our own codes in `details.coding`
_TYPES = frozenset(
    re.findall(
        r"\S+",
        "invalid structure required value invariant security login unknown expired forbidden suppressed processing "
        "not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly "
        "business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational "
        "success limited-filter",
    )
)
_plain_place = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\[\d{1,6}\]|\.[A-Za-z][A-Za-z0-9_]*){0,40}").fullmatch
_MOST_READ = 5


class Issue(msgspec.Struct, frozen=True):
    """One thing to say: `type` of FHIR's value set, our own `code`, words, the place as FHIRPath, what to do."""

    type: str
    text: str
    severity: Literal["fatal", "error", "warning", "information"] = "error"
    code: str | None = None
    where: str | None = None
    remedy: str | None = None


def issue_of(error: IsthmusError) -> Issue:
    """An error of ours as an issue."""
    kind = "structure" if isinstance(error, MessageError) else "processing"
    return Issue(kind, error.what, code=error.code, where=error.where, remedy=error.remedy)


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [_written(issue) for issue in issues]}


def _written(issue: Issue) -> dict[str, Any]:
    coding = {"coding": [{"system": CODES, "code": issue.code}]} if issue.code else {}
    written: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.type,
        "details": {**coding, "text": issue.text},
    }
    if issue.remedy:
        written["diagnostics"] = issue.remedy
    if issue.where:
        written["expression"] = [issue.where]
    return written


class _Told(msgspec.Struct, frozen=True):
    severity: str = ""
    code: str = ""
    expression: list[str] | None = None
    location: list[str] | None = None


class _Outcome(msgspec.Struct, frozen=True):
    resourceType: str
    issue: list[_Told] = []


_OUTCOME = msgspec.json.Decoder(_Outcome)


def told_by(body: bytes) -> list[Issue]:
    """The errors of a far side's outcome: type and place only, since its words may repeat values.

    A type that is not of the value set is `unknown`; a place with anything but names and positions is left out.
    Empty when the body is no OperationOutcome.
    """
    try:
        outcome = _OUTCOME.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if outcome.resourceType != "OperationOutcome":
        return []
    errors = [one for one in outcome.issue if one.severity in ("error", "fatal")]
    return [_read(one) for one in errors[:_MOST_READ]]


def _read(told: _Told) -> Issue:
    kind = told.code if told.code in _TYPES else "unknown"
    place = next((p for p in told.expression or told.location or [] if len(p) <= 200 and _plain_place(p)), None)
    return Issue(kind, f"the far side says: {kind}", where=place)
