"""Every published sample parses and re-encodes byte for byte, or is refused for a reason that is listed here."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.errors import FramingError, IsthmusError
from engine.mapping.x12_810 import invoice_from_810
from engine.mapping.x12_850 import purchase_order_from_850
from engine.protocols.x12 import (
    EnvelopePolicy,
    TransactionSet,
    acknowledgement_group,
    encode,
    interchange_acknowledgement,
    iterate_segments,
    judge,
    read,
    read_file,
    write_interchange,
)
from tests.support import x12_samples as samples

ROOT = Path(os.environ.get("ISTHMUS_CORPUS", "../shared/corpus")) / "x12"

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not ROOT.is_dir(), reason="corpus absent")]

# File: where, and the words of the refusal. No interchange can be told from these bytes.
REFUSED = {
    # `ISA 00*`: the header uses a blank where all else uses `*`; a blank cannot separate.
    "ENVELOPE_ONLY/GT-Logistics-inconsistent-element-separator-isa-heading.edi": ("ISA", "no element separator"),
    # The samples' terminators are lost: after ISA16 comes `GS` at once.
    "ENVELOPE_ONLY/walmartlabs-x12.no.line.break.no.delim.txt": ("ISA16", "no segment terminator"),
    # No X12: a tree printed for people, that begins with the word ISA.
    "ENVELOPE_ONLY/xlate-sample837-HL-nested-expected.txt": ("ISA", "no element separator"),
}


def files() -> list[Path]:
    return sorted(p for p in ROOT.rglob("*") if p.is_file())


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_file_comes_back_byte_for_byte_or_is_refused_as_listed() -> None:
    refused: dict[str, tuple[str, str]] = {}
    for path in files():
        data = path.read_bytes()
        try:
            file = read_file(data)
        except FramingError as error:
            refused[name(path)] = (error.where or "", error.what)
            continue
        assert encode(file) == data, name(path)

    assert sorted(refused) == sorted(REFUSED)
    for file_name, (where, words) in REFUSED.items():
        assert refused[file_name][0] == where
        assert words in refused[file_name][1]


def test_every_finding_has_code_place_and_position() -> None:
    for path in files():
        if name(path) not in REFUSED:
            for finding in read_file(path.read_bytes()).findings:
                assert finding.code[0] == "X"
                assert finding.where
                assert finding.text


def test_streaming_gives_the_same_segments_as_reading_the_whole() -> None:
    compared = 0
    for path in files():
        data = path.read_bytes()
        if name(path) in REFUSED or not data.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"ISA"):
            continue
        file = read_file(data)
        if file.tail.strip() or len(file.interchanges) != 1 or file.interchanges[0].trailer is None:
            continue  # stray text and lost trailers are told by the reader of whole files only
        whole = [s.parts for s in file.interchanges[0].segments]
        assert [s.parts for s in iterate_segments([data], file.charset)] == whole, name(path)
        compared += 1

    assert compared > 350


def test_every_answer_to_a_sample_reads_without_a_fault() -> None:
    answered = 0
    for path in files():
        if name(path) in REFUSED:
            continue
        for interchange in read_file(path.read_bytes()).interchanges:
            for policy in EnvelopePolicy:
                outcome = judge(interchange, policy)
                group = acknowledgement_group(outcome, "004010", 7)
                told = [interchange_acknowledgement(outcome)]
                made_at = datetime(2026, 11, 20, 8, 15)
                data = write_interchange(samples.partner(), 7, made_at, [group] if group else [], told)
                assert judge(read(data).interchanges[0]).all_findings == (), name(path)
                answered += 1

    assert answered > 900


def sets(pattern: str, code: str) -> list[tuple[str, TransactionSet]]:
    return [
        (name(path), one)
        for path in sorted(ROOT.glob(pattern))
        for interchange in read_file(path.read_bytes()).interchanges
        for group in interchange.groups
        for one in group.sets
        if one.code == code
    ]


def test_purchase_orders_map_or_say_where_not() -> None:
    outcomes: Counter[str] = Counter()
    for file_name, one in sets("850/*", "850"):
        try:
            order = purchase_order_from_850(one, "S1")
        except IsthmusError as error:
            outcomes[error.code if error.where else file_name] += 1
        else:
            outcomes["read" if order.lines else file_name] += 1

    # No BEG in two, no PO1 in one, and one whose SAC has neither amount nor rate.
    assert outcomes == Counter(read=40, F002=3, D003=1)


def test_invoices_map_or_say_where_not() -> None:
    failed = {}
    for file_name, one in sets("810/*", "810"):
        try:
            assert invoice_from_810(one, "S1").stated_total.amount >= 0
        except IsthmusError as error:
            failed[file_name.partition("/")[2]] = (error.code, error.where)

    assert failed == {
        # An allowance that is on the order is missing on the invoice.
        "klatar200-sysco-group-1-03_810_invoice.edi": ("D003", "TDS01"),
        "klatar200-sysco-group-3-03_810_invoice.edi": ("D003", "TDS01"),
        # Excerpts without lines and total.
        "Silvenga-X12_810_00204_Eval.txt": ("F002", "TDS01"),
        "Silvenga-X12_810_00204_Write.txt": ("F002", "TDS01"),
        "Silvenga-X12_810_00204_WriteNoPreserveWhitespace.txt": ("F002", "TDS01"),
        # BIG03 is repeated, where 810 allows one date.
        "Silvenga-X12_810_00204_BlankRepetition.txt": ("F003", "BIG03"),
    }


def test_order_and_invoice_of_one_story_agree_to_the_cent() -> None:
    (_, order_set), (_, invoice_set) = sets("850/*PO-10001*", "850")[0], sets("810/*PO-10001*", "810")[0]

    order = purchase_order_from_850(order_set, "VENDOR01")
    invoice = invoice_from_810(invoice_set, "VENDOR01")

    assert invoice.order_number == order.order_number == "PO-10001"
    assert invoice.total == order.total
    assert invoice.total.amount == Decimal("450.00")


def test_tolerant_policy_takes_in_published_orders_that_strict_refuses_for_their_counts() -> None:
    path = next(ROOT.glob("850/*PO-10001*"))
    interchange = read_file(path.read_bytes()).interchanges[0]

    strict, tolerant = judge(interchange), judge(interchange, EnvelopePolicy.TOLERANT)

    assert [f.x12_code for f in strict.all_findings] == ["", "AK502:4"]
    assert len(list(strict.accepted_sets())) == 0
    assert len(list(tolerant.accepted_sets())) == 1
