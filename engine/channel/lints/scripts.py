"""Transform scripts, read but never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.channel.explain import did_you_mean, known_words
from engine.channel.finding import Finding
from engine.channel.lints.ground import ChannelGround, Ground, Knowledge
from engine.channel.lints.messages import hl7_path_problem
from engine.channel.lints.script_facts import parsed, transform_of

_RUNS_CODE = frozenset(
    {"eval", "exec", "compile", "open", "__import__", "input", "breakpoint", "globals", "locals", "vars", "getattr",
     "setattr", "delattr", "print"}
)  # fmt: skip
_INSIDES = frozenset(
    {"__class__", "__bases__", "__base__", "__mro__", "__subclasses__", "__globals__", "__builtins__", "__code__",
     "__dict__", "__import__", "__loader__", "__spec__", "__reduce__"}
)  # fmt: skip


_PLACE = re.compile(r"[A-Z][A-Z0-9]{2}(\[\d+\])?-\d")


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        yield from _used_script(ground, channel)
    for name, text in ground.site.scripts.items():
        yield from _script(f"transforms/{name}.py", text, ground.knowledge)


# ------------------------------------------------------------------ from the channel's side
def _used_script(ground: Ground, channel: ChannelGround) -> Iterator[Finding]:
    model = channel.model
    for parameter, table in model.lookups.items():
        if table not in ground.site.crosswalks:
            known = ground.site.crosswalks
            advice = did_you_mean(table, known) or known_words(known) or f"add config/crosswalks/{table}.csv"
            yield channel.yaml.finding("C040", ("lookups", parameter), f"there is no crosswalk '{table}'", advice)
    if model.transform is None:
        if model.lookups:
            text = "there is no transform that could use these lookups"
            yield channel.yaml.finding("C045", ("lookups",), text, "remove them, or add a transform", key=True)
        return
    script = ground.site.scripts.get(model.transform)
    if script is None:
        scripts = ground.site.scripts
        advice = did_you_mean(model.transform, scripts) or f"write transforms/{model.transform}.py"
        words = f"there is no script transforms/{model.transform}.py"
        yield channel.yaml.finding("C030", ("transform",), words, advice)
        return
    yield from _parameters(channel, script)
    if channel.format == "hl7v2":
        yield from _paths(f"transforms/{model.transform}.py", script)


def _paths(file: str, text: str) -> Iterator[Finding]:
    """Places that the script reads (`message.require("RQD-99")`) and that HL7 does not have."""
    tree = parsed(text)
    for node in ast.walk(tree) if isinstance(tree, ast.Module) else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and _PLACE.match(first.value):
                problem = hl7_path_problem(first.value)
                if problem:
                    code, words, advice = problem
                    yield _at(file, first, code, f"'{first.value}' {words}", advice)


def _parameters(channel: ChannelGround, text: str) -> Iterator[Finding]:
    tree, script = parsed(text), f"transforms/{channel.model.transform}.py"
    function = transform_of(tree) if isinstance(tree, ast.Module) else None
    if function is None:
        return
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    asked, declared = every[1:], channel.model.lookups
    for argument in asked:
        if argument.arg not in declared:
            words = f"the parameter '{argument.arg}' is not among the lookups of the channel '{channel.model.channel}'"
            advice = did_you_mean(argument.arg, declared) or f"add it to lookups: in {channel.file.path}"
            yield Finding(script, argument.lineno, argument.col_offset + 1, "C033", words, advice)
    for name in declared:
        if name not in {argument.arg for argument in asked}:
            words = f"the transform has no parameter '{name}'"
            advice = did_you_mean(name, [a.arg for a in asked]) or f"def transform(message, {name}: Lookup)"
            yield channel.yaml.finding("C033", ("lookups", name), words, advice, key=True)


# ------------------------------------------------------------------ the script itself
def _script(file: str, text: str, knowledge: Knowledge) -> Iterator[Finding]:
    tree = parsed(text)
    if isinstance(tree, SyntaxError):
        words = f"not Python: {tree.msg}"
        yield Finding(file, tree.lineno or 1, tree.offset or 1, "C031", words, "check this line and the one before")
        return
    yield from _function(file, tree)
    for node in ast.walk(tree):
        yield from _imports(file, node, knowledge)
        yield from _floats(file, node)
        yield from _runs_code(file, node)


def _function(file: str, tree: ast.Module) -> Iterator[Finding]:
    function = transform_of(tree)
    if function is None:
        helpers = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
        advice = did_you_mean("transform", helpers) or "write: def transform(message): …"
        yield Finding(file, 1, 1, "C032", "the script has no function 'transform'", advice)
    elif isinstance(function, ast.AsyncFunctionDef):
        yield _at(file, function, "C039", "'transform' is async", "remove the word async")
    elif not [*function.args.posonlyargs, *function.args.args]:
        yield _at(file, function, "C033", "'transform' does not take the message", "def transform(message): …")


def _imports(file: str, node: ast.AST, knowledge: Knowledge) -> Iterator[Finding]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        modules = ["." * node.level + (node.module or "")]
        if modules == ["engine.sdk"] and knowledge.sdk_names:
            yield from _sdk_names(file, node, knowledge)
    else:
        return
    for module in modules:
        if knowledge.script_modules and module not in knowledge.script_modules:
            advice = did_you_mean(module, knowledge.script_modules) or "import from engine.sdk what is there"
            yield _at(file, node, "C034", f"scripts may not import '{module}'", advice)


def _sdk_names(file: str, node: ast.ImportFrom, knowledge: Knowledge) -> Iterator[Finding]:
    for alias in node.names:
        if alias.name not in knowledge.sdk_names:
            words = f"engine.sdk has no '{alias.name}'"
            advice = did_you_mean(alias.name, knowledge.sdk_names)
            yield Finding(file, alias.lineno, alias.col_offset + 1, "C038", words, advice)


def _floats(file: str, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        words = f"{node.value} is a float, and floats are not exact"
        yield _at(file, node, "C035", words, f'Decimal("{node.value}")')
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        yield _at(file, node, "C035", "float(…) is not exact", "Decimal(…), or number() of the segment")


def _runs_code(file: str, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _RUNS_CODE:
        words = f"'{node.func.id}' has no place in a transform"
        yield _at(file, node, "C036", words, "a transform gets the message and returns documents, nothing else")
    if isinstance(node, ast.Attribute) and node.attr in _INSIDES:
        words = f"'{node.attr}' reaches into Python's insides"
        yield _at(file, node, "C036", words, "use what engine.sdk offers")


def _at(file: str, node: ast.expr | ast.stmt, code: str, text: str, suggestion: str | None) -> Finding:
    return Finding(file, node.lineno, node.col_offset + 1, code, text, suggestion)
