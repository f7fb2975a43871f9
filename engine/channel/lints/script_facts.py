"""What can be read from a script without running it."""

from __future__ import annotations

import ast
from functools import lru_cache

from engine.canonical import KINDS

_ROWS = frozenset({"Rows"})  # a file's rows: a message, whatever documents the script reads


@lru_cache(maxsize=512)
def parsed(text: str) -> ast.Module | SyntaxError:
    """The syntax tree, or why there is none. A file that is too deep or holds a null byte counts as a syntax error."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        return SyntaxError("it cannot be read as Python")


def transform_of(tree: ast.Module) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    functions = [
        n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == "transform"
    ]
    return functions[-1] if functions else None


def kinds_made(text: str) -> frozenset[str] | None:
    """Kinds that the script makes, from the return annotation or else from what it names; None: it does not say."""
    tree = parsed(text)
    if isinstance(tree, SyntaxError):
        return None
    function = transform_of(tree)
    if function is None:
        return None
    named = _kinds_in(function.returns) if function.returns else frozenset()
    if not named and _names_in(function.returns) & _ROWS:
        return frozenset({"message"})
    named = named or _kinds_in(tree)
    return named | _messages_in(function.returns) if named else None


def _kinds_in(node: ast.AST) -> frozenset[str]:
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in KINDS}
    quoted = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return frozenset(found | (quoted & set(KINDS)))


def _names_in(node: ast.AST | None) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name)) if node else frozenset()


def _messages_in(node: ast.AST | None) -> frozenset[str]:
    names = _names_in(node)
    return frozenset({"message"}) if any(n.endswith("Message") or n == "bytes" for n in names) else frozenset()
