"""Patterns that run away: wherever somebody gives one it is refused or quick, and none of our own is slow.

Source: OWASP ReDoS, CWE-1333, and public advisories on such patterns; 100 kB of input each.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from types import FunctionType
from typing import Any

import pytest

import engine
from engine.channel.expression import compile_expression
from engine.channel.wildcard import wildcard_match
from engine.core.errors import ExpressionError, IsthmusError
from engine.protocols.fhir.path import compile_path as fhir_path
from engine.protocols.json_message import JsonMessage
from engine.protocols.tabular.pattern import check_pattern, matcher
from engine.protocols.xml.path import compile_path as xml_path
from tests.support.adversarial import LENGTH, TooSlowError, at_most, hard_texts

MOST_SECONDS = 0.2
BAD = [
    r"(a+)+$", r"([a-zA-Z]+)*$", r"(a|aa)+$", r"(a|a?)+$", r"(.*a){20}$", r"^(a+)+$", r"(x+x+)+y", r"(.*)*$",
    r"(\d+)+$", r"(\w+\s?)*$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(a*)*b", r"(a*)+b", r"((a*)*)*b", r"(a?){50}a{50}",
    r"^(\w+)*@\w+$", r"([a-z0-9]+[-._]?)*@", r"(\s*\S+)*$", r"^(?:.*,)*$", r"(?:a|ab|abc)*d", r"(?=(a+))a*b\1",
    r"(a+)\1+$", r"^((ab)*)+$", r"(?:[^\"]|\\\")*\"", r"<(.|\n)*?>", r"(.+)+\.(.+)+", r"\s+$|^\s+", r"(?:\s|\t)*$",
    r"^(1+)+2", r"(0|00)*1", r"(a{1,50}){1,50}$", r".*.*.*.*.*=.*", r"a*a*a*a*a*a*b", r"\d*\d*\d*\d*\d*x",
    r"[ab]*[ab]*[ab]*[ab]*c", r".*a.*a.*a.*a.*a", r"a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaa",
    r"(?:(?:a+)?)+b", r"(?P<n>a+)+b", r"(a(b|c)*)*d", r"^(?!(a+)+b)", r"(?<=a)(a+)+b", r"(?i:(a+)+)b", r"(?s:.*)*x",
    r"(?:a|b|ab)*c", r"(?:\.|\w)+:", r"(ab?)*(ba?)*c", r"[^/]*[^/]*[^/]*[^/]*/x", r"((\w|\d)*)*!", r"(?:a{0,9}){9}b",
    r"(?#x)(a+)+b", r"\w*\w*\w*\w*-",
]  # fmt: skip
GLOBS = [
    "*a" * 40 + "b", "*" * 500 + "b", "*?" * 100 + "b", "*a*a*a*a*a*a*a*a*a*b", "*.*.*.*.*.*.*.x", "[a-z]*" * 30 + "!",
    "?" * 200 + "*" * 50 + "b", "*[!b]" * 40 + "b", "*aa*aaa*aaaa*aaaaa*b", "*#" * 50 + "b", "a*" * 90 + "c",
    "*[ab]*[ab]*[ab]*[ab]*[ab]*c",
]  # fmt: skip
TEXTS = ["a" * LENGTH, "a" * LENGTH + "!", "0" * LENGTH, "." * LENGTH, "ab" * (LENGTH // 2), " " * LENGTH, "a" * 199]


@pytest.mark.parametrize("pattern", BAD)
def test_a_bad_pattern_of_a_column_is_refused_or_quick(pattern: str) -> None:
    try:
        fits = matcher(pattern)
    except ValueError:
        return
    for text in TEXTS:
        with at_most(MOST_SECONDS):
            fits(text)


def test_the_list_of_bad_patterns_is_long_enough_and_most_are_refused() -> None:
    refused = 0
    for pattern in BAD:
        try:
            check_pattern(pattern)
        except ValueError:
            refused += 1

    assert len(set(BAD)) >= 50
    assert refused >= 40


@pytest.mark.parametrize("glob", GLOBS)
def test_wildcards_take_no_time_however_many_stars(glob: str) -> None:
    """`matches()` of channels; names of files, senders and keys go through fnmatch."""
    for text in TEXTS:
        with at_most(MOST_SECONDS):
            wildcard_match(glob, text)
        with at_most(MOST_SECONDS):
            fnmatchcase(text[:1024], glob)  # file names, senders and keys are no longer


@pytest.mark.parametrize("bad", [*BAD, *GLOBS])
def test_an_expression_is_compiled_or_refused_at_once(bad: str) -> None:
    quoted = bad.replace("\\", "").replace('"', "")
    texts = [f'matches(PID-3, "{quoted}")', bad * 400, "(" * 2000, "not " * 500, "a." * 1000, '"' * 2000, "a" * 100_000]
    for text in texts:
        with at_most(MOST_SECONDS):
            try:
                evaluate = compile_expression(text)
            except ExpressionError:
                continue
        with at_most(MOST_SECONDS):
            evaluate(lambda name: "a" * LENGTH)


@pytest.mark.parametrize("read", [fhir_path, xml_path, JsonMessage.parse(b"{}").get], ids=["fhir", "xml", "json"])
def test_a_path_is_read_or_refused_at_once(read: Callable[[str], Any]) -> None:
    for text in [one + end for one in hard_texts("a.b[0]/@x:(y)=''") for end in ("", "]")]:
        with at_most(MOST_SECONDS):
            try:
                read(text)
            except IsthmusError:
                continue


def test_the_alarm_is_not_lost_in_what_the_interpreter_calls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)
    at_home = FunctionType(_spin.__code__.replace(co_filename=weakref.__file__), globals())
    kept = []

    def work() -> None:
        ends = {1}
        kept.append(weakref.ref(ends, at_home))
        ends = {2}
        _spin(ends)  # where it would be raised, had it not been lost before

    with pytest.raises(TooSlowError), at_most(0.02):
        work()

    assert (kept[0](), lost) == (None, [])


def _spin(anything: Any) -> None:
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass


# ---------------------------------------------------------------- our own
SITES_OWN = {
    "engine.protocols.fhir.fhirpath._TEXT": "a path of a channel's file, read when the channel is",
    "engine.protocols.fhir.fhirpath._CALL": "as above",
    "engine.protocols.soap.template._MARK": "a template of the site",
    "engine.channel.lints.secrets._IN_ADDRESS": "values of the site's files, read by lint alone",
}


def _own() -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
    """Every pattern that a module of ours holds, by what it is used for where that is to be seen."""
    seen: set[tuple[str, str]] = set()
    for found in pkgutil.walk_packages(engine.__path__, "engine."):
        if found.name.endswith(("__main__", "pgp_child")) or ".migrations" in found.name:
            continue
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            pattern = value if isinstance(value, re.Pattern) else getattr(value, "__self__", None)
            if not isinstance(pattern, re.Pattern):
                continue
            if f"{found.name}.{name}" in SITES_OWN:
                continue
            uses = [value] if value is not pattern else _uses(inspect.getsource(module), name, pattern)
            for use in uses:
                if (str(pattern.pattern), use.__name__) not in seen:
                    seen.add((str(pattern.pattern), use.__name__))
                    yield f"{found.name}.{name}", use.__name__, use


def _uses(source: str, name: str, pattern: re.Pattern[Any]) -> list[Callable[[Any], Any]]:
    """Whatever looks for the next place searches. A pattern that is not used where it stands: in each way."""
    said = set(re.findall(rf"\b{name}\.(\w+)", source)) or {"search", "match", "fullmatch"}
    return [getattr(pattern, how) for how in sorted({how if "match" in how else "search" for how in said})]


def _slow(every: int = 1) -> list[str]:
    slow = []
    for place, how, use in _own():
        pattern = use.__self__.pattern  # type: ignore[attr-defined]
        binary = isinstance(pattern, bytes)
        for text in hard_texts(pattern.decode("latin-1") if binary else pattern)[::every]:
            began = time.perf_counter()
            try:
                with at_most(0.5):
                    use(text.encode("latin-1", "replace") if binary else text)
            except TooSlowError:
                slow.append(f"{place}.{how} on {text[:6]!r}… ends {text[-3:]!r}: {time.perf_counter() - began:.1f} s")
                break
    return slow


def test_no_pattern_of_ours_is_slow() -> None:
    assert _slow(every=5) == []


@pytest.mark.slow
def test_no_pattern_of_ours_is_slow_on_any_of_the_texts() -> None:
    assert _slow() == []
