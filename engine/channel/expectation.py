"""What a case expects: `expect.yaml`, and how it is compared with what came out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import Field, model_validator

from engine.channel.model import Settings
from engine.channel.yaml_source import Path
from engine.ports.script import WorkResult

StateName = Literal["REFUSED", "FILTERED", "TRANSFORMED", "QUEUED", "HELD"]


class DocumentExpectation(Settings):
    """One document, in the order in which they are made. Give one of `contains`, `equals`, `lines`, `file`."""

    kind: str | None = Field(
        default=None, description="Canonical kind; left out for messages.", examples=["Requisition"]
    )
    contains: dict[str, Any] | None = Field(default=None, description="Fields that must be there; others may be too.")
    equals: dict[str, Any] | None = Field(default=None, description="The whole document, nothing beside it.")
    lines: tuple[str, ...] | None = Field(default=None, description="Lines or segments that the message must have.")
    file: str | None = Field(default=None, description="File beside this one with the exact bytes.", examples=["1.edi"])

    @model_validator(mode="after")
    def _one_way(self) -> DocumentExpectation:
        ways = [self.contains, self.equals, self.lines, self.file]
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give one of contains, equals, lines and file")
        return self


class Expectation(Settings):
    """What should become of a case's input. What is not named is not compared."""

    about: str = Field(default="", description="What this case shows, for people.")
    state: StateName = Field(description="QUEUED: documents go out. TRANSFORMED: nobody wants them.")
    reason: str | None = Field(default=None, description="Code of the reason.", examples=["D004"])
    where: str | None = Field(default=None, description="Text that the reason's place holds.", examples=["RQD[2]-4"])
    says: str | None = Field(default=None, description="Text that the reason's words hold.")
    keys: dict[str, str | list[str]] | None = Field(
        default=None, description="Business keys that must be there; others may be too."
    )
    routes: tuple[str, ...] | None = Field(default=None, description="Destinations in order, one entry a delivery.")
    documents: tuple[DocumentExpectation, ...] | None = Field(default=None, description="All documents, in order.")


def named_files(data: Mapping[str, Any]) -> Iterator[Path]:
    """Paths of the settings in an expectation's YAML that name a file."""
    documents = data.get("documents")
    for index, document in enumerate(documents if isinstance(documents, list) else ()):
        if isinstance(document, dict) and "file" in document:
            yield ("documents", index, "file")


class Difference(tuple[str, str, str]):
    """Where, what was expected, what came: words for a person."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self[0]}: expected {self[1]}, got {self[2]}"


def compare(expected: Expectation, result: WorkResult, files: Mapping[str, bytes]) -> list[Difference]:
    """Everything that differs; empty when the case holds. `files`: contents of those that the expectation names."""
    found = list(_state(expected, result))
    if expected.keys is not None:
        found += _values("keys", expected.keys, grouped_keys(result), whole=False)
    if expected.routes is not None:
        routes = [route.destination for route in result.routes]
        found += _values("routes", list(expected.routes), routes, whole=True)
    if expected.documents is not None:
        found += _documents(expected.documents, result, files)
    return found


def grouped_keys(result: WorkResult) -> dict[str, Any]:
    """Business keys by name; a name with several values has a list."""
    grouped: dict[str, list[str]] = {}
    for name, value in result.keys:
        if value not in grouped.setdefault(name, []):
            grouped[name].append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def _state(expected: Expectation, result: WorkResult) -> Iterator[Difference]:
    reason = result.reason
    told = f" ({reason.code} {reason.where or ''} {reason.text})" if reason else ""
    if result.state.name != expected.state:
        yield Difference(("state", expected.state, result.state.name + told))
        return
    if expected.reason is not None and (reason is None or reason.code != expected.reason):
        yield Difference(("reason", expected.reason, told.strip(" ()") or "none"))
    for name, part, whole in (
        ("where", expected.where, reason.where if reason else None),
        ("says", expected.says, reason.text if reason else None),
    ):
        if part is not None and part not in (whole or ""):
            yield Difference((name, f"'{part}' in it", repr(whole)))


def _documents(
    expected: Sequence[DocumentExpectation], result: WorkResult, files: Mapping[str, bytes]
) -> Iterator[Difference]:
    if len(expected) != len(result.documents):
        came = ", ".join(d.kind or "message" for d in result.documents) or "none"
        yield Difference(("documents", str(len(expected)), f"{len(result.documents)} ({came})"))
        return
    for number, (wanted, document) in enumerate(zip(expected, result.documents, strict=True), 1):
        place = f"documents[{number}]"
        if wanted.kind != document.kind and wanted.kind is not None:
            yield Difference((place, wanted.kind, document.kind or "a message"))
        elif wanted.file is not None:
            if files.get(wanted.file) != document.body:
                yield Difference((place, f"the bytes of {wanted.file}", "other bytes"))
        elif wanted.lines is not None:
            yield from _missing_lines(place, wanted.lines, document.body)
        elif wanted.equals is not None:
            yield from _values(place, wanted.equals, json.loads(document.body), whole=True)
        elif wanted.contains is not None:
            yield from _values(place, wanted.contains, json.loads(document.body), whole=False)


def _missing_lines(place: str, lines: Sequence[str], body: bytes) -> Iterator[Difference]:
    text = body.decode("utf-8", errors="replace")
    have = {part.strip() for line in text.replace("~", "\n").splitlines() for part in (line,)} | set(text.splitlines())
    for line in lines:
        if line.strip() not in have:
            yield Difference((place, f"the line {line!r}", "no such line"))


def compare_values(place: str, expected: Any, actual: Any) -> list[Difference]:
    """What is not as expected; what nothing was said about is not compared."""
    return list(_values(place, expected, actual, whole=False))


def _values(place: str, expected: Any, actual: Any, *, whole: bool) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name, value in expected.items():
            if name not in actual:
                yield Difference((f"{place}.{name}", _shown(value), "nothing"))
            else:
                yield from _values(f"{place}.{name}", value, actual[name], whole=whole)
        for name in actual.keys() - expected.keys() if whole else ():
            yield Difference((f"{place}.{name}", "nothing", _shown(actual[name])))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, (one, other) in enumerate(zip(expected, actual, strict=True), 1):
            yield from _values(f"{place}[{number}]", one, other, whole=whole)
    elif not _same(expected, actual):
        yield Difference((place, _shown(expected), _shown(actual)))


def _same(expected: Any, actual: Any) -> bool:
    """`10` in YAML means the number, whatever its decimals; `"10.00"` in quotes means exactly that text."""
    if isinstance(expected, bool) or isinstance(actual, bool) or expected is None or actual is None:
        return bool(expected == actual)
    if isinstance(expected, int | float) and isinstance(actual, str | int):
        try:
            return Decimal(str(expected)) == Decimal(str(actual))
        except InvalidOperation:
            return False
    return bool(expected == actual)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
