"""X12 in files through a running engine: taken in, answered, told apart when repeated, sent, settled."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.protocols.x12 import EnvelopePolicy, read
from engine.store.database import database
from engine.store.ledger import _number
from engine.store.schema import interchanges_out
from tests.support import x12_samples as samples
from tests.support.engine_process import EngineProcess, write_site

pytestmark = pytest.mark.process

STRICT = """
partner: lakeside
supplier_number: S1001
isa_qualifier: "ZZ"
isa_id: LAKESIDE
our_isa_id: HARBORHEALTH
version: "004010"
"""
TOLERANT = STRICT.replace("lakeside", "ridgeway").replace("LAKESIDE", "RIDGEWAY").replace("S1001", "S1002")
TOLERANT += "envelope: tolerant\n"
LATE = STRICT.replace("lakeside", "hillside").replace("LAKESIDE", "HILLSIDE").replace("S1001", "S1003")
LATE += "acknowledge_within: 300ms\n"
LATE_AND_TAKEN = ("hillside", "accepted")

INVOICES = """
channel: invoices
version: 1
title: Invoices of suppliers
source: {type: file, format: x12, folder: in/invoices, stable_for: 0s, poll: 50ms}
accept: ["810"]
index: {invoice: BIG02}
transform: invoice
destinations:
  - name: documents
    type: file
    format: json
    folder: out/invoices
    send: Invoice
    file_name: "{natural_key}_{key}.json"
  - name: answers
    type: file
    format: x12
    folder: out/answers
    send: X12Acknowledgement
    file_name: "{partner}_{control_number}.edi"
"""
ORDERS = """
channel: orders
version: 1
title: Orders to suppliers
source: {type: file, format: json, folder: in/orders, stable_for: 0s, poll: 50ms}
transform: order
index: {order: order}
destinations:
  - name: supplier
    type: file
    format: x12
    folder: out/orders
    send: PurchaseOrder
    file_name: "{partner}_{natural_key}_{control_number}.edi"
    retry: {first: 50ms, longest: 100ms, give_up_after: 500ms}
    circuit: {failures: 1000}
"""
SETTLED = """
channel: settled
version: 1
title: Answers of suppliers
source: {type: file, format: x12, folder: in/answers, stable_for: 0s, poll: 50ms}
accept: ["997", TA1]
"""
INVOICE = '''"""810 to Invoice."""

from engine.sdk import Invoice, TransactionSet, invoice_from_810


def transform(invoice_810: TransactionSet) -> Invoice:
    return invoice_from_810(invoice_810)
'''
ORDER = '''"""JSON to PurchaseOrder."""

from datetime import date

from engine.sdk import JsonMessage, Money, OrderLine, PurchaseOrder, Quantity


def transform(message: JsonMessage) -> PurchaseOrder:
    line = OrderLine(
        number=1,
        item_number=message.require("item"),
        quantity=Quantity(amount=message.number("quantity"), unit="EA"),
        price=Money(amount=message.number("price"), currency="USD"),
    )
    return PurchaseOrder(
        order_number=message.require("order"),
        supplier_number=message.require("supplier"),
        ordered_on=date(2026, 11, 20),
        lines=(line,),
    )
'''


class Partners:
    """A site with two partners, and what they put into its folders and find there."""

    def __init__(self, folder: Path) -> None:
        channels = {"invoices": INVOICES, "orders": ORDERS, "settled": SETTLED}
        self.root = write_site(folder, channels, {"invoice": INVOICE, "order": ORDER})
        for name, text in {"lakeside": STRICT, "ridgeway": TOLERANT, "hillside": LATE}.items():
            path = self.root / "config" / "partners" / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        for name in ("invoices", "orders", "answers"):
            (self.root / "in" / name).mkdir(parents=True)
        self.engine = EngineProcess(self.root)

    def put(self, channel: str, name: str, body: bytes) -> None:
        waiting = self.root / "in" / f".{name}"
        waiting.write_bytes(body)
        waiting.rename(self.root / "in" / channel / name)

    def out(self, folder: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.root / "out" / folder).glob("[!.]*"))}

    def until(self, what: Callable[[], Any], seconds: float = 60) -> Any:
        """What `what` returned when it was true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := what():
                return found
            time.sleep(0.05)
        raise AssertionError(f"not reached: {self.messages()}")

    def answer_to(self, group: int) -> bytes:
        """The file with a 997 about this GS06."""
        sought = f"~AK1*IN*{group}~".encode()
        return bytes(self.until(lambda: next((b for b in self.out("answers").values() if sought in b), None)))

    def ta1_to(self, interchange: int) -> bytes:
        """The file with a TA1 about this ISA13."""
        sought = f"~TA1*{interchange:09d}*".encode()
        return bytes(self.until(lambda: next((b for b in self.out("answers").values() if sought in b), None)))

    def invoices(self, part: str) -> list[bytes]:
        return [body for name, body in self.out("invoices").items() if part in name]

    def invoice(self, name: str) -> bytes:
        return bytes(self.until(lambda: self.invoices(name))[0])

    def order(self, name: str) -> tuple[str, bytes]:
        found = self.until(lambda: [one for one in self.out("orders").items() if name in one[0]])
        return found[0][0], found[0][1]

    def noted(self, number: int) -> Any:
        """Our control number in the ledger."""
        return next(one for one in self.ledger() if one.number == number)

    def messages(self) -> list[dict[str, Any]]:
        """As `isthmus messages` shows them, newest first."""
        return list(self.run("messages"))

    def message(self, key: str, state: str) -> dict[str, Any]:
        """The newest message with this business key or control number, with every stage, once it is in `state`."""

        def there() -> Any:
            for one in self.messages():
                values = {value.removeprefix("000000") for _, value in one["keys"]}
                if key in values and one["state"] == state:
                    return one["message_id"]
            return None

        return dict(self.run("show", self.until(there)))

    def run(self, *words: str) -> Any:
        return json.loads(self.command(*words, "--json"))

    def command(self, *words: str) -> str:
        command = [sys.executable, "-m", "engine", *words, "--site", str(self.root)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        assert shown.returncode == 0, shown.stderr
        return shown.stdout

    def ledger(self) -> list[Any]:
        at = database(f"sqlite:///{self.root}/var/isthmus.db", read_only=True)
        try:
            with at.reading() as connection:
                return [_number(row) for row in connection.execute(interchanges_out.select())]
        finally:
            at.close()


@pytest.fixture(scope="module")
def partners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partners]:
    """One engine for all tests here: each has control numbers and invoices of its own."""
    partners = Partners(tmp_path_factory.mktemp("x12"))
    partners.engine.start()
    yield partners
    partners.engine.kill()


def invoice(number: int, name: str, sender: str = "LAKESIDE") -> bytes:
    """An 810 under this ISA13 and GS06."""
    text = samples.interchange(samples.INVOICE, "810", "IN").decode()
    text = text.replace("000000501", f"{number:09d}").replace("*501*", f"*{number}*").replace("*501~", f"*{number}~")
    text = text.replace("LAKESIDE       ", sender.ljust(15)).replace("LAKESIDE", sender)
    supplier = {"RIDGEWAY": "S1002"}.get(sender, "S1001")
    return text.replace("INV-9", name).replace("S1001", supplier).encode()


def told(answer: bytes, name: str) -> list[list[str]]:
    """The segments of that name in an answer, which must itself be right."""
    found = read(answer, EnvelopePolicy.STRICT)
    assert found.accepted, found.findings
    return [part.split("*") for part in answer.decode().split("~") if part.startswith(name + "*")]


# ------------------------------------------------------------------ in
def test_invoice_becomes_a_document_and_is_answered_with_a_997(partners: Partners) -> None:
    partners.put("invoices", "first.edi", invoice(601, "INV-601"))
    answer = partners.answer_to(601)
    document = json.loads(partners.invoice("INV-601"))
    message = partners.message("601", "DELIVERED")

    assert document["stated_total"] == {"amount": "125.00", "currency": "USD"}
    assert document["supplier_number"] == "S1001"
    assert told(answer, "AK1") == [["AK1", "IN", "601"]]
    assert told(answer, "AK9") == [["AK9", "A", "1", "1", "1"]]
    assert not told(answer, "TA1")
    assert {one["destination"] for one in message["deliveries"]} == {"documents", "answers"}


@pytest.mark.parametrize("again", ["the same", "another invoice"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_repeated_interchange_number_is_ta1_025_without_effect(
    partners: Partners, again: str, restarted: bool
) -> None:
    number = 610 + 2 * restarted + (again == "the same")
    partners.put("invoices", f"{number}.edi", invoice(number, f"INV-{number}"))
    partners.answer_to(number)
    if restarted:
        assert partners.engine.stop() == 0
        partners.engine.start()
    name = f"INV-{number}" if again == "the same" else f"OTHER-{number}"
    partners.put("invoices", f"{number}-again.edi", invoice(number, name))
    told_again = partners.ta1_to(number)
    message = partners.message(str(number), "REFUSED")

    assert told(told_again, "TA1")[0][1] == f"{number:09d}"
    assert told(told_again, "TA1")[0][4:] == ["R", "025"]
    assert message["reason"]["code"] == "X025"
    assert {one["destination"] for one in message["deliveries"]} == {"answers"}
    assert len(partners.invoices(str(number))) == 1


def test_a_wrong_segment_count_of_a_strict_partner_is_rejected(partners: Partners) -> None:
    partners.put("invoices", "counts.edi", invoice(620, "INV-620").replace(b"SE*7*", b"SE*9*"))
    answer = partners.answer_to(620)
    message = partners.message("620", "REFUSED")

    assert told(answer, "AK5") == [["AK5", "R", "4"]]
    assert told(answer, "AK9")[0][1] == "R"
    assert message["reason"]["where"].startswith("SE01")
    assert not partners.invoices("INV-620")


def test_a_file_that_is_refused_when_it_is_read_goes_over_to_the_error_folder(partners: Partners) -> None:
    body = invoice(622, "INV-622").replace(b"SE*7*", b"SE*9*")
    partners.put("invoices", "late.edi", body)
    folder = partners.root / "in" / "invoices"
    reason = partners.until(lambda: [path.read_text() for path in (folder / "error").glob("*late.edi.reason.txt")])[0]
    message = partners.message("622", "REFUSED")

    assert message["reason"]["code"] in reason
    assert message["reason"]["where"] in reason
    assert message["message_id"] in reason
    assert [path.read_bytes() for path in (folder / "error").glob("*late.edi")] == [body]
    assert not list((folder / "done").glob("*late.edi"))


def test_a_wrong_group_count_in_the_envelope_of_a_strict_partner_is_ta1_r(partners: Partners) -> None:
    partners.put("invoices", "groups.edi", invoice(621, "INV-621").replace(b"IEA*1*", b"IEA*2*"))
    answer = partners.ta1_to(621)
    message = partners.message("621", "REFUSED")

    assert told(answer, "TA1")[0][4:] == ["R", "021"]
    assert message["reason"]["where"].startswith("IEA01")
    assert not partners.invoices("INV-621")


def test_the_same_faults_of_a_tolerant_partner_are_accepted_with_the_finding(partners: Partners) -> None:
    partners.put("invoices", "counts2.edi", invoice(630, "INV-630", "RIDGEWAY").replace(b"SE*7*", b"SE*9*"))
    partners.put("invoices", "groups2.edi", invoice(631, "INV-631", "RIDGEWAY").replace(b"IEA*1*", b"IEA*2*"))
    counts, groups = partners.answer_to(630), partners.ta1_to(631)
    partners.message("630", "DELIVERED")
    partners.message("631", "DELIVERED")

    assert told(counts, "AK5") == [["AK5", "E", "4"]]
    assert told(counts, "AK9") == [["AK9", "E", "1", "1", "1"]]
    assert told(groups, "TA1")[0][4:] == ["E", "021"]
    assert partners.invoice("INV-630")
    assert partners.invoice("INV-631")


def test_an_unknown_partner_goes_to_the_error_folder_with_the_reason(partners: Partners) -> None:
    before = partners.out("answers")
    partners.put("invoices", "stranger.edi", invoice(640, "INV-640", "STRANGER"))
    error = partners.root / "in" / "invoices" / "error"
    reason = partners.until(lambda: [path.read_text() for path in error.glob("*stranger.edi.reason.txt")])

    assert "X006" in reason[0]
    assert "ISA06" in reason[0]
    assert [path.read_bytes() for path in error.glob("*stranger.edi")] == [invoice(640, "INV-640", "STRANGER")]
    assert partners.out("answers") == before
    assert not partners.invoices("INV-640")


def test_a_file_cut_off_in_the_middle_is_answered_and_the_complete_one_is_taken(partners: Partners) -> None:
    whole = invoice(650, "INV-650")
    partners.put("invoices", "cut.edi", whole[: whole.index(b"TDS")])
    answer = partners.ta1_to(650)
    message = partners.message("650", "REFUSED")
    before = partners.invoices("INV-650")
    partners.put("invoices", "whole.edi", whole)
    document = json.loads(partners.invoice("INV-650"))

    assert told(answer, "TA1")[0][4] == "R"
    assert message["reason"]["where"].startswith("IEA")
    assert not before
    assert document["invoice_number"] == "INV-650"


def test_a_file_that_ends_within_the_envelope_is_refused_in_its_folder(partners: Partners) -> None:
    partners.put("invoices", "stump.edi", invoice(651, "INV-651")[:60])
    error = partners.root / "in" / "invoices" / "error"
    reason = partners.until(lambda: [path.read_text() for path in error.glob("*stump.edi.reason.txt")])

    assert "ISA" in reason[0]


# ------------------------------------------------------------------ out
def order(name: str, supplier: str = "S1001") -> bytes:
    return json.dumps({"order": name, "supplier": supplier, "item": "100", "quantity": 10, "price": 12.5}).encode()


def test_an_order_goes_out_as_an_850_and_its_997_settles_the_ledger(partners: Partners) -> None:
    partners.put("orders", "one.json", order("PO-1"))
    name, body = partners.order("PO-1")
    number = int(told(body, "ISA")[0][13])
    assert partners.noted(number).acknowledged is None
    partners.put("answers", "one.edi", _answer(701, number, ("AK5*A", "AK9*A*1*1*1")))
    settled = partners.until(lambda: (one := partners.noted(number)).acknowledged and one)

    assert name.startswith("lakeside_PO-1_")
    assert f"{number:09d}" in name
    assert told(body, "PO1") == [["PO1", "1", "10", "EA", "12.5", "", "IN", "100"]]
    assert (settled.partner, settled.transaction_set, settled.acknowledged) == ("lakeside", "850", "accepted")


def test_a_rejecting_997_is_noted_with_its_codes(partners: Partners) -> None:
    partners.put("orders", "two.json", order("PO-2"))
    number = int(told(partners.order("PO-2")[1], "ISA")[0][13])
    partners.put("answers", "two.edi", _answer(702, number, ("AK5*R*5", "AK9*R*1*1*0")))
    settled = partners.until(lambda: (one := partners.noted(number)).acknowledged and one)

    assert settled.acknowledged == "rejected"
    assert "AK502 5" in settled.note
    partners.until(lambda: '"event":"interchange_rejected"' in (partners.root / "engine.log").read_text())


def test_an_order_sent_again_by_a_person_keeps_its_control_number(partners: Partners) -> None:
    folder = partners.root / "out" / "orders"
    partners.until(lambda: not folder.exists() or folder.rename(folder.with_name("aside")))
    folder.write_text("a file where the folder should be")
    before = len(partners.ledger())
    partners.put("orders", "three.json", order("PO-3"))
    held = partners.message("PO-3", "HELD")
    given = [one for one in partners.ledger() if held["message_id"] in one.delivery_key]
    folder.unlink()
    (folder.with_name("aside")).rename(folder)
    partners.command("resend", held["message_id"], "--reason", "the folder is back")
    partners.message("PO-3", "DELIVERED")
    body = partners.order("PO-3")[1]

    assert len(partners.ledger()) == before + 1
    assert int(told(body, "ISA")[0][13]) == given[0].number


def test_an_order_without_its_997_is_overdue_told_once_and_settled_by_a_late_answer(partners: Partners) -> None:
    partners.put("orders", "late.json", order("PO-LATE", "S1003"))
    partners.order("PO-LATE")
    partners.until(lambda: [one for one in partners.ledger() if one.state == "overdue"])
    partners.engine.kill()
    partners.engine.start()
    shown = partners.message("PO-LATE", "DELIVERED")["deliveries"][0]["acknowledgement"]
    notices = partners.until(lambda: [n for n in partners.run("status")["notices"] if n.startswith("hillside")])
    log = (partners.root / "engine.log").read_text()
    answer = _answer(703, shown["number"], ("AK5*A", "AK9*A*1*1*1")).replace(b"LAKESIDE", b"HILLSIDE")
    partners.put("answers", "late.edi", answer)
    settled = partners.until(lambda: [one for one in partners.ledger() if (one.partner, one.state) == LATE_AND_TAKEN])

    assert (shown["state"], shown["transaction_set"]) == ("overdue", "850")
    assert log.count('"event":"acknowledgement_overdue"') == 1
    assert f"{shown['number']:09d}" in notices[0]
    assert [one.note for one in settled] == [None]


def _answer(number: int, about: int, end: tuple[str, str]) -> bytes:
    """Lakeside's 997 about our group `about`."""
    body = samples.interchange((f"AK1*PO*{about}", "AK2*850*0001", *end), "997", "FA").decode()
    body = body.replace("000000501", f"{number:09d}").replace("*501*", f"*{number}*").replace("*501~", f"*{number}~")
    return body.encode()
