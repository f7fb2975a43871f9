"""YAML is read as people mean it, with places, and cannot be used to hurt."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from engine.channel.yaml_source import MAX_CHARACTERS, Position, read_yaml


def test_keys_and_values_know_their_places() -> None:
    source = read_yaml("a: 1\nlist:\n  - name: x\n    retry: {first: 5s}\n", "f.yaml")

    assert source.data == {"a": 1, "list": [{"name": "x", "retry": {"first": "5s"}}]}
    assert source.key_at(("list", 0, "retry", "first")) == Position(4, 13)
    assert source.value_at(("list", 0, "retry", "first")) == Position(4, 20)


def test_a_place_that_is_not_there_is_the_nearest_around_it() -> None:
    source = read_yaml("a:\n  b: 1\n", "f.yaml")

    assert source.value_at(("a", "missing", "deeper")) == Position(2, 3)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("22:00", "22:00"),
        ("007", "007"),
        ("no", "no"),
        ("on", "on"),
        ("2026-11-20", "2026-11-20"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("1e3", "1e3"),
        ("5", 5),
        ("-5", -5),
        ("2.50", 2.5),
        ("true", True),
        ("~", None),
        ("'5'", "5"),
    ],
)
def test_a_word_is_what_it_looks_like(written: str, value: object) -> None:
    assert read_yaml(f"k: {written}", "f.yaml").data == {"k": value}


def test_scalars_of_crosswalks_stay_the_text_that_was_written() -> None:
    assert read_yaml("007: 1.50\nb: true\n", "f.yaml", as_text=True).data == {"007": "1.50", "b": "true"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "C015"),
        ("# only a remark\n", "C015"),
        ("a: b: c", "C010"),
        ("a: [1", "C010"),
        ("a:\n\tb: 1", "C011"),
        ("a: 1\nb: 2\na: 3", "C012"),
        ("[" * 100_000, "C013"),
        ("a: &a [*a]", "C013"),
        ("x" * (MAX_CHARACTERS + 1), "C013"),
        ("a: !!python/object/apply:os.system ['x']", "C014"),
        ("a: !include other.yaml", "C014"),
        ("a: !!int many", "C014"),
        ("<<: {a: 1}", "C014"),
        ("? [a, b]\n: 1", "C010"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_code(text: str, code: str) -> None:
    assert [finding.code for finding in read_yaml(text, "f.yaml").findings] == [code]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    for name, before in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]")

    source = read_yaml("\n".join(lines), "f.yaml")

    assert source.data is None
    assert [finding.code for finding in source.findings] == ["C013"]


def test_a_key_given_twice_keeps_the_first_and_points_at_the_second() -> None:
    source = read_yaml("a: 1\nb: 2\na: 3\n", "f.yaml")

    assert source.data == {"a": 1, "b": 2}
    assert (source.findings[0].line, source.findings[0].column) == (3, 1)


@given(st.text(max_size=200))
@example("&0")  # a name for nothing
@example("--- ~")
def test_every_text_is_read_or_told_why_not(text: str) -> None:
    source = read_yaml(text, "f.yaml")

    assert source.data is not None or source.findings or yaml.load(text, yaml.CSafeLoader) is None
