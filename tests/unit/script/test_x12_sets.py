"""Several sets in one interchange: what stops the message says which of them it is about."""

from __future__ import annotations

from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
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


def run(*bodies: tuple[str, ...]) -> WorkResult:
    program = Program(
        key="demo@1", channel="demo", format="x12", accept=["810"], script_name="transforms/demo.py", script=SCRIPT,
        destinations={"out": {"send": None, "order_by": None, "when": None}},
    )  # fmt: skip
    sets = [s for n, body in enumerate(bodies, 1) for s in samples.transaction_set(body, "810", f"{n:04d}")]
    segments = [samples.ISA, samples.GS.replace("*PO*", "*IN*"), *sets, f"GE*{len(bodies)}*501", "IEA*1*000000501"]
    body = "".join(f"{one}~" for one in segments).encode()
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
