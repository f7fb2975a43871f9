"""Makes a channel's revision runnable: parses its filter, index paths and mapping, and loads its script.

This is the one place that runs a script's text. Source: acceptance 45 (no `exec` outside the worker).
"""

from __future__ import annotations

import inspect
import linecache
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.canonical import KINDS, Document
from engine.channel.expression import Expression, compile_expression
from engine.core.errors import TransformError
from engine.ports.script import Limits, Program
from engine.script.guard import script_builtins
from engine.script.views import View, open_view, prepare
from engine.sdk import Lookup

Transform = Callable[[Any], Any]


class Destination:
    """How one destination chooses and orders documents."""

    __slots__ = ("name", "order_by", "send", "when")

    def __init__(self, name: str, settings: Mapping[str, str | None]) -> None:
        self.name = name
        self.send = settings.get("send")
        self.order_by = settings.get("order_by")
        text = settings.get("when")
        self.when: Expression | None = compile_expression(text) if text else None

    def wants(self, kind: str | None, product: Any) -> bool:
        if self.send is not None and self.send != (kind or "message"):
            return False
        return self.when is None or self.when.evaluate(_reader(product))


class Compiled:
    """A program ready to run many messages.

    Raises:
        TransformError: the script does not load or has no usable `transform`.
    """

    def __init__(self, program: Program, limits: Limits) -> None:
        self.program, self.limits = program, limits
        prepare(program)
        self.zone = ZoneInfo(program.zone)
        self.filter: Expression | None = compile_expression(program.filter) if program.filter else None
        self.index = tuple(program.index.items())
        self.lookups = {
            name: Lookup(name, rows, program.dated_lookups.get(name, {})) for name, rows in program.lookups.items()
        }
        self.destinations = tuple(Destination(n, s) for n, s in program.destinations.items())
        self.transform: Transform | None = None
        if program.script is not None:
            self.transform = self._load_script(program.script)
        elif program.map is not None:
            self.transform = _mapped(program.map)

    def as_of(self, received: datetime | None) -> None:
        """Lookups show what held on this day, in the channel's zone; None: what holds last."""
        day = received.astimezone(self.zone).date() if received else None
        for lookup in self.lookups.values():
            lookup.day = day

    def view(self, body: bytes, attributes: Mapping[str, str] | None = None) -> View:
        """Raises MessageError when the body is not of the channel's format."""
        return open_view(self.program, self.zone, body, attributes)

    def _load_script(self, text: str) -> Transform:
        name = self.program.script_name or "transforms/?"
        # Tracebacks quote the script's line although workers read no files.
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        module = types.ModuleType(f"transform_{self.program.channel}")
        module.__dict__["__builtins__"] = script_builtins()
        exec(compile(text, name, "exec"), module.__dict__)  # noqa: S102  reviewed code, inside its worker
        function = module.__dict__.get("transform")
        if not callable(function):
            raise TransformError("the script has no function `transform`", where=name)
        return self._bind(function, name)

    def _bind(self, function: Callable[..., Any], name: str) -> Transform:
        parameters = list(inspect.signature(function).parameters)[1:]
        missing = [p for p in parameters if p not in self.lookups]
        if missing:
            raise TransformError(
                f"`transform` asks for lookups that the channel does not declare: {missing}", where=name
            )
        arguments = [self.lookups[p] for p in parameters]
        if not arguments:
            return function
        return lambda message: function(message, *arguments)


def _mapped(mapping: Mapping[str, Any]) -> Transform:
    kind = KINDS[str(mapping["kind"])]
    fields = dict(mapping["fields"])

    def transform(message: Any) -> Document:
        values = {target: message.get(path) for target, path in fields.items()}
        return kind.model_validate({k: v for k, v in values.items() if v is not None})

    return transform


def _reader(product: Any) -> Callable[[str], str | None]:
    """How an expression reads a product: message path, or field of a document."""
    if isinstance(product, Document):
        return lambda field: read_field(product, field)
    getter = getattr(product, "get", None)
    return getter if getter is not None else (lambda field: None)


def read_field(document: Any, path: str) -> str | None:
    """`lines.0.item_number` of a document, as text."""
    value = document
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() and isinstance(value, tuple) else getattr(value, step, None)
        if value is None:
            return None
    return str(value)
