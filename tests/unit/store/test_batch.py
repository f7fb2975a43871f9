"""A batch takes what was submitted first, as much as one commit should carry, and keeps unfenced work apart."""

from __future__ import annotations

from typing import Any

from engine.store.batch import Batch, Entry


def entry(kind: str, value: Any = "x") -> Entry:
    return (kind, value, lambda _: None)


def test_entries_are_taken_in_order_and_sorted_by_kind() -> None:
    entries = [entry("messages", 1), entry("outcomes", [2]), entry("messages", 3), entry("settlements", [4])]
    batch = Batch()

    taken = batch.take(entries)

    assert taken == len(batch) == 4
    assert [value for value, _ in batch.messages] == [1, 3]
    assert [value for value, _ in batch.outcomes] == [[2]]


def test_a_batch_is_cut_where_a_commit_would_grow_too_long() -> None:
    entries = [entry("messages") for _ in range(3000)]

    first = Batch().take(entries)

    assert first == 1024


def test_sequences_weigh_what_they_hold() -> None:
    entries = [entry("outcomes", [0] * 600), entry("settlements", [0] * 600), entry("messages")]

    assert Batch().take(entries) == 2


def test_a_sequence_longer_than_a_commit_is_taken_whole() -> None:
    assert Batch().take([entry("outcomes", [0] * 5000), entry("messages")]) == 1


def test_nothing_overtakes_what_was_submitted_before() -> None:
    entries = [*(entry("messages", number) for number in range(1024)), entry("operations"), entry("messages")]
    batch = Batch()

    batch.take(entries)

    assert batch.operations == []


def test_work_that_is_not_fenced_has_a_commit_of_its_own() -> None:
    entries = [entry("messages"), entry("free"), entry("free"), entry("messages")]

    sizes = []
    while entries:
        taken = Batch().take(entries)
        sizes.append(taken)
        del entries[:taken]

    assert sizes == [1, 2, 1]


def test_a_batch_falls_apart_into_single_entries() -> None:
    batch = Batch()
    batch.take([entry("messages", 1), entry("messages", 2), entry("outcomes", [3])])

    singles = batch.singles()

    assert [len(one) for one in singles] == [1, 1, 1]
    assert len(batch.waiting()) == 3
