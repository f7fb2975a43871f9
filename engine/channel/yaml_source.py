"""YAML as written, with places: plain data and where each key and value stands.

Only plain values are made (no tags, no merge keys). Words are closer to what people mean than YAML 1.1's:
`no`, `on` and `22:00` are text, and so is `007`, because leading zeros count in codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from engine.channel.finding import Finding

Path = tuple[str | int, ...]
MAX_CHARACTERS, MAX_NODES, MAX_DEPTH = 1_000_000, 50_000, 40


class Position(NamedTuple):
    line: int
    column: int


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false|True|False)$", list("tfTF")),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    ("float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


@dataclass(frozen=True)
class YamlSource:
    """One file. `data` is None when it could not be read; then `findings` says why."""

    file: str
    data: Any = None
    findings: tuple[Finding, ...] = ()
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    blocks: frozenset[Path] = frozenset()
    quoted: frozenset[Path] = frozenset()

    def text_start(self, path: Path) -> int | None:
        """Column of the first character of a text value, after its quote; None for blocks of several lines."""
        if path not in self.values or path in self.blocks:
            return None
        return self.values[path].column + (path in self.quoted)

    def key_at(self, path: Path) -> Position:
        """Where the key stands; without one, where its value or the nearest thing around it stands."""
        return self.keys.get(path) or self.value_at(path)

    def value_at(self, path: Path) -> Position:
        while path:
            if path in self.values:
                return self.values[path]
            path = path[:-1]
        return Position(1, 1)

    def finding(self, code: str, path: Path, text: str, suggestion: str | None = None, *, key: bool = False) -> Finding:
        place = self.key_at(path) if key else self.value_at(path)
        return Finding(self.file, place.line, place.column, code, text, suggestion)


class _RefusedError(Exception):
    def __init__(self, code: str, node: yaml.Node | None, text: str, suggestion: str | None = None) -> None:
        self.code, self.node, self.text, self.suggestion = code, node, text, suggestion
        super().__init__(text)


def read_yaml(text: str, file: str, *, as_text: bool = False) -> YamlSource:
    """Read one document. `as_text`: every scalar stays the text it was written as (crosswalks)."""
    if len(text) > MAX_CHARACTERS:
        return _refused(file, "C013", f"the file is longer than {MAX_CHARACTERS:,} characters", "split it")
    try:
        node = _compose(text)
    except (yaml.YAMLError, RecursionError, _RefusedError) as error:
        return YamlSource(file, findings=(_syntax_finding(error, file, text),))
    if node is None:
        return _refused(file, "C015", "the file is empty", "write settings or remove the file")
    reader = _Reader(file, as_text)
    try:
        data = reader.value(node, (), 0)
    except _RefusedError as error:
        return YamlSource(file, findings=(_refusal(error, file),))
    return YamlSource(
        file,
        data,
        tuple(reader.findings),
        reader.keys,
        reader.values,
        frozenset(reader.blocks),
        frozenset(reader.quoted),
    )


def _compose(text: str) -> yaml.Node | None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):  # flat: a deep file is refused before anything recurses
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _RefusedError("C013", None, f"more than {MAX_DEPTH} levels deep", "flatten it")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    return node


def _refused(file: str, code: str, text: str, suggestion: str) -> YamlSource:
    return YamlSource(file, findings=(Finding(file, 1, 1, code, text, suggestion),))


def _refusal(error: _RefusedError, file: str) -> Finding:
    place = _position(error.node) if error.node is not None else Position(1, 1)
    return Finding(file, place.line, place.column, error.code, error.text, error.suggestion)


def _syntax_finding(error: Exception, file: str, text: str) -> Finding:
    if isinstance(error, _RefusedError):
        return _refusal(error, file)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    tab = _tab_indent(text, line)
    if tab:
        return Finding(file, tab, 1, "C011", "a tab stands before the text", "indent with spaces, two for each level")
    problem = getattr(error, "problem", None) or "the file is nested too deeply or broken"
    if "duplicate anchor" in str(problem):
        problem = "an anchor is defined twice"
    return Finding(file, line, column, "C010", f"not YAML: {problem}", "check the indentation, colons and quotes here")


def _tab_indent(text: str, near: int) -> int | None:
    """The line with a tab in its indentation, at or just before where the reader gave up."""
    lines = text.splitlines()
    for number in range(min(near + 1, len(lines)), 0, -1):
        if re.match(r" *\t", lines[number - 1]):
            return number
    return None


def _position(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


class _Reader:
    """Turns nodes into values and notes their places. Aliases are followed, but every visit counts."""

    def __init__(self, file: str, as_text: bool) -> None:
        self.file, self.as_text = file, as_text
        self.nodes = 0
        self.findings: list[Finding] = []
        self.keys: dict[Path, Position] = {}
        self.values: dict[Path, Position] = {}
        self.blocks: set[Path] = set()
        self.quoted: set[Path] = set()

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _RefusedError(
                "C013", node, "far more values than a configuration needs (aliases counted)", "remove aliases"
            )
        self.values.setdefault(path, _position(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            _check_tag(node, "seq")
            return [self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"'):
            self.quoted.add(path)
        if node.end_mark.line != node.start_mark.line:
            self.blocks.add(path)
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        _check_tag(node, "map")
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            place = _position(key_node)
            if key in result:
                first = self.keys[(*path, key)].line
                text = f"'{key}' is given twice, first in line {first}"
                self.findings.append(Finding(self.file, *place, "C012", text, "remove one of them"))
                continue
            self.keys[(*path, key)] = place
            result[key] = self.value(value_node, (*path, key), depth + 1)
        return result

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _RefusedError("C010", node, "a key must be plain text", "put quotes around it")
        if node.value == "<<" and node.style not in ("'", '"'):
            raise _RefusedError("C014", node, "merge keys (<<) are not read", "write the settings out")
        return str(node.value)

    def _scalar(self, node: yaml.Node) -> Any:
        kind = node.tag.rpartition("tag:yaml.org,2002:")[2]
        if not node.tag.startswith("tag:yaml.org,2002:") or kind not in _SCALARS:
            raise _RefusedError(
                "C014", node, "a tag such as '!!python' or '!include' is not read", "write the plain value"
            )
        if self.as_text:
            return "" if kind == "null" else node.value
        try:
            return _SCALARS[kind](node.value)
        except ValueError:
            raise _RefusedError("C014", node, "the tag does not fit its value", "remove the tag") from None


def _check_tag(node: yaml.Node, expected: str) -> None:
    if node.tag != f"tag:yaml.org,2002:{expected}":
        raise _RefusedError("C014", node, "a tag such as '!!python' or '!include' is not read", "write the plain value")


_SCALARS: dict[str, Any] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": float,
    "str": str,
}
