"""SC2: clinics that were acquired keep their onboarding tools; each supplier is one legal entity all the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from engine.cli.demo.scenarios import masters
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.telling import Teller

_STERILE, _LABORATORY = "S1004", "S1006"  # Dunmore Sterile Systems, Fennimore Laboratory Goods
_ADDRESS = {"street": "12 Weir Road", "city": "Birch Falls", "state": "NH", "postal_code": "03999"}
_HEADING = "Clinic,Vendor no.,Vendor,EIN,Street,City,State,ZIP,Asked for by"


async def prepare(hospital: Hospital) -> None:
    """Two suppliers that the vendor portal announced long ago."""
    await masters.suppliers_and_items(hospital, [_STERILE, _LABORATORY], "SC2ITEMS")
    await hospital.quiet()


# ------------------------------------------------------------------ the systems around the engine
async def birch_asks(hospital: Hospital, number: str, name: str, ein: str) -> None:
    """The onboarding tool of Birch Clinic, over HTTP."""
    wish = {"tool": "birch", "number": number, "name": name, "ein": ein, "requested_by": "c.adeyemi"}
    await hospital.post("supplier_requests", wish | {"address": _ADDRESS}, f"birch-{number}")


def willow_asks(hospital: Hospital, number: str, name: str, ein: str) -> None:
    """Willow Clinic has no tool: its office exports a list."""
    row = f'willow,{number},"{name}",{ein},3 Tarn Lane,Willow Bank,VT,05999,o.reyes'
    hospital.file("clinic_supplier_list", f"{number}.csv", f"{_HEADING}\n{row}\n".encode())


def list_service(hospital: Hospital, number: str, *names: str, hits: tuple[str, ...] = ()) -> None:
    """It answers about the names that it was given."""
    answer = {"supplier": number, "list": "SDN", "names": names, "hits": [{"entry": one} for one in hits], "at": _now()}
    hospital.file("screening_answers_in", f"{number}.json", json.dumps(answer).encode())


async def approve(hospital: Hospital, number: str, approval: str, person: str) -> None:
    """A person answers on the approval platform, under the number that the case names."""
    action = f"{approval}-{person}"
    told = {"action": action, "kind": "supplier", "subject": number, "approval": approval, "decision": "approved"}
    await hospital.post("approvals_in", told | {"person": person, "at": _now()}, action)


async def approve_supplier(hospital: Hospital, number: str, person: str = "w.castellan") -> None:
    found = await hospital.client.p2p.supplier(number)
    assert found is not None
    await approve(hospital, number, found.approval_number, person)


async def desk(hospital: Hospital, key: str, **told: Any) -> None:
    """J. Brandt of supplier master data."""
    await hospital.post("supplier_desk_in", told | {"person": "j.brandt", "at": _now()}, key)


def _now() -> str:
    return datetime.now(UTC).isoformat()


# ------------------------------------------------------------------ what is seen
async def state(hospital: Hospital, number: str) -> str | None:
    found = await hospital.client.p2p.supplier(number)
    return found.state if found else None


async def systems(hospital: Hospital, number: str) -> list[str]:
    """Its number in each system; what number the ERP gave is the ERP's affair."""
    found = await hospital.client.p2p.supplier(number)
    told = found.systems if found else {}
    return [system if system == "erp" else f"{system} {value}" for system, value in sorted(told.items())]


async def same_as(hospital: Hospital, number: str) -> list[str]:
    found = await hospital.client.p2p.supplier(number)
    return list(found.may_be_the_same) if found else []


async def ended_in(hospital: Hospital, number: str) -> str | None:
    found = await hospital.client.p2p.supplier(number)
    return found.merged_into if found else None


async def accounts(hospital: Hospital, number: str) -> list[str]:
    found = await hospital.client.p2p.supplier(number)
    return [f"{code} {standing}" for code, standing in found.accounts.items()] if found else []


async def erp_state(hospital: Hospital, number: str) -> str | None:
    """`active` or `inactive`; None: the ERP does not have it."""
    found = await hospital.erp.adapter.find("Supplier", number, number)
    return found.state if found else None


async def tasks(hospital: Hospital, number: str) -> int:
    """How often an office is asked to look this supplier up."""
    return sum(f'"{number}"'.encode() in path.read_bytes() for path in hospital.written("data", "out", "tasks"))


async def told_to_tools(hospital: Hospital, number: str) -> bool:
    return any(path.name.startswith(number) for path in hospital.written("data", "out", "suppliers"))


async def cases(hospital: Hospital, number: str) -> list[str]:
    return sorted(f"{row.type} {row.owner}" for row in await hospital.cases(number) if row.supplier == number)


# ------------------------------------------------------------------ the courses
async def play_onboarded(hospital: Hospital, tell: Teller) -> None:
    birch, willow = "BIRCH-SC2A", "WILLOW-SC2AW"
    tell.does("Birch's tool asks for Thornbury Dental, which it calls SC2A. Willow's list has Quillfeather Optics.")
    await birch_asks(hospital, "SC2A", "Thornbury Dental Supply, Inc.", "12-3456789")
    willow_asks(hospital, "SC2AW", "Quillfeather Optics LLC", "20-1234567")
    await screened(hospital, tell, birch, "Thornbury Dental Supply, Inc.")
    await screened(hospital, tell, willow, "Quillfeather Optics LLC")
    await tell.stays("The ERP has not heard of it", None, lambda: erp_state(hospital, birch))
    tell.does("C. Adeyemi, who asked for Thornbury, approves it.")
    await approve_supplier(hospital, birch, "c.adeyemi")
    await tell.stays("That does not count: it waits for another person", "waiting", lambda: state(hospital, birch))
    tell.does("W. Castellan of accounts payable approves both.")
    await approve_supplier(hospital, birch)
    await approve_supplier(hospital, willow)
    await known_everywhere(hospital, tell, birch, "birch SC2A")
    await known_everywhere(hospital, tell, willow, "willow SC2AW")


async def screened(hospital: Hospital, tell: Teller, number: str, name: str) -> None:
    await tell.sees(f"{number} is to be looked up in the list of sanctioned parties first", 1,
                    lambda: tasks(hospital, number))  # fmt: skip
    list_service(hospital, number, name)
    await tell.sees("The list does not have it: now a person is wanted", "waiting", lambda: state(hospital, number))


async def known_everywhere(hospital: Hospital, tell: Teller, number: str, tool: str) -> None:
    await tell.sees(f"{number} is in the ERP", "active", lambda: erp_state(hospital, number))
    await tell.sees("Its numbers in all systems are known", [tool, "erp"], lambda: in_order(hospital, number))
    await tell.sees("The clinic's tool is told, too", True, lambda: told_to_tools(hospital, number))


async def in_order(hospital: Hospital, number: str) -> list[str]:
    return sorted(await systems(hospital, number), key=lambda one: one == "erp")


async def play_same_entity(hospital: Hospital, tell: Teller) -> None:
    tell.does(f"Willow's list asks for `DUNMORE STERILE SYSTEMS INC`, which the group has as {_STERILE} for years.")
    willow_asks(hospital, "SC2B", "DUNMORE STERILE SYSTEMS INC", "31-1234567")
    await tell.sees("It is seen at once that they may be one", [_STERILE], lambda: same_as(hospital, "WILLOW-SC2B"))
    await tell.sees("Supplier master data is asked", ["supplier_duplicate supplier-master"],
                    lambda: cases(hospital, "WILLOW-SC2B"))  # fmt: skip
    tell.does(f"J. Brandt has compared the W-9 forms: the clinic's number is to end in {_STERILE}.")
    await desk(hospital, "SC2B-M", kind="merge", ends="WILLOW-SC2B", goes_on=_STERILE, reason="one W-9")
    await approve(hospital, _STERILE, f"merge/WILLOW-SC2B/{_STERILE}/1", "j.brandt")
    await tell.stays("Nobody approves what she asked for", None, lambda: ended_in(hospital, "WILLOW-SC2B"))
    tell.does("W. Castellan approves the merge.")
    await approve(hospital, _STERILE, f"merge/WILLOW-SC2B/{_STERILE}/1", "w.castellan")
    await tell.sees("The clinic's number leads to ours", _STERILE, lambda: ended_in(hospital, "WILLOW-SC2B"))
    await tell.sees("Ours knows what the clinic calls it", ["willow SC2B", "erp"],
                    lambda: in_order(hospital, _STERILE))  # fmt: skip
    await tell.sees("In the ERP nobody can order from the number that ended", "inactive",
                    lambda: erp_state(hospital, "WILLOW-SC2B"))  # fmt: skip
    await tell.stays("and ours goes on", "active", lambda: erp_state(hospital, _STERILE))
    await tell.sees("Nobody has to look any more", [], lambda: cases(hospital, "WILLOW-SC2B"))


async def play_merge_undone(hospital: Hospital, tell: Teller) -> None:
    number, merge = "BIRCH-SC2C", f"merge/BIRCH-SC2C/{_LABORATORY}"
    tell.does(
        f"Birch's tool asks for Fennimore Laboratory Goods LLC. It is approved, though {_LABORATORY} is called so."
    )
    await birch_asks(hospital, "SC2C", "Fennimore Laboratory Goods LLC", "45-1234567")
    list_service(hospital, number, "Fennimore Laboratory Goods LLC")
    await tell.sees("It waits for a person", "waiting", lambda: state(hospital, number))
    await approve_supplier(hospital, number)
    await tell.sees("It is in the ERP", "active", lambda: erp_state(hospital, number))
    tell.does("J. Brandt takes them for one and merges them; W. Castellan agrees.")
    await desk(hospital, "SC2C-M", kind="merge", ends=number, goes_on=_LABORATORY, reason="the same name")
    await approve(hospital, _LABORATORY, f"{merge}/1", "w.castellan")
    await tell.sees("The clinic's number has ended", "inactive", lambda: erp_state(hospital, number))
    await tell.sees("Ours has the clinic's number beside its own", ["birch SC2C", "erp"],
                    lambda: in_order(hospital, _LABORATORY))  # fmt: skip
    tell.does("The tax authority says: two companies in two states. The merge is undone, approved by W. Castellan.")
    await desk(hospital, "SC2C-S", kind="split", ends=number, goes_on=_LABORATORY, reason="two EINs")
    await approve(hospital, _LABORATORY, f"{merge}/2", "w.castellan")
    await tell.sees("The clinic's supplier is what it was", "approved", lambda: state(hospital, number))
    await tell.sees("and can be ordered from again", "active", lambda: erp_state(hospital, number))
    await tell.sees("Ours has given the clinic's number back", ["erp"], lambda: in_order(hospital, _LABORATORY))
    await tell.sees("The clinic's number is its own again", ["birch SC2C", "erp"], lambda: in_order(hospital, number))


async def play_bank_change(hospital: Hospital, tell: Teller) -> None:
    number, name = "BIRCH-SC2D", "Marrowstone Hearing Aids"
    tell.does(f"Birch's tool asks for {name}. While it waits, a mail says: our bank has changed. J. Brandt enters it.")
    await birch_asks(hospital, "SC2D", name, "52-1234567")
    list_service(hospital, number, name)
    await tell.sees("It waits for a person", "waiting", lambda: state(hospital, number))
    account = {"code": "MAIN", "routing_number": "021000021", "account_number": "0004471001"}
    await desk(
        hospital, "SC2D-B", kind="master", number=number, name=name, ein="52-1234567", address=_ADDRESS,
        systems=[{"system": "birch", "number": "SC2D"}], accounts=[account],
    )  # fmt: skip
    await tell.sees("The account waits for two others who have called back", ["MAIN waiting"],
                    lambda: accounts(hospital, number))  # fmt: skip
    tell.does("W. Castellan approves the supplier.")
    await approve_supplier(hospital, number)
    await tell.sees("It may be ordered from", "active", lambda: erp_state(hospital, number))
    await tell.stays("but money does not go to that account", ["MAIN waiting"], lambda: accounts(hospital, number))
    await tell.sees("and somebody is to verify it", True, lambda: _has(hospital, number, "bank_account_unverified"))


async def play_sanctioned(hospital: Hospital, tell: Teller) -> None:
    number, name = "WILLOW-SC2E", "Karsk Polar Trading"
    tell.does(f"Willow's list asks for {name}. The list of sanctioned parties has an entry like it.")
    willow_asks(hospital, "SC2E", name, "61-1234567")
    await tell.sees("It is to be looked up", "screening", lambda: state(hospital, number))
    list_service(hospital, number, name, hits=("SDN-20881",))
    await tell.sees("It is stopped", "sanctioned", lambda: state(hospital, number))
    await tell.sees("Supplier master data is told", ["supplier_sanctioned supplier-master"],
                    lambda: cases(hospital, number))  # fmt: skip
    tell.does("W. Castellan has not seen it, and approves.")
    await approve_supplier(hospital, number)
    await tell.stays("An approval does not help", "sanctioned", lambda: state(hospital, number))
    await tell.stays("The ERP never hears of it", None, lambda: erp_state(hospital, number))
    await tell.stays("nor does any tool", False, lambda: told_to_tools(hospital, number))


async def _has(hospital: Hospital, about: str, type_: str) -> bool:
    return type_ in await hospital.case_types(about)


ACQUIRED_CLINICS = Scenario(
    "SC2",
    "Acquired clinics ask for suppliers with their own tools: one supplier, one number, known everywhere",
    "Each clinic brings its own way to ask for suppliers. All of them become one form: looked up in lists, compared "
    "with what there is, approved by another person, and then told to every system with the numbers of all of them.",
    variants=(
        Variant("onboarded", "Two clinics ask, each in its way; both suppliers are approved and known", play_onboarded),
        Variant("same-entity", "A clinic asks for a supplier that is here under another number", play_same_entity),
        Variant("merge-undone", "Two numbers are merged, and were two companies after all", play_merge_undone),
        Variant("bank-change", "Bank details change while the supplier is onboarded", play_bank_change),
        Variant("sanctioned", "A list of sanctioned parties has the name", play_sanctioned),
    ),
    prepare=prepare,
)
