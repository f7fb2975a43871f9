"""The reference pages of what stands in `config/`: engine, partners, layouts, connections, and the policies."""

from __future__ import annotations

from typing import Any

from engine.channel.policies import PARTS
from engine.cli.reference_tables import group_tables, settings_table, used_groups
from engine.cli.schema import editor_settings
from engine.cli.schemas import schema

_FILES = (
    ("engine", "config/engine.yaml"),
    ("partner", "config/partners/<name>.yaml"),
    ("layout", "config/layouts/<name>.yaml"),
    ("expect", "expect.yaml of a case"),
)


def configuration_page() -> str:
    lines = ["# Configuration", ""]
    for name, title in _FILES:
        node = schema(name)
        lines += [*_table(f"`{title}`", node), *_groups([node]), ""]
    return "\n".join([*lines, *_connections(), *_crosswalks(), *_editors()])


def policies_page() -> str:
    """One table a file; what several of them are written with stands once, at the end."""
    lines = [
        "# Policies",
        "",
        "The rules of procure to pay: `config/policies/*.yaml`, one file a part. What is absent has its default.",
        "[Procure to pay](../procure-to-pay.md) says what each is for.",
        "",
    ]
    nodes = [schema(f"policy_{part}") for part in PARTS]
    for part, node in zip(PARTS, nodes, strict=True):
        lines += [*_table(f"`config/policies/{part}.yaml`", node), ""]
    return "\n".join([*lines, "## Groups", *_groups(nodes)])


def _table(title: str, node: dict[str, Any]) -> list[str]:
    about = " ".join(str(node.get("description", "")).split())
    return [f"## {title}", "", about, "", *settings_table(node, node["definitions"])]


def _groups(nodes: list[dict[str, Any]]) -> list[str]:
    """Those that the nodes use, by name; a name means the same in all of them."""
    definitions = {name: one for node in nodes for name, one in node["definitions"].items()}
    return list(group_tables(used_groups([node["properties"] for node in nodes], definitions), definitions))


def _connections() -> list[str]:
    node = schema("connections")
    lines = ["## `config/connections.yaml`", "", "Name to settings; `type` says which kind of far system it is.", ""]
    types = {name: one for name, one in node["definitions"].items() if name.startswith("connection_")}
    for name, one in types.items():
        lines += [f"### type `{name.removeprefix('connection_')}`", "", *settings_table(one, node["definitions"]), ""]
    used = used_groups([one["properties"] for one in types.values()], node["definitions"])
    return [*lines, *group_tables(used, node["definitions"]), ""]


def _crosswalks() -> list[str]:
    return [
        "## `config/crosswalks/*.csv`",
        "",
        "A header row, then two columns: from and to. Lines that begin with `#` are remarks.",
        "Columns `valid_from` and `valid_to` may follow: a row holds from one day to the other, both within, and a",
        "message is read by the rows of the day it came in (in the channel's zone). `isthmus crosswalks` tells where",
        "a table is used, and which codes held messages wait for.",
        "The same as YAML: `from: to`. Every value is text, as it is written: `007` stays `007`.",
    ]


def _editors() -> list[str]:
    return [
        "",
        "## Editors",
        "",
        "`isthmus schema --write` puts JSON Schemas into `config/schema/`. Editors with the YAML",
        "language server complete and explain every key with this in `.vscode/settings.json`",
        "(`isthmus new` writes it):",
        "",
        "```json",
        editor_settings().strip(),
        "```",
    ]
