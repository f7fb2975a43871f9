"""One message through its program: parse, index, filter, transform, route. The same code for workers, tests and trace.

Every failure becomes a WorkResult with its reason; nothing is raised but what ends the process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from engine.canonical import Document
from engine.core.errors import DocumentError, IsthmusError, MessageError, TransformError
from engine.core.ids import id_text, id_time
from engine.core.texts import storable
from engine.ports.connector import Reason
from engine.ports.journal import NewDocument
from engine.ports.script import Route, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script import guard
from engine.script.discreet import discreet
from engine.script.explain import explain, raised_by_script
from engine.script.program import Compiled, Destination, read_field
from engine.script.views import View
from engine.script.x12 import open_interchange, set_named
from engine.sdk import Filtered

_KEY_LENGTH = 120  # longer business keys are cut: an index row is no place for text


def run_one(compiled: Compiled, item: WorkItem) -> WorkResult:
    """Run a message; `guard.install()` must have been called in this process for limits to hold."""
    started = time.perf_counter_ns()
    run = _Run(compiled, item)
    guard.start_timer(compiled.limits.seconds)
    try:
        result = run.result()
    except (Exception, guard.TimeUp, SystemExit, KeyboardInterrupt) as error:
        result = run.held(_reason(error, compiled))
    finally:
        guard.stop_timer()
    micros = (time.perf_counter_ns() - started) // 1000
    return WorkResult(
        result.message_id, result.state, result.reason, result.documents, result.routes, result.keys, micros
    )


def _reason(error: BaseException, compiled: Compiled) -> Reason:
    if isinstance(error, SystemExit | KeyboardInterrupt):
        line = explain(error).where
        return Reason("S004", "the transform tried to end its process", line, "return Filtered(...) instead")
    reason = explain(error, compiled.limits.seconds)
    if reason.where is None:
        return Reason(reason.code, reason.text, compiled.program.script_name, reason.remedy)
    return reason


class _Run:
    """The work on one message; kept in an object so that keys survive a failure."""

    def __init__(self, compiled: Compiled, item: WorkItem) -> None:
        self.compiled, self.item = compiled, item
        self.keys: list[tuple[str, str]] = []
        self.documents: list[NewDocument] = []
        self.routes: list[Route] = []
        self._answered = (0, 0)
        self._within = ""  # of several sets the one that is worked on
        if compiled.program.dated_lookups:
            compiled.as_of(id_time(item.message_id) if item.message_id else None)

    def result(self) -> WorkResult:
        try:
            views, refusal = self._open()
        except MessageError as error:
            return self.held(explain(error))
        if refusal is not None:
            return self._done(MessageState.REFUSED, refusal)
        try:
            return self._all(views)
        except (Exception, guard.TimeUp, SystemExit, KeyboardInterrupt) as error:
            return self.held(self._located(self._discreet(_reason(error, self.compiled), error)))

    def _open(self) -> tuple[Sequence[View], Reason | None]:
        """The messages inside the body, and why none of them may act."""
        if self.compiled.program.format != "x12":
            return [self.compiled.view(self.item.body, self.item.attributes)], None
        opened = open_interchange(self.item.body, self.item.attributes, self.compiled.program.accept)
        number = self.item.attributes.get("interchange")
        if number:
            self.keys.append(("interchange", number))
        if opened.answer is not None:
            self._keep(opened.answer, None)
        self._answered = len(self.documents), len(self.routes)
        return [View(one, one.get) for one in opened.sets], opened.refusal

    def _all(self, views: Sequence[View]) -> WorkResult:
        reasons = []
        for view in views:
            self._within = set_named(view.message) if len(views) > 1 else ""
            if (reason := self._one(view)) is not None:
                reasons.append(reason)
        if self.routes:
            return self._done(MessageState.QUEUED)
        if self.documents:
            return self._done(MessageState.TRANSFORMED)
        return self._done(MessageState.FILTERED, reasons[0] if reasons else _NOTHING)

    def _located(self, reason: Reason) -> Reason:
        """Of several sets in an interchange a person must know which."""
        if not self._within:
            return reason
        return Reason(reason.code, reason.text, f"{self._within}: {reason.where}", reason.remedy)

    def held(self, reason: Reason) -> WorkResult:
        for lookup in self.compiled.lookups.values():
            if lookup.missed is not None:
                self.keys.append((f"missing_{lookup.name}", storable(lookup.missed[:_KEY_LENGTH])))
                lookup.missed = None
        # The answer to the sender of an interchange is about its syntax: it goes out although a person must look.
        documents, routes = self._answered
        answer, answer_routes = self.documents[:documents], self.routes[:routes]
        return WorkResult(self.item.message_id, MessageState.HELD, reason, answer, answer_routes, self.keys)

    def _done(self, state: MessageState, reason: Reason | None = None) -> WorkResult:
        return WorkResult(self.item.message_id, state, reason, self.documents, self.routes, self.keys)

    def _one(self, view: View) -> Reason | None:
        """Why this view led to nothing, or None."""
        compiled = self.compiled
        for name, path in compiled.index:
            value = view.get(path)
            if value:
                self.keys.append((name, storable(value[:_KEY_LENGTH])))
        if compiled.filter is not None and not compiled.filter.evaluate(view.get):
            return Reason("FILTER", f"the channel's filter is false: {compiled.program.filter}")
        product = self._transformed(view)
        if isinstance(product, Filtered):
            return self._discreet(Reason("FILTER", product.reason), None)
        for part in _parts(product):
            self._add(part)
        return None

    def _transformed(self, view: View) -> Any:
        if self.compiled.transform is None:
            return view.message
        with guard.guarded():
            return self.compiled.transform(view.message)

    def _discreet(self, reason: Reason, error: BaseException | None) -> Reason:
        """Of an error that the script raised itself; the engine's own errors hold no values."""
        script = self.compiled.program.script
        if script is None or (error is not None and not raised_by_script(error)):
            return reason
        return discreet(reason, script, self.item.body)

    def _add(self, product: Any) -> None:
        self._keep(_document(len(self.documents), product), product)

    def _keep(self, document: NewDocument, product: Any) -> None:
        self.documents.append(document)
        for destination in self.compiled.destinations:
            if destination.wants(document.kind, product):
                self.routes.append(self._route(destination, document, product))

    def _route(self, destination: Destination, document: NewDocument, product: Any) -> Route:
        order_key = _order_key(destination.order_by, product)
        order_key = None if order_key is None else storable(order_key)
        return Route(destination.name, document.position, order_key, self._idempotency_key(destination, document))

    def _idempotency_key(self, destination: Destination, document: NewDocument) -> str:
        # The same for every attempt and every replay: a replayed message carries its origin's id.
        origin = self.item.attributes.get("origin") or id_text(self.item.message_id)
        return f"{origin}.{document.position}.{destination.name}"


def _parts(product: Any) -> Iterable[Any]:
    if isinstance(product, tuple | list):
        if not product:
            raise TransformError("the transform returned an empty list", remedy='return Filtered("why") instead')
        return product
    if product is None:
        raise TransformError("the transform returned nothing", remedy='return a document or Filtered("why")')
    return (product,)


def _document(position: int, product: Any) -> NewDocument:
    if isinstance(product, Document):
        return NewDocument(
            position,
            product.model_dump_json(exclude_none=True).encode(),
            product.kind,
            storable(product.natural_key),
        )
    if isinstance(product, bytes):
        return NewDocument(position, product)
    encode = getattr(product, "encode", None)
    if encode is None or isinstance(product, str):
        raise DocumentError(f"a transform cannot return {type(product).__name__}", remedy="return a canonical document")
    return NewDocument(position, encode())


def _order_key(path: str | None, product: Any) -> str | None:
    if path is None:
        return None
    if isinstance(product, Document):
        return read_field(product, path)
    getter = getattr(product, "get", None)
    return getter(path) if getter is not None else None


def load_error(item: WorkItem, error: Exception) -> WorkResult:
    """The program itself does not load: each of its messages is HELD with that reason."""
    reason = explain(error) if isinstance(error, IsthmusError) else Reason("S001", _load_text(error), None, None)
    return WorkResult(item.message_id, MessageState.HELD, reason)


def _load_text(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"the script does not load: {error.msg}, {error.filename}:{error.lineno}"
    return f"the script does not load: {type(error).__name__}: {error}"


_NOTHING = Reason("FILTER", "there was nothing in it for this channel")
