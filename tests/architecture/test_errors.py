"""Every error has its own code, or takes its parent's on purpose: operators look codes up."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator

import engine
from engine.core.errors import Fate, IsthmusError
from tests.support.source_tree import ROOT

# These steer the engine itself; a person is told the parent's code, which the reference explains.
AS_THE_PARENT = {"_ConnectionLostError"}


def errors(base: type[IsthmusError] = IsthmusError) -> Iterator[type[IsthmusError]]:
    for error in base.__subclasses__():
        if error.__module__.startswith("engine."):
            yield error
            yield from errors(error)


def setup_module() -> None:
    for found in pkgutil.walk_packages(engine.__path__, "engine."):
        if not found.name.endswith("__main__") and ".migrations." not in found.name:
            importlib.import_module(found.name)


def test_every_error_has_a_code_of_its_own_or_its_parents_on_purpose() -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    borrowed = set()
    for error in errors():
        if "code" in vars(error):
            owners[error.code].append(error.__name__)
        else:
            borrowed.add(error.__name__)

    assert {code: names for code, names in owners.items() if len(names) > 1} == {}
    assert borrowed == AS_THE_PARENT


def test_codes_are_a_letter_and_three_digits_and_fates_are_known() -> None:
    for error in errors():
        assert re.fullmatch(r"[A-Z]\d{3}", error.code), error
        assert error.fate in Fate, error


def test_no_error_but_the_base_is_the_base() -> None:
    """E000 says nothing: whoever shows it to a person has not decided what it is."""
    assert [e.__name__ for e in errors() if e.code == IsthmusError.code] == []


def test_every_code_is_explained_in_the_reference() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text()
    own = [error for error in errors() if "code" in vars(error)]

    assert [error.__name__ for error in own if not error.__doc__ or "__doc__" not in vars(error)] == []
    assert [error.code for error in own if f"| `{error.code}` |" not in page] == []
