"""What pydantic found wrong, in words for people, at the line where it stands. Values are never shown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.channel.finding import Finding
from engine.channel.yaml_source import Path, YamlSource

_SETTING = re.compile(r"\b(?:in|which) (?P<name>[a-z_]+):(?= |$)")
_IN_QUOTES = re.compile(r"-?\d+\.\d+|\d\d:\d\d")
_NAMED = re.compile(r"'([^']+)'")
_LIST, _GROUP = "a list", "a group of settings"
_KINDS = {
    "string": "text",
    "bytes": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "list": _LIST,
    "tuple": _LIST,
    "set": _LIST,
    "frozen_set": _LIST,
    "dict": _GROUP,
    "model": _GROUP,
    "model_attributes": _GROUP,
    "time_delta": "a duration such as 30s",
    "date": "a date such as 2026-11-20",
    "date_from_datetime": "a date such as 2026-11-20",
    "date_from_datetime_inexact": "a date such as 2026-11-20",
    "path": "a path",
    "url": "an address",
}
_RANGES = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "needs at least {min_length} entries",
    "too_long": "may have at most {max_length} entries",
}


_TOLD_BY_CONNECTORS = (
    ("needs a token", "C092"),
    ("password in the URL", "C094"),
    ("not a zone", "C076"),
    ("write an address", "C004"),
    ("IPv6 address in brackets", "C004"),
)
"""Rules that connectors check themselves and that have a code of their own."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean 'retry'?`, when something known is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None


def known_words(known: Iterable[str]) -> str | None:
    words = sorted(known)
    return f"known here: {', '.join(words)}" if words and len(words) <= 20 else None


def explain(
    error: ValidationError, source: YamlSource, prefix: Path, model: type[BaseModel], also: Iterable[str] = ()
) -> list[Finding]:
    """Findings for one failed model. `prefix` is where it stands in the file; `also`: further keys known there."""
    return [_finding(item, source, prefix, model, tuple(also)) for item in error.errors(include_url=False)]


def _finding(
    item: ErrorDetails, source: YamlSource, prefix: Path, model: type[BaseModel], also: tuple[str, ...]
) -> Finding:
    kind, path = item["type"], _written(source, prefix, item["loc"])
    if kind == "extra_forbidden":
        return _unknown(source, path, model, item["loc"], also)
    if kind == "missing":
        name = item["loc"][-1]
        text = f"the setting '{name}' is missing{_inside(prefix, path)}"
        return source.finding("C002", path, text, _example(model, item["loc"]), key=True)
    path = _spoken_of(item, source, path)
    code, text, suggestion = _words(item, _named(path), model)
    return source.finding(code, path, text, suggestion)


def _spoken_of(item: ErrorDetails, source: YamlSource, path: Path) -> Path:
    """A rule of a whole group may speak of one of its settings ("twice in days:"), or name one of its values: that is
    the place to look at."""
    words = str(item.get("ctx", {}).get("error", "")) if item["type"] == "value_error" else ""
    if (spoken := _SETTING.search(words)) and (*path, spoken["name"]) in source.values:
        return (*path, spoken["name"])
    named = {} if path else dict.fromkeys(_NAMED.findall(words))
    return next((place for place, value in _scalars(source.data, ()) if named and str(value) in named), path)


def _scalars(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """In the order of the file."""
    if isinstance(data, dict | list):
        for key, inner in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _scalars(inner, (*path, key))
    else:
        yield path, data


def _named(path: Path) -> str:
    """The last setting of a path; an entry of a list counts from 1: `days[2]`."""
    numbers = ""
    for part in reversed(path):
        if isinstance(part, str):
            return part + numbers
        numbers = f"[{part + 1}]{numbers}"
    return f"entry {numbers}" if numbers else "the file"


def _words(item: ErrorDetails, name: str, model: type[BaseModel]) -> tuple[str, str, str | None]:
    kind, context = item["type"], item.get("ctx", {})
    example = _example(model, item["loc"])
    if kind in _RANGES:
        return "C005", f"'{name}' {_RANGES[kind].format(**context)}", example
    if kind == "string_pattern_mismatch":
        return "C004", f"'{name}' is not written in the form it needs", example or f"form: {context.get('pattern')}"
    if kind == "union_tag_invalid":
        return _choices("type", item, str(context.get("expected_tags", "")))
    if kind in ("literal_error", "enum"):
        return _choices(name, item, str(context.get("expected", "")))
    if kind in ("value_error", "assertion_error"):
        if isinstance(item.get("input"), float):
            example = f'{name}: "{item["input"]}"'
        return _value_error(name, str(context.get("error", "the value does not fit")), example)
    stem = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float")
    needed = _KINDS.get(stem, "another kind of value")
    hint = "put it in quotes" if stem == "string" and isinstance(item.get("input"), int | float | bool) else example
    return "C003", f"'{name}' needs {needed}", hint


def _choices(name: str, item: ErrorDetails, expected: str) -> tuple[str, str, str | None]:
    choices = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    given = item.get("input")
    near = did_you_mean(given, choices) if isinstance(given, str) else None
    return "C006", f"'{name}' must be one of: {', '.join(choices)}", near or f"for example: {name}: {choices[0]}"


def _value_error(name: str, words: str, example: str | None) -> tuple[str, str, str | None]:
    if "duration" in words:
        return (
            "C007",
            f"'{name}' is a duration without a unit that is known",
            "write it like 500ms, 30s, 15m, 24h or 7d",
        )
    if "size" in words and "unit" in words:
        return "C008", f"'{name}' is a size without a unit that is known", "write it like 64KiB, 16MB or 1GB"
    code = next((code for part, code in _TOLD_BY_CONNECTORS if part in words), "C009")
    return code, f"'{name}': {words}", example


def _unknown(
    source: YamlSource, path: Path, model: type[BaseModel], loc: tuple[int | str, ...], also: tuple[str, ...]
) -> Finding:
    word = str(path[-1])
    inner = _model_at(model, loc[:-1])
    own = [field.alias or name for name, field in inner.model_fields.items()] if inner else []
    known = [*own, *(also if len(loc) == 1 else ())]
    suggestion = did_you_mean(word, known) or known_words(known)
    return source.finding("C001", path, f"unknown setting '{word}'", suggestion, key=True)


def _inside(prefix: Path, path: Path) -> str:
    names = [str(part) for part in (path or prefix) if isinstance(part, str)]
    return f" in '{names[-1]}'" if names else ""


def _written(source: YamlSource, prefix: Path, loc: tuple[int | str, ...]) -> Path:
    """The part of a model's path that is really in the file: union tags and `settings` are not."""
    path = prefix
    for part in loc:
        if (*path, part) in source.values or (*path, part) in source.keys:
            path = (*path, part)
    return path


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    current, is_free = model, False  # a table's keys are names that people chose
    for part in loc:
        if isinstance(part, int) or is_free:
            is_free = False
            continue
        found = current.model_fields.get(part)
        inner = _first_model(found.annotation) if found else None
        if found is None or inner is None:
            return None
        current, is_free = inner, _is_table(found.annotation)
    return current


def _is_table(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is dict or any(map(_is_table, getattr(annotation, "__args__", ())))


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner: Callable[[Any], type[BaseModel] | None] = _first_model
    return next((m for m in map(inner, getattr(annotation, "__args__", ())) if m), None)


def _example(model: type[BaseModel], loc: tuple[int | str, ...]) -> str | None:
    names = [part for part in loc if isinstance(part, str)]
    owner = _model_at(model, tuple(names[:-1])) if names else None
    found = owner.model_fields.get(names[-1]) if owner and names else None
    if found is None:
        return None
    if found.examples:
        shown = _shown(found.examples[0])
        return f"for example: {names[-1]}: {shown}" if shown else found.description
    return found.description


def _shown(example: Any) -> str | None:
    """As it is written in YAML. A number with decimals would be refused bare, for not being exact; so would a time."""
    if isinstance(example, list | tuple):
        parts = [_shown(one) for one in example]
        return f"[{', '.join(map(str, parts))}]" if parts and all(parts) else None
    if isinstance(example, str) and _IN_QUOTES.fullmatch(example):
        return f'"{example}"'
    return str(example) if isinstance(example, str | int | float) else None
