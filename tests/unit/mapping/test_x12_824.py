"""824 to ApplicationAdvice and back: what one side's books did with the other's documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from engine.canonical import AdviceAction, ApplicationAdvice
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping.x12_824 import advice_on, application_advice_from_824, application_advice_to_824
from engine.protocols.x12 import EnvelopePolicy, TransactionSet, read
from tests.support import x12_samples as samples
from tests.support.x12_documents import application_advices
from tests.support.x12_exchange import VERSIONS, sent_and_received

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]

BGN = "BGN*44*0015130024*20260913"
SUPPLIER = "N1*SU*Talbot*92*S1001"
OTI = "OTI*TR*IV*INV-9***20260913**31*0001*810"


def received(*body: str, code: str = "824", group: str = "AG") -> TransactionSet:
    data = samples.interchange(body, code, group)
    return read(data, EnvelopePolicy.TOLERANT).interchanges[0].groups[0].sets[0]


def advice_back(advice: ApplicationAdvice) -> list[ApplicationAdvice]:
    written = application_advice_to_824(advice)
    sets = [sent_and_received(written, "AG", version) for version in VERSIONS]
    return [application_advice_from_824(one, advice.supplier_number) for one in sets]


@given(application_advices)
@settings(max_examples=15, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
def test_written_advice_reads_as_the_same(advice: ApplicationAdvice) -> None:
    assert advice_back(advice) == [advice, advice]


def test_a_rejected_invoice_with_its_reasons_is_read() -> None:
    one = received(BGN, SUPPLIER, OTI, "REF*PO*PO-4711", "TED*011*No such order*BIG*2*4", "TED*OTH", "NTE*INV*call us")
    advice = application_advice_from_824(one)
    (document,) = advice.documents

    assert (advice.supplier_number, advice.advised_on, advice.accepted) == ("S1001", date(2026, 9, 13), False)
    assert (document.action, document.code, document.number) == (AdviceAction.REJECTED, None, "INV-9")
    assert (document.group_number, document.set_number, document.transaction_set) == ("31", "0001", "810")
    assert [(f.code, f.text, f.segment, f.position, f.element) for f in document.faults] == [
        ("011", "No such order", "BIG", 2, 4),
        ("OTH", None, None, None, None),
    ]
    assert [(r.scheme, r.value) for r in document.references] == [("PO", "PO-4711")]


@pytest.mark.parametrize(
    ("code", "action", "kept"),
    [("TA", "accepted", None), ("IR", "rejected", "IR"), ("GE", "accepted_with_errors", "GE"), ("TH", "on_hold", None)],
)
def test_the_answer_is_read_at_every_level(code: str, action: str, kept: str | None) -> None:
    advice = application_advice_from_824(received(BGN, SUPPLIER, OTI.replace("*TR*", f"*{code}*")))

    assert (advice.documents[0].action, advice.documents[0].code) == (action, kept)


def test_a_copy_of_bad_data_is_not_taken_over() -> None:
    advice = application_advice_from_824(received(BGN, SUPPLIER, OTI, "TED*848*wrong*BIG*2*4**CANARY*CANARY"))

    assert "CANARY" not in advice.model_dump_json()


@pytest.mark.parametrize(
    ("body", "error", "where"),
    [
        ((SUPPLIER, OTI), RequiredFieldError, "BGN02"),
        ((BGN, OTI), RequiredFieldError, "N1 SU"),
        ((BGN.replace("20260913", "20261399"), SUPPLIER, OTI), DataTypeError, "BGN03"),
        ((BGN, SUPPLIER), DocumentError, "documents"),
        ((BGN, SUPPLIER, OTI.replace("*TR*", "*ZZ*")), DataTypeError, "OTI01[1]"),
        ((BGN, SUPPLIER, OTI, OTI.replace("INV-9", "")), RequiredFieldError, "OTI03[2]"),
        ((BGN, SUPPLIER, OTI, "TED*011**BIG*two"), DataTypeError, "TED04[1]"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(body: tuple[str, ...], error: type[Exception], where: str) -> None:
    with pytest.raises(error) as told:
        application_advice_from_824(received(*body))

    assert told.value.where == where  # type: ignore[attr-defined]


# ------------------------------------------------------------------ ours
def rejection() -> ApplicationAdvice:
    one = replace(received(*samples.INVOICE, code="810", group="IN"), supplier_number="S1001")
    return advice_on(one, "INV-9", "011", "The order is not known", "BIG04")


def test_a_rejection_names_the_invoice_the_reason_and_the_place() -> None:
    written = application_advice_to_824(rejection(), date(2026, 11, 21))

    assert list(written.segments) == [
        ("BGN", "44", "INV-9", "20261121"),
        ("OTI", "TR", "IV", "INV-9", "", "", "", "", "", "", "810"),
        ("TED", "011", "The order is not known", "BIG", "2", "4"),
    ]


def test_an_advice_without_a_day_is_not_written_without_one() -> None:
    with pytest.raises(RequiredFieldError):
        application_advice_to_824(rejection())


def test_a_reason_that_is_too_long_is_told_and_not_cut() -> None:
    with pytest.raises(DocumentError):
        advice_on(received(*samples.INVOICE, code="810", group="IN"), "INV-9", "011", "x" * 61)
