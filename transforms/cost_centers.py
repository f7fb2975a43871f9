"""A row of the ledger's cost centers to CostCenter. Source: config/layouts/cost_centers.yaml."""

from engine.sdk import CostCenter, TabularMessage


def transform(message: TabularMessage) -> CostCenter:
    row = message.row
    return CostCenter(cost_center=row.text("code"), name=row.text("name"), active=row.text("active") == "yes")
