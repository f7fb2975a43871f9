"""Prints a traced message in colour: one block a stage, the way from top to bottom."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from engine.cli.trace_stages import Stage, Traced
from engine.cli.workspace import printable
from engine.ports.states import MessageState

_MARK = {"done": ("●", "green"), "stopped": ("■", "red"), "skipped": ("○", "bright_black")}
_STATE = {
    MessageState.QUEUED: "green",
    MessageState.TRANSFORMED: "cyan",
    MessageState.FILTERED: "yellow",
    MessageState.HELD: "red",
    MessageState.REFUSED: "red",
}
_LONGEST_BODY = 60
_INDENT = " " * 12


def show(traced: Traced, console: Console | None = None) -> None:
    console = console or Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{traced.file} through {traced.channel}", style="bold"))
    for stage in traced.stages:
        _stage(console, stage)
    console.print()
    console.print(
        Text().append("would end as ").append(traced.state.name, style=f"bold {_STATE.get(traced.state, 'white')}")
    )
    if traced.reason is not None:
        _reason(console, traced)
    console.print(Text("nothing was stored or sent", style="bright_black"))


def _stage(console: Console, stage: Stage) -> None:
    mark, colour = _MARK[stage.outcome]
    console.print(Text().append(f"{mark} ", colour).append(f"{stage.name:<10}", "bold").append(printable(stage.text)))
    if stage.name == "index":
        _pairs(
            console,
            [(k["name"], f"{k['value']}  ({k['path']})" if k["path"] else k["value"]) for k in stage.facts["keys"]],
        )
    elif stage.name == "routes":
        _pairs(console, [(r["destination"], _route(r)) for r in stage.facts["routes"]])
    elif stage.body is not None:
        _body(console, stage)


def _route(route: dict[str, Any]) -> str:
    order = f", in order by {route['order_key']}" if route["order_key"] else ""
    return f"document {route['document']}{order}"


def _pairs(console: Console, pairs: list[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        console.print(Text(_INDENT).append(f"{name:<{width}}  ", style="cyan").append(printable(value)))


def _body(console: Console, stage: Stage) -> None:
    lines = [printable(line) for line in (stage.body or "").splitlines()]
    shown = "\n".join(lines[:_LONGEST_BODY])
    if stage.name == "document" and stage.facts.get("kind"):
        text = Syntax("", "json", background_color="default").highlight(shown)
        text.rstrip()
    else:
        text = _segments(shown)
    for line in text.split("\n"):
        console.print(Text(_INDENT).append_text(line))
    if len(lines) > _LONGEST_BODY:
        console.print(Text(f"{_INDENT}… {len(lines) - _LONGEST_BODY} more lines", style="bright_black"))


def _segments(text: str) -> Text:
    """Names of segments stand out, separators step back."""
    out = Text()
    for line in text.splitlines():
        out.append(line[:3], style="cyan").append(line[3:]).append("\n")
    out.rstrip()
    return out


def _reason(console: Console, traced: Traced) -> None:
    reason = traced.reason
    assert reason is not None
    rows = (("why", f"{reason.code} {reason.text}"), ("where", reason.where), ("do", reason.remedy))
    for name, value in rows:
        if value:
            console.print(Text().append(f"  {name:<7}", "cyan").append(printable(value)))
