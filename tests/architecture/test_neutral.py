"""Nothing in the repository names a machine it was made on, and lock files name no host to install from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.support.source_tree import ROOT, tracked_files

TEXT = {
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".toml",
    ".lock",
    ".txt",
    ".json",
    ".html",
    ".css",
    ".js",
    ".csv",
    ".hl7",
    ".edi",
}
ROOTS = ("work", "home", "Users", "root", "mnt", "workspace")
# An absolute path to a person's or a build machine's folder; a web path such as https://host/work/ is not one.
MACHINE_PATH = re.compile(rf"(?<![\w.:/}}*-])/(?:{'|'.join(ROOTS)})/[A-Za-z0-9_.]")
REGISTRY = re.compile(
    r"--(?:extra-)?index-url|--find-links|--trusted-host|pythonhosted|(?:pypi|artifactory|nexus)\.\w", re.I
)
LOCKED = re.compile(r"^(?:[A-Za-z0-9_.\[\],-]+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?| *#.*|)$")


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        if path.suffix in TEXT or path.name in {"Dockerfile", "run"}:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def _found(pattern: re.Pattern[str], name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.search(line):
            yield f"{name}:{number}"


def test_no_file_names_a_folder_of_a_machine() -> None:
    assert [place for name, text in texts() for place in _found(MACHINE_PATH, name, text)] == []


def test_no_file_names_a_package_registry() -> None:
    own = "tests/architecture/test_neutral.py"

    assert [place for name, text in texts() if name != own for place in _found(REGISTRY, name, text)] == []


def test_lock_files_hold_names_versions_and_digests_only() -> None:
    locks = [(name, text) for name, text in texts() if name.endswith(".lock")]
    odd = [
        f"{name}:{n}: {line}"
        for name, text in locks
        for n, line in enumerate(text.splitlines(), 1)
        if not LOCKED.match(line)
    ]

    assert len(locks) >= 2
    assert odd == []


def test_the_gate_sees_a_folder_of_a_machine() -> None:
    assert MACHINE_PATH.search('ROOT = "/' + 'home/someone/site"')
    assert not MACHINE_PATH.search("https://host/home/page")
