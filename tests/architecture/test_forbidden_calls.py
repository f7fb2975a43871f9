"""What no file of the engine may call or import. Source: acceptance 45; docs/adr/0003-workers.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.source_tree import Module, dotted, modules

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle"}
CALLS = {"eval", "exec", "builtins.eval", "builtins.exec", "os.system", "os.popen"}
UNSAFE_YAML = {"yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "yaml.unsafe_load_all"}
NAMES = {"AutoAddPolicy", "WarningPolicy", "UnsafeLoader", "FullLoader", "_create_unverified_context"}
# One place compiles the site's reviewed scripts, inside their worker process.
MAY_EXEC = "engine/script/program.py"
# One place reads the setting `verify` of a TLS client, which an analyst must write and lint remarks on.
MAY_NOT_VERIFY = ("engine/connectors/tls.py", "_client_context")


def findings(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        for fault in _faults(module, node):
            yield f"{module.at(node)}: {fault}"


def _faults(module: Module, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"imports {a.name}" for a in node.names if a.name.split(".")[0] in MODULES)
    elif isinstance(node, ast.ImportFrom):
        if (node.module or "").split(".")[0] in MODULES:
            yield f"imports {node.module}"
        yield from (f"imports {a.name}" for a in node.names if a.name in NAMES or f"{node.module}.{a.name}" in CALLS)
    elif isinstance(node, ast.Call):
        yield from _faults_of_call(module, node)
    elif isinstance(node, ast.Attribute | ast.Name):
        yield from _unverified(module, node)


def _faults_of_call(module: Module, node: ast.Call) -> Iterator[str]:
    called = dotted(node.func)
    if (called in CALLS and not (called == "exec" and module.name == MAY_EXEC)) or called in UNSAFE_YAML:
        yield f"calls {called}"
    for keyword in node.keywords:
        constant = getattr(keyword.value, "value", None)
        if keyword.arg == "shell" and constant is not False:
            yield "asks a shell"
        if keyword.arg in ("verify", "verify_ssl", "ssl", "check_hostname") and constant is False:
            yield f"{keyword.arg}=False"
    if called in {"asyncio.create_subprocess_shell", "create_subprocess_shell"}:
        yield "asks a shell"


def _unverified(module: Module, node: ast.Attribute | ast.Name) -> Iterator[str]:
    name = node.attr if isinstance(node, ast.Attribute) else node.id
    if name in NAMES:
        yield f"names {name}"
    if name == "CERT_NONE" and not _inside(module, node, *MAY_NOT_VERIFY):
        yield "names CERT_NONE"


def _inside(module: Module, node: ast.expr, file: str, function: str) -> bool:
    places = (n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef) and n.name == function)
    return module.name == file and any(p.lineno <= node.lineno <= (p.end_lineno or 0) for p in places)


def test_the_engine_and_the_site_call_nothing_forbidden() -> None:
    assert [fault for module in modules("engine", "transforms") for fault in findings(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from marshal import loads",
        "import yaml\nyaml.load(text)",
        "from yaml import UnsafeLoader",
        "eval('1')",
        "exec('1')",
        "import os\nos.system('ls')",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
        "client.get(url, verify=False)",
        "client.get(url, ssl=False)",
        "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())",
    ],
)
def test_the_gate_sees_each_forbidden_thing(text: str) -> None:
    module = Module("engine/invented.py", text, ast.parse(text))

    assert list(findings(module)) != []


@pytest.mark.parametrize(
    "text", ["yaml.safe_load(text)", "re.compile('eval')", "subprocess.run(['ls'])", "x.evaluate()"]
)
def test_the_gate_lets_plain_things_pass(text: str) -> None:
    assert list(findings(Module("engine/invented.py", text, ast.parse(text)))) == []
