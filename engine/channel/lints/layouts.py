"""Layouts of tables: named and there, of the format's kind, with the columns that the channel reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.channel.explain import did_you_mean
from engine.channel.expression import compile_expression
from engine.channel.finding import Finding
from engine.channel.layout import Layout
from engine.channel.lints.ground import ChannelGround, Ground
from engine.channel.lints.messages import shifted
from engine.channel.yaml_source import Path
from engine.core.errors import ExpressionError
from engine.protocols.tabular.message import PATH

TABLES = frozenset({"delimited", "fixed_width", "excel"})


def check(ground: Ground) -> Iterator[Finding]:
    used: set[str] = set()
    for channel in ground.channels:
        for path, name, kind in _ends(channel):
            used.add(name or "")
            yield from _named(ground, channel, path, name, kind)
        layout = ground.site.layouts.get(channel.model.source.layout or "")
        if layout is not None and channel.format in TABLES:
            yield from _columns(channel, layout)
    yield from _of_files(ground, used)


def _ends(channel: ChannelGround) -> Iterator[tuple[Path, str | None, str]]:
    """Where it stands, which layout, which format."""
    yield ("source",), channel.model.source.layout, channel.format
    for end in channel.ends:
        if end.model is not None:
            yield end.path, end.model.layout, str(end.raw.get("format"))


def _named(ground: Ground, channel: ChannelGround, path: Path, name: str | None, kind: str) -> Iterator[Finding]:
    layouts: Mapping[str, Any] = ground.site.layouts
    if kind in TABLES and name is None:
        place: Path = (*path, "format") if (*path, "format") in channel.yaml.keys else path
        yield channel.yaml.finding("C122", place, f"format: {kind} needs a layout", "write layout: and its name")
    elif name is not None and kind not in TABLES:
        text = "a layout is here, and the format is no table"
        yield channel.yaml.finding("C122", (*path, "layout"), text, "write format: delimited, fixed_width or excel")
    elif name is not None and name not in layouts:
        if not _is_broken(ground, name):
            advice = did_you_mean(name, layouts) or f"add config/layouts/{name}.yaml"
            yield channel.yaml.finding("C121", (*path, "layout"), f"there is no layout '{name}'", advice)
    elif name is not None and layouts[name].kind != kind:
        text = f"the layout '{name}' is of kind {layouts[name].kind}"
        yield channel.yaml.finding("C122", (*path, "layout"), text, f"write format: {layouts[name].kind}")


def _is_broken(ground: Ground, name: str) -> bool:
    """The file is there and has findings of its own."""
    return any(path.rpartition("/")[2].partition(".")[0] == name for path in _paths(ground))


def _paths(ground: Ground) -> list[str]:
    return [path for path in ground.site.sources if path.startswith("config/layouts/")]


def _columns(channel: ChannelGround, layout: Layout) -> Iterator[Finding]:
    for name, path in channel.model.index.items():
        yield from _column(channel, layout, ("index", name), path, 0)
    if channel.model.filter is not None:
        try:
            expression = compile_expression(channel.model.filter)
        except ExpressionError:
            return  # told by another family
        for one in expression.names:
            yield from _column(channel, layout, ("filter",), one.text, one.column - 1)
    if channel.model.map is not None:
        for field, path in channel.model.map.fields.items():
            yield from _column(channel, layout, ("map", "fields", field), path, 0)


def _column(channel: ChannelGround, layout: Layout, place: Path, path: str, offset: int) -> Iterator[Finding]:
    found = PATH.fullmatch(path)
    role = (found["part"] or "detail") if found else "detail"
    types = layout.table().types
    known = {column.name for one in types if one.role.value == role for column in one.columns}
    if found and found["name"] in known:
        return
    advice = did_you_mean(found["name"] if found else path, known) or "name a column of the layout"
    text = f"'{path}' is no column of the layout '{layout.layout}'"
    yield shifted(channel, place, channel.yaml.finding("C124", place, text, advice), offset)


def _of_files(ground: Ground, used: set[str]) -> Iterator[Finding]:
    for name, path in ground.site.layout_files.items():
        source = ground.site.sources[path]
        if path.rpartition("/")[2].partition(".")[0] != name:
            yield source.finding(
                "C125", ("layout",), f"the layout '{name}' is in a file of another name", f"{name}.yaml"
            )
        if name not in used:
            yield source.finding("C123", ("layout",), f"no channel uses the layout '{name}'", "remove it, or name it")
