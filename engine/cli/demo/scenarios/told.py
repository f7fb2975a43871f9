"""How scenarios are shown: in plain words for people, or as data."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.run import Listener, Played
from engine.cli.demo.scenarios.telling import Line

_WIDTH = 112
Say = Callable[[str], None]


def listing(scenarios: Sequence[Scenario]) -> str:
    """All scenarios with their variants."""
    parts = []
    for one in scenarios:
        parts.append(f"{one.name}  {one.title}")
        parts += [f"      {variant.name:<22} {variant.title}" for variant in one.variants]
    return "\n".join(parts)


def teller_to(say: Say, total: int) -> Listener:
    """Tells everything while it happens, and how much of it is left."""
    turn = itertools.count(1)

    def begins(scenario: Scenario, variant: Variant) -> None:
        if variant is scenario.variants[0]:
            say(f"\n{scenario.name}  {scenario.title}")
            say(textwrap.fill(scenario.about, _WIDTH, initial_indent="     ", subsequent_indent="     "))
        say(f"\n     [{next(turn)} of {total}] {variant.name}: {variant.title}")

    def ended(played: Played) -> None:
        seen = [line for line in played.lines if line.wanted is not None]
        wrong = sum(not line.agrees for line in seen)
        say(f"     = {wrong} of {len(seen)} are not so" if wrong else f"     = all {len(seen)} are so")

    return Listener(lambda text: say(f"     {text}"), begins, lambda line: say(in_words(line)), ended)


def silent() -> Listener:
    return Listener(lambda _: None, lambda *_: None, lambda _: None, lambda _: None)


def in_words(line: Line) -> str:
    if line.wanted is None:
        return _wrapped("  ·  ", line.text)
    if line.agrees:
        return _wrapped("  ✓  ", f"{line.text}: {line.got}")
    return _wrapped("  ✗  ", f"{line.text}: {line.got}, and not {line.wanted}")


def _wrapped(mark: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=mark, subsequent_indent="     ")


def table(played: Sequence[Played]) -> str:
    """All that was played, a row each: how much was looked at, how much of it is as it should be, how long it took."""
    head = f"{'':<5}{'':<24}{'seen':>6}{'as it should be':>18}{'seconds':>9}"
    return "\n".join([head, *(_row(one) for one in played)])


def _row(one: Played) -> str:
    seen = [line for line in one.lines if line.wanted is not None]
    right = sum(line.agrees for line in seen)
    mark = "✓" if one.agrees else "✗"
    return f"{one.scenario.name:<5}{one.variant.name:<24}{len(seen):>6}{right:>16} {mark}{one.seconds:>9.1f}"


def as_data(played: Sequence[Played]) -> list[dict[str, Any]]:
    return [
        {
            "scenario": one.scenario.name,
            "variant": one.variant.name,
            "title": one.variant.title,
            "agrees": one.agrees,
            "seconds": round(one.seconds, 1),
            "lines": [line._asdict() | {"agrees": line.agrees} for line in one.lines],
        }
        for one in played
    ]
