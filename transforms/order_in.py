"""850 of the clinic's purchasing tool to PurchaseOrder. Source: X12 004010, 850; config/partners/harbor_clinic.yaml.

The tool names the supplier by our number (N1 SE, qualifier 92) and the item by ours (PO1 qualifier IN). Its
department (REF DP) is a hospital code; the ERP wants the cost center, on every line. All that the clinic orders is for
the clinic: by that its contracts' prices, its calendar and its people are found.
"""

from engine.sdk import Lookup, PurchaseOrder, TransactionSet, purchase_order_from_850

FACILITY = "HARBOR-CLINIC"


def transform(order_850: TransactionSet, departments: Lookup) -> PurchaseOrder:
    order = purchase_order_from_850(order_850).model_copy(update={"facility": FACILITY})
    if order.department is None:
        return order
    center = departments[order.department]
    lines = tuple(line.model_copy(update={"cost_center": center}) for line in order.lines)
    return order.model_copy(update={"lines": lines})
