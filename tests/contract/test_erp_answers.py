"""Destination `erp` with `reports`: the process hears what became of its commands, once, whatever is lost between."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.canonical import Document, PostingResult
from engine.connectors.erp import ErpDestination, ErpSettings
from engine.core.errors import ConfigurationError, DestinationError, StoreError, TransportError
from engine.ports.connector import Outbound, Received
from engine.ports.procure import Command
from engine.procure.process import Process
from engine.store.open import Store
from tests.support import tryton
from tests.support.connector_doubles import Clock, context
from tests.support.engine_room import room, row
from tests.support.erp_double import Adapters, ErpDouble
from tests.support.purchases import SUPPLIER, billed, invoice, order, receipt
from tests.support.stores import engine_store

KEY = "S1/I-1"
SETTINGS = ErpSettings(connection="finance", reports=True)
SCRIPT = """
from engine.sdk import Invoice, JsonMessage

def transform(message: JsonMessage) -> Invoice:
    return Invoice.model_validate_json(message.encode())
"""


class Deaf(Process):
    """The store refuses so many answers of the ERP."""

    refusals = 0

    async def answered(self, answer: PostingResult) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreError("the store cannot be written now")
        await super().answered(answer)


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """One kind of store: what is told is the same for all of them."""
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def process(store: Store, clock: Clock) -> Deaf:
    return Deaf(store.records, clock, lambda: None)


@pytest.fixture
def erp() -> ErpDouble:
    double = ErpDouble()
    for master in (SUPPLIER, tryton.item("M1")):
        double._keep(master)
    return double


@pytest.fixture
def destination(erp: ErpDouble, process: Deaf, clock: Clock, tmp_path: Path) -> ErpDestination:
    services = {"erp_adapters": Adapters(erp), "procure": process}
    return ErpDestination(SETTINGS, context(tmp_path, clock=clock, services=services))


async def matched(process: Process, store: Store) -> Command:
    """What the process wants once order, receipt and invoice agree."""
    for document in (order(), receipt(), invoice()):
        await process.take(document)
    (given,) = await store.records.given(0, (), 10)
    return given.command


def outbound_of(command: Command, dossier: str = "order:PO-1") -> Outbound:
    facts = {"command": command.name, "dossier": dossier, "kind": command.kind}
    return Outbound(
        1, 1, "c", "c", "k", command.body, kind=command.kind, natural_key=command.natural_key, attributes=facts
    )


async def answers(store: Store, dossier: str = "order:PO-1") -> list[PostingResult]:
    found = (await store.records.load(dossier)).records
    return [PostingResult.model_validate_json(one.body) for one in found if one.kind == "PostingResult"]


async def cases(store: Store, state: str = "open") -> list[str]:
    return [one.type for one in (await store.records.load("order:PO-1")).cases if one.state == state]


async def test_the_number_in_the_erp_is_told_to_the_process(
    store: Store, process: Deaf, destination: ErpDestination
) -> None:
    delivered = await destination.send(outbound_of(await matched(process, store)))

    (answer,) = await answers(store)
    assert (answer.ok, answer.command, answer.system, answer.subject_key) == (True, "post_invoice", "erp", KEY)
    assert answer.reference == delivered.reference


async def test_a_refusal_is_told_with_its_code_and_becomes_a_case(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    outbound, erp.refusing = outbound_of(await matched(process, store)), True
    with pytest.raises(DestinationError):
        await destination.send(outbound)

    (answer,) = await answers(store)
    assert (answer.ok, answer.code, answer.reference) == (False, DestinationError.code, None)
    assert await cases(store) == ["posting_refused"]


async def test_a_master_that_is_lacking_is_told_and_waited_for_without_a_case(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    outbound = outbound_of(await matched(process, store))
    erp.documents.pop(("Supplier", "S1"))
    with pytest.raises(DestinationError):
        await destination.send(outbound)

    (answer,) = await answers(store)
    assert answer.lacks is not None
    assert (answer.lacks.kind, answer.lacks.key, await cases(store)) == ("Supplier", "S1", [])


async def test_another_invoice_under_its_number_is_told_with_the_refusal(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    theirs = await erp.post(invoice(billed(price="4.01")), "by hand")
    with pytest.raises(DestinationError):
        await destination.send(outbound_of(await matched(process, store)))

    (answer,) = await answers(store)
    assert answer.holds is not None
    assert (answer.holds.reference, answer.holds.is_posted) == (theirs.reference, True)
    assert await cases(store) == ["erp_holds_twin"]


async def test_what_was_refused_and_is_posted_later_is_a_newer_answer(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    outbound, erp.refusing = outbound_of(await matched(process, store)), True
    with pytest.raises(DestinationError):
        await destination.send(outbound)
    erp.refusing = False
    await destination.send(outbound)

    assert [one.ok for one in await answers(store)] == [False, True]
    assert (await cases(store), await cases(store, "gone")) == ([], ["posting_refused"])


async def test_an_erp_that_is_down_answers_nothing(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    outbound, erp.reachable = outbound_of(await matched(process, store)), False
    with pytest.raises(TransportError):
        await destination.send(outbound)

    assert await answers(store) == []


async def test_an_answer_of_the_erp_that_was_lost_is_found_by_asking_and_told(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    outbound, erp.lose_answers = outbound_of(await matched(process, store)), 1
    with pytest.raises(TransportError):
        await destination.send(outbound)
    found = await destination.inquire(outbound)

    assert found is not None
    assert [(one.ok, one.reference) for one in await answers(store)] == [(True, found.reference)]


async def test_what_the_process_could_not_keep_leaves_the_outcome_in_doubt_and_is_told_by_the_retry(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    outbound, process.refusals = outbound_of(await matched(process, store)), 1
    with pytest.raises(TransportError) as caught:
        await destination.send(outbound)
    await destination.inquire(outbound)

    assert caught.value.sent
    assert erp.postings == 1
    assert [one.ok for one in await answers(store)] == [True]


async def test_the_same_answer_again_is_no_new_one(
    store: Store, process: Deaf, destination: ErpDestination, clock: Clock
) -> None:
    outbound = outbound_of(await matched(process, store))
    await destination.send(outbound)
    clock.seconds += 60
    await destination.inquire(outbound)

    assert len(await answers(store)) == 1


async def test_a_document_that_no_command_brought_is_told_to_its_own_dossier(
    store: Store, process: Deaf, destination: ErpDestination
) -> None:
    document: Document = invoice()
    body = document.model_dump_json().encode()
    await destination.send(Outbound(1, 1, "c", "c", "k", body, kind="Invoice", natural_key=KEY))

    assert [(one.command, one.dossier) for one in await answers(store)] == [("post_invoice", "order:PO-1")]


async def test_a_command_that_the_erp_does_not_carry_out_is_refused_and_posts_nothing(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    command = await matched(process, store)
    stop = outbound_of(Command("h", "stop_payment", command.kind, command.natural_key, command.body))
    with pytest.raises(DestinationError, match="stop_payment"):
        await destination.send(stop)

    assert erp.postings == 0
    assert [(one.command, one.ok) for one in await answers(store)] == [("stop_payment", False)]


async def test_an_invoice_is_taken_back_in_the_erp_and_the_process_hears_of_it(
    store: Store, process: Deaf, destination: ErpDestination, erp: ErpDouble
) -> None:
    command = await matched(process, store)
    await destination.send(outbound_of(command))
    undo = outbound_of(Command("u", "undo_post_invoice", command.kind, command.natural_key, command.body))
    undone = await destination.send(undo)

    assert ("Invoice", KEY) not in erp.documents
    assert await destination.inquire(undo) is None  # asked for again without harm
    told = [(one.command, one.ok, one.reference) for one in await answers(store)]
    assert told[-1] == ("undo_post_invoice", True, undone.reference)


def test_an_engine_without_a_process_says_so(tmp_path: Path) -> None:
    services = {"erp_adapters": Adapters(ErpDouble())}
    with pytest.raises(ConfigurationError, match="process"):
        ErpDestination(SETTINGS, context(tmp_path, services=services))


async def test_an_engine_that_ended_between_posting_and_telling_tells_when_it_starts_again(
    erp: ErpDouble, tmp_path: Path
) -> None:
    out = {"name": "out", "type": "far", "send": "Invoice", "retry": {"first": "20ms", "longest": "50ms"}}
    deployed, store = row(SCRIPT, destinations=[out]), await engine_store(f"sqlite:///{tmp_path / 'process.db'}")
    process = Deaf(store.records, Clock(), lambda: None)
    command, process.refusals = await matched(process, store), 1000
    facts = {"command": command.name, "dossier": "order:PO-1", "kind": command.kind}
    services = {"erp_adapters": Adapters(erp), "procure": process}
    far = {"out": ErpDestination(SETTINGS, context(tmp_path, services=services))}
    async with room(tmp_path, deployed, far) as here:  # type: ignore[arg-type]
        received = await here.run.door(Received(command.body, command.key, attributes=facts))
        await here.until(lambda: process.refusals < 1000)
    process.refusals = 0
    async with room(tmp_path, deployed, far) as here:  # type: ignore[arg-type]
        await here.reaches(received.message_id, "DELIVERED")

    assert erp.postings == 1
    assert [(one.ok, one.dossier) for one in await answers(store)] == [(True, "order:PO-1")]
    await store.close()
