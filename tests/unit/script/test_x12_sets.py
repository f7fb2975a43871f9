"""Several sets in one interchange: what stops the message says which of them it is about."""

from __future__ import annotations

from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.protocols.x12 import decode_answer
from engine.protocols.x12.answer import KIND
from engine.script.program import Compiled
from engine.script.runner import run_one
from tests.support import x12_samples as samples

SCRIPT = """
from engine.sdk import TransactionSet, invoice_from_810

def transform(invoice_810: TransactionSet):
    return invoice_from_810(invoice_810)
"""
WRONG_SUM = tuple(one.replace("TDS*12500", "TDS*12600") for one in samples.INVOICE)
NO_NUMBER = tuple(one.replace("*INV-9*", "**") for one in samples.INVOICE)


def interchange(*sets: list[str], group: str = "IN") -> bytes:
    inner = [segment for one in sets for segment in one]
    gs = samples.GS.replace("*PO*", f"*{group}*")
    segments = [samples.ISA, gs, *inner, f"GE*{len(sets)}*501", "IEA*1*000000501"]
    return "".join(f"{one}~" for one in segments).encode()


def run(*bodies: tuple[str, ...]) -> WorkResult:
    return worked(interchange(*(samples.transaction_set(b, "810", f"{n:04d}") for n, b in enumerate(bodies, 1))))


def worked(body: bytes) -> WorkResult:
    program = Program(
        key="demo@1", channel="demo", format="x12", accept=["810"], script_name="transforms/demo.py", script=SCRIPT,
        destinations={"out": {"send": None, "order_by": None, "when": None}},
    )  # fmt: skip
    return run_one(Compiled(program, Limits()), WorkItem(1, "demo@1", body, "810"))


def test_a_set_that_does_not_add_up_is_named_among_several() -> None:
    held = run(samples.INVOICE, WRONG_SUM, samples.INVOICE)

    assert held.state is MessageState.HELD
    assert held.reason is not None
    assert (held.reason.where or "").startswith("810 0002: TDS01")


def test_alone_it_is_named_by_its_place() -> None:
    reason = run(WRONG_SUM).reason

    assert reason is not None
    assert (reason.where or "").startswith("TDS01")


def test_a_refusal_says_set_segment_element_and_code() -> None:
    refused = run(NO_NUMBER)

    assert (refused.state, refused.reason and refused.reason.where) == (MessageState.REFUSED, "BIG02")
    assert refused.reason is not None
    assert refused.reason.text == "a mandatory element is missing, at segment 2 of set 1 in group 1 (AK403:1)"


def test_a_set_that_the_channel_does_not_accept_is_told_as_not_supported_and_the_others_act() -> None:
    invoice = samples.transaction_set(samples.INVOICE, "810", "0001")
    result = worked(interchange(invoice, samples.transaction_set(number="0002")))

    answer = decode_answer(result.documents[0].body)
    assert (result.state, [one.kind for one in result.documents]) == (MessageState.QUEUED, [KIND, "Invoice"])
    assert [s[1:] for s in answer.functional[0] if s[0] in ("AK5", "AK9")] == [
        ("A",),
        ("R", "1"),
        ("P", "2", "2", "1"),
    ]


def test_an_interchange_of_other_channels_alone_is_refused_as_that_and_answered() -> None:
    result = worked(interchange(samples.transaction_set(), group="PO"))

    assert (result.state, result.reason and result.reason.code) == (MessageState.REFUSED, "M006")
    assert [one.kind for one in result.documents] == [KIND]
