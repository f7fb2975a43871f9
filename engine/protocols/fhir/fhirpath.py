"""FHIRPath of a path: the small part by our own finder, all else by fhirpathpy; each compiled once.

What depends on anything but the resource is refused: a message that is replayed must give the same document.
Source: https://hl7.org/fhirpath, https://hl7.org/fhir/R5/fhirpath.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine.core.errors import DataTypeError, ExpressionError
from engine.protocols.fhir.path import MAX_LENGTH, Find, compile_path

# Clocks and what prints. Source: FHIRPath sections 5.9 and 6.
_REFUSED = frozenset({"now", "today", "timeOfDay", "trace"})
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(", re.ASCII)
_WORDS = frozenset({"and", "or", "xor", "implies", "in", "contains", "div", "mod", "is", "as"})  # before a bracket
_DEEPEST = 40  # brackets within brackets


@lru_cache(maxsize=2048)
def finder(path: str) -> Find:
    """The finder of a path: a resource's raw tree in, the values at the path out.

    Raises:
        ExpressionError: it is no FHIRPath, or one that is refused here.
    """
    try:
        return compile_path(path)
    except ExpressionError:
        if not path or len(path) > MAX_LENGTH:
            raise
    _check(path)
    try:
        evaluate = _compiled(path)
    except Exception:  # its parser raises errors of many kinds, with pieces of the path
        raise ExpressionError("not FHIRPath", remedy="see hl7.org/fhirpath") from None
    return lambda tree: _evaluated(evaluate, tree)


def _check(path: str) -> None:
    """Whole, not too deep, and of functions that exist and depend on the resource alone."""
    from fhirpathpy.engine.invocations import invocation_registry

    plain = _TEXT.sub(lambda text: " " * len(text[0]), path)
    for call in _CALL.finditer(plain):
        name, where = call[1], f"column {call.start() + 1}"
        if name in _REFUSED:
            remedy = "a path is a function of the resource alone"
            raise ExpressionError(f"{name}() is not for channels", where=where, remedy=remedy)
        if name not in invocation_registry and name not in _WORDS:
            raise ExpressionError("there is no such function", where=where)
    depth = 0
    for sign in plain:
        depth += (sign in "([{") - (sign in ")]}")
        if depth > _DEEPEST:
            raise ExpressionError("brackets stand too deep in a path")
    _read_to_its_end(path)


def _read_to_its_end(path: str) -> None:
    """The library's own parser stops where it no longer understands, and says nothing."""
    from antlr4 import CommonTokenStream, InputStream
    from antlr4.error.ErrorListener import ErrorListener
    from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
    from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

    class Refusing(ErrorListener):  # type: ignore[misc]
        def syntaxError(self, recognizer: Any, symbol: Any, line: int, column: int, *more: Any) -> None:
            raise ExpressionError("not FHIRPath", where=f"column {column + 1}", remedy="see hl7.org/fhirpath")

    lexer = FHIRPathLexer(InputStream(path))
    parser: Any = FHIRPathParser(CommonTokenStream(lexer))
    for one in (lexer, parser):
        one.removeErrorListeners()
        one.addErrorListener(Refusing())
    parser.entireExpression()


def _compiled(path: str) -> Callable[[Any], list[Any]]:
    import fhirpathpy
    from fhirpathpy.engine.nodes import FP_Type
    from fhirpathpy.models import models

    evaluate: Any = fhirpathpy.compile(path, models["r4"], {"userInvocationTable": _EXACT})
    return lambda tree: [str(one) if isinstance(one, FP_Type) else one for one in evaluate(tree)]


def _of_numbers(combine: Callable[[list[Any]], Any]) -> dict[str, Any]:
    def fn(found: list[Any]) -> Any:
        values = [Decimal(one) if type(one) in (int, float) else one for one in found]
        return combine(values) if values else []

    return {"fn": fn, "arity": {0: []}}


# The library's own cannot add the numbers of a resource.
_EXACT = {
    "sum": _of_numbers(lambda found: sum(found, Decimal(0))),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "avg": _of_numbers(lambda found: sum(found, Decimal(0)) / len(found)),
}


def _evaluated(evaluate: Callable[[Any], list[Any]], tree: Any) -> list[Any]:
    try:
        return [one for one in evaluate(tree) if one is not None]
    except (MemoryError, RecursionError):
        raise
    except Exception:  # its words quote values
        raise DataTypeError("the path cannot be evaluated on this resource") from None
