"""Settings of a `type: tryton` connection in `config/connections.yaml`."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from engine.channel.model import Duration, Settings


class TrytonSettings(Settings):
    """One company in one Tryton database."""

    type: Literal["tryton"] = "tryton"
    url: str = Field(pattern=r"^https?://", examples=["http://127.0.0.1:8000"], description="Address of the server.")
    database: str = Field(pattern=r"^[A-Za-z0-9_-]+$", examples=["erp"])
    key: str = Field(
        pattern=r"^(env|file|store):", examples=["env:ERP_KEY"], description="Where the REST key is; never the key."
    )
    company: int = Field(default=1, ge=1, description="Id of the company in the ERP.")
    timeout: Duration = Field(default=timedelta(seconds=60), description="Longest wait for one answer.")
    requisitions_end_as: Literal["waiting", "approved", "processing"] = Field(
        default="processing",
        description="How far a requisition is taken: waiting for the ERP's approver, or on to purchase requests.",
    )
    cost_center_root: str = Field(default="CC", description="Code of the analytic root that holds the cost centers.")
    allocation_journal: str = Field(default="ALLOC", description="Code of the journal of cost allocations.")
    invoice_journal: str = Field(default="EXP", description="Code of the journal of supplier invoices.")
    expense_account: str = Field(default="5100", description="For invoice lines without an account of their own.")
    freight_account: str = Field(default="5200", description="For freight, handling and other charges.")
    tax_account: str = Field(default="5300", description="For taxes that the hospital does not get back.")
