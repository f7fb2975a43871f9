"""Settings as Markdown tables, from their JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def settings_table(
    node: Mapping[str, Any], definitions: Mapping[str, Any], leave_out: Iterable[str] = ()
) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    required = set(node.get("required", ()))
    for name, field in node.get("properties", {}).items():
        if name not in leave_out:
            default = "**required**" if name in required else _default(field)
            meaning = cell(_meaning(field, definitions) + _example(field))
            yield f"| `{name}` | {cell(value_type(field, definitions))} | {cell(default)} | {meaning} |"


def _meaning(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The field's own words, or those of the group it holds: a schema leaves out what repeats them."""
    name = str(field.get("$ref", "")).rpartition("/")[2]
    return str(field.get("description") or definitions.get(name, {}).get("description", ""))


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(field: Mapping[str, Any]) -> str:
    if "default" not in field or field["default"] is None:
        return "none"
    value = field["default"]
    if isinstance(value, dict | list):
        return "see below" if value else "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else "empty"


def _example(field: Mapping[str, Any]) -> str:
    if field.get("pattern") and field.get("default") is not None:
        return ""  # durations and sizes: the default shows the form
    example = next(iter(field.get("examples", ())), None)
    return f" Example: `{example}`." if isinstance(example, str | int) and not isinstance(example, bool) else ""


def value_type(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return f"group {_link(field['$ref'])}"
    if "enum" in field or "const" in field:
        return ", ".join(f"`{one}`" for one in field.get("enum", [field.get("const")]))
    if "anyOf" in field:
        return " or ".join(value_type(one, definitions) for one in field["anyOf"] if one.get("type") != "null")
    if "ms|s|m|h|d" in str(field.get("pattern", "")):
        return "duration"
    if "KiB" in str(field.get("pattern", "")):
        return "size"
    if field.get("format") in _FORMATS:
        return _FORMATS[str(field["format"])]
    kind = field.get("type")
    if kind == "array":
        return f"list of {value_type(field['items'], definitions)}" if "items" in field else "list"
    if kind == "object":
        inner = field.get("additionalProperties")
        return f"name to {value_type(inner, definitions)}" if isinstance(inner, dict) else "group"
    return _NAMES.get(str(kind), "any") + _bounds(field)


_FORMATS = {"date": "date", "date-time": "date and time"}
_NAMES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def _bounds(field: Mapping[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is None and high is None:
        return ""
    return (
        f", {low} to {high}"
        if low is not None and high is not None
        else f", from {low}"
        if low is not None
        else f", to {high}"
    )


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def group_tables(names: Iterable[str], definitions: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(names):
        node = definitions[name]
        yield f"\n### {name}\n"
        if node.get("description"):
            yield f"{' '.join(node['description'].split())}\n"
        yield from settings_table(node, definitions)


def used_groups(node: Any, definitions: Mapping[str, Any], found: set[str] | None = None) -> set[str]:
    """Names of the groups that a schema refers to, and those they refer to."""
    found = set() if found is None else found
    if isinstance(node, dict):
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name in definitions and name not in found:
            found.add(name)
            used_groups(definitions[name], definitions, found)
        for value in node.values():
            used_groups(value, definitions, found)
    elif isinstance(node, list):
        for value in node:
            used_groups(value, definitions, found)
    return found
