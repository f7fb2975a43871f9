"""What became of the money of invoices: paid once, in parts, twice, too late for the bank, returned, disputed."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from engine.canonical import (
    BankState,
    BankStatusReport,
    PaidInvoice,
    Payment,
    PaymentMethod,
    PaymentProgress,
    ReportSource,
)
from tests.support.year.maker import Maker
from tests.support.year.oracle import Where, midnight, units
from tests.support.year.orders import Bill, cents

COURSES = ("returned", "came_back", "twice", "in_parts", "disputed", "silent")


class Paying:
    def __init__(self, maker: Maker) -> None:
        self.maker, self.oracle, self.count = maker, maker.oracle, 0

    def pay(self, bill: Bill, course: str | None) -> None:
        """`course` None: it is paid once and arrives."""
        assert bill.posted is not None
        maker = self.maker
        at = maker.later(bill.posted, maker.random.randint(1, 8), 8)
        early = bill.discount is not None and (at.date() - bill.dated.date()).days <= 10
        taken = bill.discount if bill.discount is not None and early and course != "twice" else Decimal(0)
        whole = bill.total - taken
        if course == "in_parts":
            half = cents(whole / 2)
            first = self._arrives(bill, at, half, taken, is_first=True)
            return self._kept_by(bill, first, taken, self._arrives(bill, at, whole - half, Decimal(0)))
        if course == "returned":
            at = self._returned(bill, at, whole)
        if course == "came_back":
            at = self._came_back(bill, at, whole)
        settled = self._arrives(bill, at, whole, taken, is_first=course != "came_back", course=course)
        self._kept_by(bill, settled, taken, settled)
        if course == "twice":
            second = settled + timedelta(hours=3)
            again = self._arrives(bill, second, whole, Decimal(0))
            told = (self._where(bill), whole, bill.seller.currency)
            self.maker.trouble("payment_unverified", second, again, *told)  # it is too late to stop it
            self.maker.trouble("invoice_paid_twice", second, None, *told)  # and nobody asks for it back
            self.oracle.count("duplicate_payments", again, 1, 1, {**bill.where, "stage": "payment"})

    def _kept_by(self, bill: Bill, first: datetime, taken: Decimal, last: datetime) -> None:
        """What its terms offered, in the period of the first payment that stayed."""
        if bill.discount is not None:
            where = {**bill.where, "stage": "payment"}
            self.oracle.count(
                "discounts_taken", first, units(taken), units(bill.discount), where, bill.seller.currency
            )  # fmt: skip

    # -------------------------------------------------------------- what is said
    def _say(
        self, number: str, bill: Bill, at: datetime, amount: Decimal, taken: Decimal, state: PaymentProgress,
        pay_on: datetime | None = None,
    ) -> None:  # fmt: skip
        money = bill.seller.money
        part = PaidInvoice(
            invoice_number=bill.number, amount=money(amount), discount=money(taken) if taken else None
        )  # fmt: skip
        self.maker.say(
            at,
            Payment(
                payment_number=number, supplier_number=bill.seller.number, amount=money(amount),
                pay_on=(pay_on or at).date(), state=state, invoices=(part,), method=PaymentMethod.CHECK,
            ),
        )  # fmt: skip

    def _made(self, bill: Bill, at: datetime, amount: Decimal, taken: Decimal, agreed: bool = True) -> str:
        self.count += 1
        number = f"PAY-{self.count:06d}"
        self._say(number, bill, at, amount, taken, PaymentProgress.TRANSMITTED)
        self.oracle.count("payment_status_accuracy", at, int(agreed), 1, self._where(bill))
        return number

    def _report(
        self, number: str, bill: Bill, at: datetime, state: BankState, amount: Decimal | None = None
    ) -> None:  # fmt: skip
        self.maker.say(
            at,
            BankStatusReport(
                report_number=f"{number}-{state.value}", source=ReportSource.CAMT_054, state=state, reported_at=at,
                payment_number=number, happened_on=at.date(),
                amount=None if amount is None else bill.seller.money(amount),
            ),
        )  # fmt: skip

    def _where(self, bill: Bill) -> Where:
        return {"supplier": bill.seller.number, "stage": "payment"}

    # -------------------------------------------------------------- courses
    def _arrives(
        self, bill: Bill, at: datetime, amount: Decimal, taken: Decimal, is_first: bool = False,
        course: str | None = None,
    ) -> datetime:  # fmt: skip
        """Returns when the bank told that it settled."""
        agreed = course not in ("disputed", "silent")
        number = self._made(bill, at, amount, taken, agreed)
        settled = self.maker.later(at, 1, 12)
        if course == "silent":
            began = self.maker.look_at(midnight(at.date()) + timedelta(days=2))
            settled = self.maker.later(began, 2, 12)
            self.maker.trouble("bank_silent", began, settled, self._where(bill), amount, bill.seller.currency)
        told = amount - 1 if course == "disputed" else amount
        self._report(number, bill, settled, BankState.SETTLED, told)
        if course == "disputed":  # the bank says another amount, and nobody puts that right
            self.maker.trouble("payment_disputed", settled, None, self._where(bill), amount, bill.seller.currency)
        self.oracle.count("payment_accuracy", settled, int(course != "disputed"), 1, self._where(bill))
        self._arrived(bill, settled, amount, is_first)
        return settled

    def _arrived(self, bill: Bill, settled: datetime, amount: Decimal, is_first: bool, stays: bool = True) -> None:
        if is_first and bill.matter is not None:
            days = (settled.date() - bill.matter.came.date()).days
            self.oracle.count("order_to_payment", settled, days, 1, {**bill.matter.where, "stage": "order"})
        if stays:
            days = (settled.date() - bill.dated.date()).days
            self.oracle.count(
                "days_to_pay", settled, days * units(amount), units(amount), bill.where, bill.seller.currency
            )  # fmt: skip

    def _returned(self, bill: Bill, at: datetime, amount: Decimal) -> datetime:
        """The bank sends it back at once; it is voided two days later, and paid anew."""
        number = self._made(bill, at, amount, Decimal(0))
        failed = self.maker.later(at, 1, 12)
        self._report(number, bill, failed, BankState.RETURNED)
        self.oracle.count("payment_accuracy", failed, 0, 1, self._where(bill))
        return self._voided(number, bill, at, failed, amount)

    def _came_back(self, bill: Bill, at: datetime, amount: Decimal) -> datetime:
        """It arrived, and came back three days later: the bank told both."""
        number = self._made(bill, at, amount, Decimal(0))
        settled = self.maker.later(at, 1, 12)
        self._report(number, bill, settled, BankState.SETTLED)
        self.oracle.count("payment_accuracy", settled, 0, 1, self._where(bill))
        self._arrived(bill, settled, amount, is_first=True, stays=False)
        failed = self.maker.later(settled, 3, 12)
        self._report(number, bill, failed, BankState.RETURNED)
        return self._voided(number, bill, at, failed, amount)

    def _voided(self, number: str, bill: Bill, at: datetime, failed: datetime, amount: Decimal) -> datetime:
        voided = self.maker.later(failed, 2, 9)
        self._say(number, bill, voided, amount, Decimal(0), PaymentProgress.VOIDED, pay_on=at)
        self.maker.trouble("payment_returned", failed, voided, self._where(bill), amount, bill.seller.currency)
        return self.maker.later(voided, 1, 8)
