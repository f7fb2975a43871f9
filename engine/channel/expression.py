"""The language of `filter:` and `when:`: one comparison or several, never a program.

    PV1-2 == "I" and MSH-9.2 not in ["A08", "A31"]
    starts_with(PV1-3.1, "OR") or exists(ZPV-4)
    total.amount >= 5000 and matches(supplier_number, "S1###")

Names are message paths (`PID-3.1`, `RQD[2]-5`, `BEG03`) or document fields (`total.amount`). An absent value is empty
text. Text and numbers compare as numbers when one side is written as a number; otherwise as text. `matches` knows
`*`, `?` and `#` (one digit) and takes time in proportion to its input. Nothing here runs Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec

from engine.channel.wildcard import wildcard_match
from engine.core.errors import ExpressionError

Resolve = Callable[[str], object]
"""Value at a path or field; None when absent."""
_Node = Callable[[Resolve], Any]
MAX_LENGTH, MAX_DEPTH = 2000, 30

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"[^"\\]*"|'[^'\\]*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\[\d+\])?(?:-\d+(?:\[\d+\])?(?:\.\d+){0,2}|(?:\.[A-Za-z0-9_]+(?:\[\d+\])?)+)?)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE,
)
_WORDS = frozenset({"and", "or", "not", "in", "true", "false"})


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


class Name(msgspec.Struct, frozen=True):
    """A path or field that an expression reads; `column` counts from 1 in the expression."""

    text: str
    column: int


class Expression(msgspec.Struct, frozen=True):
    """A compiled expression. `names` is what it reads, for lint."""

    text: str
    names: tuple[Name, ...]
    evaluate: Callable[[Resolve], bool]

    def __call__(self, resolve: Resolve) -> bool:
        return self.evaluate(resolve)


def compile_expression(text: str) -> Expression:
    """Compile.

    Raises:
        ExpressionError: not an expression; `where` is `column N`.
    """
    if len(text) > MAX_LENGTH:
        raise _error("longer than an expression may be", MAX_LENGTH, "write a transform instead")
    parser = _Parser(_tokens(text))
    node = parser.either()
    parser.end()
    return Expression(text, tuple(parser.names), lambda resolve: bool(node(resolve)))


def _error(what: str, column: int, remedy: str | None = None) -> ExpressionError:
    return ExpressionError(what, where=f"column {column}", remedy=remedy)


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            column = len(text) - len(text[at:].lstrip()) + 1
            raise _error("a character that has no meaning here", column, _sign_hint(text[column - 1]))
        kind = match.lastgroup or ""
        word = match[kind]
        tokens.append(_Token("word" if kind == "name" and word in _WORDS else kind, word, match.start(kind) + 1))
        at = match.end()
    tokens.append(_Token("end", "", len(text) + 1))
    return tokens


def _sign_hint(sign: str) -> str | None:
    return {"=": "compare with ==", "&": "write: and", "|": "write: or", "!": "write: not, or !="}.get(sign)


class _Parser:
    """Lowest first: or, and, not, comparison, value."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0
        self.names: list[Name] = []

    def either(self) -> _Node:
        node = self._both()
        while self._takes("word", "or"):
            node = _or(node, self._both())
        return node

    def end(self) -> None:
        if self._now.kind != "end":
            raise _error("something stands after the end of the expression", self._now.column, "join it with and / or")

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _takes(self, kind: str, text: str) -> bool:
        if self._now.kind == kind and self._now.text == text:
            self._at += 1
            return True
        return False

    def _next(self) -> _Token:
        token = self._now
        self._at += token.kind != "end"
        return token

    def _expect(self, sign: str) -> None:
        if not self._takes("sign", sign):
            raise _error(f"'{sign}' is missing", self._now.column)

    def _both(self) -> _Node:
        node = self._negated()
        while self._takes("word", "and"):
            node = _and(node, self._negated())
        return node

    def _negated(self) -> _Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _error("nested too deeply", self._now.column, "write a transform instead")
        node = _not(self._negated()) if self._takes("word", "not") else self._comparison()
        self._depth -= 1
        return node

    def _comparison(self) -> _Node:
        left = self._value()
        if self._now.kind == "sign" and self._now.text in _COMPARE:
            return _compare(self._next().text, left, self._value())
        if self._takes("word", "in"):
            return _among(left, self._choices())
        if self._now.text == "not" and self._tokens[self._at + 1].text == "in":
            self._at += 2
            return _not(_among(left, self._choices()))
        return left

    def _choices(self) -> list[_Node]:
        closing = ")" if self._takes("sign", "(") else "]"
        if closing == "]":
            self._expect("[")
        choices = [self._value()]
        while self._takes("sign", ","):
            choices.append(self._value())
        self._expect(closing)
        return choices

    def _value(self) -> _Node:
        token = self._next()
        if token.kind == "sign" and token.text == "(":
            node = self.either()
            self._expect(")")
            return node
        if token.kind == "name":
            return self._call(token) if self._takes("sign", "(") else self._name(token)
        if token.kind in ("text", "number") or token.text in ("true", "false"):
            return _literal(token)
        raise _error("a value is missing", token.column, 'for example PV1-2, "I" or 5')

    def _name(self, token: _Token) -> _Node:
        self.names.append(Name(token.text, token.column))
        return lambda resolve: resolve(token.text)

    def _call(self, token: _Token) -> _Node:
        known = FUNCTIONS.get(token.text)
        if known is None:
            raise _error(f"no function '{token.text}'", token.column, f"there are: {', '.join(sorted(FUNCTIONS))}")
        arguments = [self._value()]
        while self._takes("sign", ","):
            arguments.append(self._value())
        self._expect(")")
        if len(arguments) != known[0]:
            raise _error(f"'{token.text}' takes {known[0]} value{'s' * (known[0] > 1)}", token.column)
        return _applied(known[1], arguments)


# ------------------------------------------------------------------ meaning
def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _same(left: object, right: object) -> bool:
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        one, other = _number(left), _number(right)
        return one is not None and one == other
    if isinstance(left, bool) or isinstance(right, bool):
        return _text(left).lower() == _text(right).lower()
    return _text(left) == _text(right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    def check(left: object, right: object) -> bool:
        if isinstance(left, Decimal) or isinstance(right, Decimal):
            one, other = _number(left), _number(right)
            return one is not None and other is not None and compare(one, other)
        return compare(_text(left), _text(right))

    return check


_COMPARE: dict[str, Callable[[object, object], bool]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "<": _ordered(lambda a, b: bool(a < b)),
    "<=": _ordered(lambda a, b: bool(a <= b)),
    ">": _ordered(lambda a, b: bool(a > b)),
    ">=": _ordered(lambda a, b: bool(a >= b)),
}
FUNCTIONS: dict[str, tuple[int, Callable[..., object]]] = {
    "starts_with": (2, lambda value, start: _text(value).startswith(_text(start))),
    "ends_with": (2, lambda value, end: _text(value).endswith(_text(end))),
    "contains": (2, lambda value, part: _text(part) in _text(value)),
    "matches": (2, lambda value, pattern: wildcard_match(_text(pattern), _text(value))),
    "exists": (1, lambda value: _text(value) != ""),
    "lower": (1, lambda value: _text(value).lower()),
}


def _literal(token: _Token) -> _Node:
    value: object = token.text == "true"
    if token.kind == "text":
        value = token.text[1:-1]
    elif token.kind == "number":
        value = Decimal(token.text)
    return lambda resolve: value


def _or(left: _Node, right: _Node) -> _Node:
    return lambda resolve: bool(left(resolve)) or bool(right(resolve))


def _and(left: _Node, right: _Node) -> _Node:
    return lambda resolve: bool(left(resolve)) and bool(right(resolve))


def _not(node: _Node) -> _Node:
    return lambda resolve: not node(resolve)


def _compare(sign: str, left: _Node, right: _Node) -> _Node:
    check = _COMPARE[sign]
    return lambda resolve: check(left(resolve), right(resolve))


def _among(left: _Node, choices: list[_Node]) -> _Node:
    return lambda resolve: any(_same(left(resolve), choice(resolve)) for choice in choices)


def _applied(function: Callable[..., object], arguments: list[_Node]) -> _Node:
    return lambda resolve: function(*(argument(resolve) for argument in arguments))
