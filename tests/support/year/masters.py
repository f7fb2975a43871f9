"""Suppliers that come new and are approved, told to the ERP, found to be one another, and merged."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from engine.canonical import (
    Address,
    ApprovalAction,
    ApprovalVerb,
    SanctionsScreening,
    Supplier,
    SupplierMerge,
    SupplierStatus,
    TaxIdentifier,
    TaxIdentifierType,
)
from engine.canonical.guarded import Guarded
from engine.procure.suppliers.approval import supplier_number_of_approval
from engine.procure.suppliers.merge import merge_number
from engine.procure.suppliers.supplier import names_digest
from tests.support.year.maker import Maker
from tests.support.year.network import CATEGORIES, CLERK, MASTER, letters

_ADDRESS = Address(street="1 Pier", city="Harbor", state="MA", postal_code="02110", country="US")
_NOTHING = Decimal(0)  # an approval without an amount is one of nothing


class Masters:
    def __init__(self, maker: Maker) -> None:
        self.maker, self.oracle, self.count = maker, maker.oracle, 0

    def _supplier(self, tax: str, status: SupplierStatus, address: Address | None, category: str) -> Supplier:
        self.count += 1
        return Supplier(
            supplier_number=f"N{self.count:04d}", name=letters(self.maker.random), address=address, status=status,
            tax_identifiers=(TaxIdentifier(type=TaxIdentifierType.EIN, value=Guarded(tax)),), categories=(category,),
            requested_by="r.ruiz" if status is SupplierStatus.ONBOARDING else None,
        )  # fmt: skip

    def _tax(self) -> str:
        return f"12-{3_000_000 + self.count:07d}"

    # -------------------------------------------------------------- a new one
    def new(self, course: str | None) -> None:
        """`course`: its address is missing at first; or the ERP refuses it at first, or for good."""
        maker, category = self.maker, self.maker.random.choice(CATEGORIES)
        first = at = maker.moment()
        address = None if course == "faulty" else _ADDRESS
        one = self._supplier(self._tax(), SupplierStatus.ONBOARDING, address, category)
        maker.say(at, one)
        where = {"supplier": one.supplier_number, "stage": "supplier"}
        if course == "faulty":
            at = maker.later(at, 2)
            one = one.model_copy(update={"address": _ADDRESS})
            maker.say(at, one)
            maker.trouble("supplier_faulty", first, at, where)
        screened = at + timedelta(minutes=30)
        clear = SanctionsScreening(
            supplier_number=one.supplier_number, names=names_digest(one), list_name="SDN", is_clear=True,
            screened_at=screened,
        )  # fmt: skip
        maker.say(screened, clear)
        approved = maker.later(screened, maker.random.randint(1, 6), 14)
        self._approve(supplier_number_of_approval(one), one.supplier_number, approved)
        maker.trouble("approval_wanted", screened, approved, where, _NOTHING)
        of_master = {"supplier": one.supplier_number, "category": category}
        self.oracle.took("supplier_onboarding_time", first, approved, of_master)
        self._told(one.supplier_number, approved, course)

    def _approve(self, number: str, supplier: str, at: datetime) -> None:
        acted = ApprovalAction(
            action_number=f"AP-{supplier}", approval_number=number, dossier=f"supplier:{supplier}",
            action=ApprovalVerb.APPROVE, who=MASTER, at=at,
        )  # fmt: skip
        self.maker.say(at, acted, who=MASTER)

    def _told(self, supplier: str, at: datetime, course: str | None) -> None:
        answers = {"refused": (False, True), "never": (False,)}.get(course or "", (True,))
        where = {"supplier": supplier}
        for turn, ok in enumerate(answers, 1):
            then = at + timedelta(minutes=15 * turn)
            self.maker.answer(
                then, at, f"supplier:{supplier}", "propagate_supplier", ("Supplier", supplier), where, ok
            )  # fmt: skip
        self.oracle.count("supplier_sync_quality", at, int(all(answers)), 1, where)

    # -------------------------------------------------------------- two that are one
    def twins(self, merged: bool) -> None:
        """Two numbers of one tax number; each is an exception until they are one."""
        maker, tax = self.maker, self._tax()
        one, other = (self._supplier(tax, SupplierStatus.APPROVED, _ADDRESS, CATEGORIES[0]) for _ in range(2))
        began = maker.moment()
        maker.say(began - timedelta(hours=1), one)
        maker.say(began, other)
        asked = maker.later(began, 3, 9)
        done = maker.later(asked, 2, 14) if merged else None
        for each in (one, other):
            where = {"supplier": each.supplier_number, "stage": "supplier"}
            maker.trouble("supplier_duplicate", began, done, where)
        if done is not None:
            self._merged(one.supplier_number, other.supplier_number, asked, done)

    def _merged(self, survivor: str, absorbed: str, asked: datetime, done: datetime) -> None:
        """Both are told to the ERP when it is asked for and when it holds; it takes the one and not the other."""
        maker, where = self.maker, {"supplier": survivor, "stage": "supplier"}
        merge = SupplierMerge(
            absorbed_number=absorbed, survivor_number=survivor, requested_by=CLERK, requested_at=asked
        )  # fmt: skip
        maker.say(asked, merge)
        self._approve(merge_number(merge, 1), survivor, done)
        maker.trouble("merge_waiting", asked, done, where)
        told = maker.soon(done)
        maker.answer(
            told, asked, f"supplier:{survivor}", "propagate_supplier", ("Supplier", survivor), {"supplier": survivor}
        )  # fmt: skip
        for at in (asked, done):
            self.oracle.count("supplier_sync_quality", at, 1, 1, {"supplier": survivor})
            self.oracle.count("supplier_sync_quality", at, 0, 1, {"supplier": absorbed})
