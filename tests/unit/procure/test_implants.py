"""Implant cases: clean ones reconcile piece by piece; each discrepancy has its own exception and no other."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from engine.canonical import (
    ChargeEvent,
    Consumption,
    ConsumptionLine,
    Contract,
    ContractLine,
    Document,
    Invoice,
    InvoiceKind,
    Item,
    JournalEntry,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    Packaging,
    PurchaseOrder,
    Quantity,
    RecallNotice,
    Requisition,
)
from engine.channel.policies import Policies
from engine.channel.policy_usage import Usage
from engine.procure.decision import Decision, World
from engine.procure.papers import dossiers_of
from engine.procure.usage.implants import DISCREPANCIES, decide_case
from tests.support.dossiers import Dossiers
from tests.support.implant_cases import (
    DAY,
    ITEMS,
    MASTER,
    SEEDS,
    USED_AT,
    Case,
    clean,
    device,
    documents,
    item,
    replaced_in_time,
    usd,
    used,
)
from tests.support.papers import papers, world

LATER = USED_AT + timedelta(days=10)


def later(**more: object) -> World:
    return world(*MASTER, now=LATER, **more)  # type: ignore[arg-type]


def decided(case: Case | list[Document], of: World | None = None) -> Decision:
    documents = list(case.values()) if isinstance(case, dict) else case
    name = next(one.case_reference for one in documents if isinstance(one, Consumption | ChargeEvent | PurchaseOrder))
    return decide_case(papers(*documents), of or later(), f"case:{name}")


def types(decision: Decision) -> set[str]:
    return {one.type for one in decision.findings}


def test_there_are_twelve_and_each_is_seeded() -> None:
    assert len(DISCREPANCIES) == 12
    assert set(SEEDS) == set(DISCREPANCIES)


@pytest.mark.parametrize("seeded", sorted(SEEDS))
def test_each_discrepancy_is_its_own_exception(seeded: str) -> None:
    for number in range(20):
        found = decided(SEEDS[seeded](clean(number, Random(number))))

        assert types(found) == {seeded}
        assert all(one.flip and one.category == "implants" and one.facts["rule"] == seeded for one in found.findings)


def test_a_clean_case_reconciles_whatever_came_first() -> None:
    case = clean(1, Random(4))
    for turn in itertools.permutations(case.values()):
        found = decided(list(turn))

        assert (found.findings, found.state["state"], found.look_again_at) == ((), "reconciled", None)


def _play(count: int) -> tuple[Counter[str], Counter[str]]:
    """Every second case has a discrepancy. Returns what was seeded and what was found, by case and type."""
    random, of, kinds = Random(40), later(), sorted(SEEDS)
    seeded: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for number in range(count):
        case = clean(number, random)
        kind = kinds[number // 2 % len(kinds)] if number % 2 else "reconciled"
        seeded[f"{kind}"] += 1
        decision = decided(SEEDS[kind](case) if number % 2 else case, of)
        for one in types(decision) or {str(decision.state["state"])}:
            found[one] += 1
    return seeded, found


def test_hundreds_of_cases_reconcile_and_every_discrepancy_is_found_once() -> None:
    seeded, found = _play(480)

    assert found == seeded


@pytest.mark.slow
def test_ten_thousand_cases_reconcile_and_every_discrepancy_is_found_once() -> None:
    seeded, found = _play(10_000)

    assert found == seeded


def _unnamed(case: Case) -> tuple[list[Document], dict[str, Sequence[Document]]]:
    """The case without what names no case, and that in the dossier of its order, as suppliers and scanners tell it."""
    beside = [case[one].model_copy(update={"case_reference": None}) for one in ("receipt", "invoice")]
    order = case["order"]
    assert isinstance(order, PurchaseOrder)
    left = [one for name, one in case.items() if name not in ("receipt", "invoice")]
    return left, {f"order:{order.order_number}": [order, *beside]}


def test_what_came_for_the_order_of_a_case_is_of_the_case_though_it_does_not_name_it() -> None:
    left, beside = _unnamed(clean(1, Random(4)))

    found = decided(left, later(beside=beside))
    assert (found.findings, found.state["state"]) == ((), "reconciled")
    assert decided(left, later()).state["state"] == "waiting"


def test_a_line_of_an_invoice_for_another_order_is_of_no_case_here() -> None:
    left, beside = _unnamed(clean(1, Random(4)))
    ((key, (order, receipt, invoice)),) = beside.items()
    assert isinstance(invoice, Invoice)
    other = invoice.lines[0].model_copy(update={"order_number": "PO-OTHER", "serial": "S-OTHER"})
    both = invoice.model_copy(update={"lines": (*invoice.lines, other)})

    found = decided(left, later(beside={key: [order, receipt, both]}))
    assert (found.findings, found.state["state"]) == ((), "reconciled")


def test_a_replacement_that_is_on_its_way_is_no_exception() -> None:
    assert types(decided(replaced_in_time(clean(1, Random(1))))) == set()


def test_what_a_source_can_still_tell_is_waited_for() -> None:
    case = SEEDS["implant_order_without_charge"](clean(1, Random(1)))
    soon = decided(case, world(*MASTER, now=USED_AT + timedelta(hours=1)))
    told = decided(case, world(*MASTER, now=USED_AT + timedelta(hours=1), watermarks={"charges": USED_AT}))

    assert (types(soon), soon.state["state"], soon.state["for"]) == (set(), "waiting", ["charged"])
    assert soon.look_again_at == USED_AT + timedelta(hours=72)
    assert types(told) == {"implant_order_without_charge"}


def changed(order: str, action: OrderChangeAction, line: int = 1, **more: Any) -> OrderChange:
    part = OrderChangeLine(order_line_number=line, action=action, **more)
    return OrderChange(
        order_number=order, supplier_number="S9", change_number="C1", sequence=1, changed_on=DAY, lines=(part,)
    )


def test_an_order_of_a_case_counts_as_its_changes_left_it() -> None:
    """Ordered twice by mistake, at too high a price: the change puts both right."""
    case = clean(1, Random(1))
    order = case["order"]
    assert isinstance(order, PurchaseOrder)
    first = order.lines[0]
    again = first.model_copy(update={"number": 9, "price": usd("1500"), "serial": "SN-OTHER", "lot": None})
    twice = case | {"order": order.model_copy(update={"lines": (*order.lines, again)})}
    taken_out = changed(order.order_number, OrderChangeAction.DELETE, 9)

    def told(*changes: OrderChange) -> World:
        return later(beside={f"changes:{order.order_number}": changes})

    assert "implant_not_received" in types(decided(twice))
    assert types(decided(twice, told(taken_out))) == set()
    assert types(decided(twice, told(taken_out.model_copy(update={"accepted": False})))) == types(decided(twice))

    open_case = {name: one for name, one in case.items() if name != "invoice"}
    dear = changed(order.order_number, OrderChangeAction.PRICE_CHANGE, price=usd("1500"))
    assert types(decided(open_case, told(dear))) == {"implant_price_over_cap"}
    assert types(decided(open_case, told(dear.model_copy(update={"lines": (), "purpose": "01"})))) == {
        "implant_charge_without_order"
    }


def test_what_was_used_and_not_ordered_becomes_a_bill_only_requisition_without_a_patient() -> None:
    case = clean(7, Random(7))
    found = decided([case["used"]], world(*MASTER, now=USED_AT))
    (wish,) = (one.document for one in found.intents if isinstance(one.document, Requisition))

    assert (wish.requisition_number, wish.bill_only, wish.case_reference) == ("BO-K7", True, "K7")
    assert "V-K7" not in wish.model_dump_json()
    assert "case:K7" in dossiers_of(wish)
    assert [one.what for one in decided([case["used"], wish], world(*MASTER, now=USED_AT)).intents] == []


def test_a_piece_in_doubt_is_not_ordered() -> None:
    case = SEEDS["implant_udi_missing"](clean(7, Random(7)))

    assert decided([case["used"]], world(*MASTER, now=USED_AT)).intents == ()


def test_used_and_not_invoiced_is_accrued_and_taken_back_when_invoiced() -> None:
    policies = Policies(usage=Usage(accrued_account="2110"))
    case = clean(3, Random(3))
    before = decided([case["used"], case["order"]], later(policies=policies))
    after = decided(case, later(policies=policies))
    entries = [one.document for one in after.intents if isinstance(one.document, JournalEntry)]

    assert [one.key for one in before.intents] == ["post_journal:UNI-K3-U1-K3.1"]
    assert [one.entry_number for one in entries] == ["UNI-K3-U1-K3.1", "UNI-K3-U1-K3.1-R"]
    assert entries[1].reverses == "UNI-K3-U1-K3.1"
    assert set(net(entries).values()) == {0}


GLOVE = Item(item_number="GL", description="glove", supplier_number="S1", cost_price=usd("0.10"), chargeable=True)


def _gloves(case: Case) -> Consumption:
    """The same record, with gloves of our own stock."""
    own = ConsumptionLine(number=9, quantity=Quantity(amount=Decimal(4)), item_number="GL", documented_by="nurse")
    document = case["used"]
    assert isinstance(document, Consumption)
    return document.model_copy(update={"lines": (*document.lines, own)})


def _charged(case: Case, code: str, item_number: str | None) -> ChargeEvent:
    document = case["charge1"]
    assert isinstance(document, ChargeEvent)
    return document.model_copy(update={"charge_number": code, "charge_code": code, "item_number": item_number})


def test_rooms_and_supplies_of_our_own_are_used_and_charged_in_a_case_and_never_ordered_for_it() -> None:
    case = clean(1, Random(1))
    of = world(*MASTER, GLOVE, now=LATER)
    whole = case | {"used": _gloves(case), "room": _charged(case, "OR-MIN", None), "gl": _charged(case, "GL", "GL")}
    alone = decided([_gloves(case)], of)
    (wish,) = (one.document for one in alone.intents if isinstance(one.document, Requisition))

    assert (decided(whole, of).findings, decided(whole, of).state["state"]) == ((), "reconciled")
    assert "GL" not in {line.item_number for line in wish.lines}


def test_a_supply_of_our_own_that_was_recalled_is_told_all_the_same() -> None:
    case = clean(1, Random(1))
    recall = RecallNotice(recall_number="RC-2", device_identifier="GL", recalled_on=DAY)

    assert types(decided([_gloves(case)], world(*MASTER, GLOVE, recall, now=LATER))) >= {"implant_recalled"}


def test_only_its_own_lines_of_an_invoice_for_several_cases_are_priced() -> None:
    case = clean(1, Random(1))
    invoice = case["invoice"]
    assert isinstance(invoice, Invoice)
    dear = [one.model_copy(update={"case_reference": "K2", "price": usd("1500")}) for one in invoice.lines]

    assert types(decided(case | {"invoice": invoice.model_copy(update={"lines": (*invoice.lines, *dear)})})) == set()


def test_a_price_over_the_cap_that_was_credited_and_billed_anew_is_settled() -> None:
    case = clean(1, Random(1))
    invoice = case["invoice"]
    assert isinstance(invoice, Invoice)
    lines = tuple(one.model_copy(update={"price": usd("1500")}) for one in invoice.lines)
    dear = invoice.model_copy(update={"invoice_number": "DEAR", "lines": lines})
    memo = dear.model_copy(update={"invoice_number": "CM", "invoice_kind": InvoiceKind.CREDIT_MEMO})

    assert types(decided(case | {"dear": dear})) == {"implant_price_over_cap", "implant_invoiced_not_used"}
    assert types(decided(case | {"dear": dear, "memo": memo})) == set()


def test_what_was_ordered_received_and_invoiced_and_never_documented_is_told() -> None:
    case = {name: one for name, one in clean(1, Random(1)).items() if name != "used"}
    told = world(*MASTER, now=USED_AT + timedelta(hours=1), watermarks={"usage": USED_AT})

    assert types(decided(case, world(*MASTER, now=USED_AT + timedelta(hours=1)))) == set()
    assert types(decided(case, told)) == types(decided(case)) == {"implant_invoiced_not_used"}


def test_a_contract_of_the_supplier_prices_an_implant_whose_master_does_not_name_it() -> None:
    line = clean(1, Random(1))["used"].lines[0]  # type: ignore[attr-defined]
    marks = {"item_number": "IMP50", "device_identifier": device(50)}
    case = documents("K1", [line.model_copy(update=marks)])
    prices = ContractLine(number=1, unit="EA", price=usd("1000"), item_number="IMP50")
    contract = Contract(contract_number="C2", supplier_number="S9", lines=(prices,))
    known = (*MASTER, item(50, None))

    assert types(decided(case, world(*known, now=LATER))) == {"implant_off_contract"}
    assert types(decided(case, world(*known, now=LATER, beside={"contracts:S9": [contract]}))) == set()


def net(entries: list[JournalEntry]) -> Counter[str]:
    """What is left on each account."""
    found: Counter[str] = Counter()
    for line in (line for one in entries for line in one.lines):
        found[line.account] += (line.debit.amount if line.debit else 0) - (line.credit.amount if line.credit else 0)  # type: ignore[assignment]
    return found


ACCRUED = Policies(usage=Usage(accrued_account="2110"))


def ledger(*turns: list[Document]) -> list[JournalEntry]:
    """What the ledger is given when more is known each time; each entry once."""
    given: dict[str, JournalEntry] = {}
    for documents_ in turns:
        later_ = world(*MASTER, now=LATER, policies=ACCRUED, given=frozenset(given))
        found = decided(documents_, later_)
        given |= {
            one.key: one.document
            for one in found.intents
            if isinstance(one.document, JournalEntry) and one.key not in given
        }
    return list(given.values())


def sheets() -> tuple[Case, Consumption, Consumption]:
    """A case whose pieces are on two sheets, told one after the other."""
    case = clean(1, Random(5))
    first, *others = case["used"].lines  # type: ignore[attr-defined]
    return case, used("K1", [first], "U1", "A"), used("K1", others, "U2", "B")


def test_a_further_sheet_is_owed_too_and_all_of_it_is_taken_back() -> None:
    case, first, second = sheets()
    traded = [case["order"], case["receipt"]]
    owed = ledger([first, *traded], [first, second, *traded])
    settled = ledger([first, *traded], [first, second, *traded], [first, second, *traded, case["invoice"]])

    assert net(owed)["2110"] == -1000 * len(case["used"].lines)  # type: ignore[attr-defined]
    assert set(net(settled).values()) == {0}


def test_what_was_given_is_taken_back_as_it_was_though_its_record_says_something_else_now() -> None:
    case, first, _ = sheets()
    dear = first.lines[0].model_copy(update={"unit_cost": usd("1250")})
    corrected = used("K1", [dear], "U1", "A")
    gone = corrected.model_copy(update={"cancelled": True})

    lasts: tuple[list[Document], ...] = ([first, corrected, *case.values()], [first, gone])
    for last in lasts:
        assert set(net(ledger([first], last)).values()) == {0}


def test_what_both_record_is_owed_once_whoever_was_first() -> None:
    _, nurse, _ = sheets()
    lines = [one.model_copy(update={"documented_by": "representative"}) for one in nurse.lines]
    representative = used("K1", lines, "U9", "Z")

    for turn in ([nurse], [representative]):
        assert net(ledger(list(turn), [nurse, representative]))["2110"] == -1000


def accrued(here: Dossiers) -> list[JournalEntry]:
    return [one.document for one in here.decide("case:K3").intents if isinstance(one.document, JournalEntry)]


def test_what_an_implant_cost_when_it_was_accrued_is_taken_back_though_its_master_has_another_price_since() -> None:
    here, case = Dossiers(ACCRUED), clean(3, Random(3))
    for one in (*MASTER, case["used"], case["order"], case["receipt"]):
        here.take(one)
    (given,) = accrued(here)

    for n in range(20):
        here.take(item(n).model_copy(update={"cost_price": usd("1250"), "natural_account": "6199"}))
    here.take(case["invoice"])

    assert accrued(here)[0] == given
    assert set(net(accrued(here)).values()) == {0}


def test_an_implant_whose_cost_is_told_later_is_accrued_at_the_first_that_was_told() -> None:
    here, case = Dossiers(ACCRUED), clean(3, Random(3))
    here.take(case["used"])
    assert accrued(here) == []

    for price in ("1000", "1250"):
        for n in range(20):
            here.take(item(n).model_copy(update={"cost_price": usd(price)}))

    assert net(accrued(here))["2110"] == -1000 * len(case["used"].lines)  # type: ignore[attr-defined]


def test_an_implant_that_was_documented_in_packages_is_accrued_by_the_piece() -> None:
    box = Quantity(amount=Decimal(1), unit="BX")
    first = clean(3, Random(3))["used"].lines[0]  # type: ignore[attr-defined]
    used_ = used("K3", [first.model_copy(update={"quantity": box})])
    boxed = [one.model_copy(update={"packaging": (Packaging(unit="BX", contains=Decimal(2)),)}) for one in ITEMS]
    here, unknown = Dossiers(ACCRUED), Dossiers(ACCRUED)
    for one in (*MASTER, *boxed, used_):
        here.take(one)
    for one in (*MASTER, used_):
        unknown.take(one)

    assert net(accrued(here))["2110"] == -2000
    assert accrued(unknown) == []  # nobody says how many pieces a box has: never one
