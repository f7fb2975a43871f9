"""Every type of exception that the process makes, for policies and lint. A test compares it with the code."""

from __future__ import annotations

# fmt: off
EXCEPTION_TYPES: frozenset[str] = frozenset({
    "acknowledgement_backordered", "acknowledgement_date", "acknowledgement_price", "acknowledgement_quantity",
    "acknowledgement_rejected", "acknowledgement_substituted", "acknowledgement_unclear", "acknowledgement_unit",
    "approval_stuck", "approval_wanted", "bank_account_changed", "bank_account_differs",
    "bank_account_unverified", "bank_report_unmatched",
    "bank_silent", "budget_exceeded", "charge_credit_unmatched", "charge_without_usage",
    "contract_price_differs", "credit_exceeds_invoiced", "credit_original_refused", "credit_original_unknown",
    "currency_differs", "date_in_future", "date_too_old", "decided_otherwise_since", "dimension_invalid",
    "dimension_missing", "dimension_not_valid", "dimension_unknown", "drift_amount", "drift_missing_here",
    "drift_missing_there", "drift_state", "duplicate_suspected", "erp_holds_twin", "evaluated_receipt_invoiced",
    "freight_above_ordered", "implant_charge_without_order", "implant_documented_differently",
    "implant_duplicate_sheet", "implant_expired", "implant_invoiced_not_used", "implant_not_ordered",
    "implant_not_received", "implant_off_contract", "implant_order_after_invoice", "implant_order_without_charge",
    "implant_price_over_cap", "implant_recalled", "implant_replacement_not_shipped", "implant_udi_missing",
    "implant_wasted", "invoice_held", "invoice_lot_differs", "invoice_number_used_again", "invoice_paid_twice",
    "invoice_total_differs",
    "item_differs", "item_inactive", "item_unknown",
    "line_amount_differs", "line_not_ordered", "merge_waiting", "no_order", "order_change_asked",
    "order_change_refused", "order_limit_exceeded", "order_not_valid", "order_quantity_missing", "order_unknown",
    "payment_disputed", "payment_held", "payment_rejected",
    "payment_returned", "payment_stale", "payment_unverified", "posting_half_done", "posting_refused",
    "price_above_tolerance", "price_below_tolerance", "price_unknown", "quantity_above_ordered",
    "quantity_not_accepted", "quantity_not_received", "receipt_expiry_differs", "receipt_item_differs",
    "receipt_above_ordered", "receipt_line_not_ordered", "receipt_lot_differs", "receipt_lot_expired",
    "receipt_lot_missing", "receipt_return_exceeds", "receipt_told_twice", "remit_to_unknown", "stock_available",
    "stock_below_zero", "stock_place_unknown", "stock_transfer_unclear",
    "supplier_differs", "supplier_duplicate", "supplier_faulty", "supplier_held",
    "supplier_inactive", "supplier_late", "supplier_missing", "supplier_sanctioned", "supplier_unknown",
    "tax_differs", "tax_not_due",
    "tax_rate_differs", "terms_differ", "total_out_of_balance", "unit_conversion_unknown", "unit_unknown",
    "usage_cost_unknown", "usage_item_unknown", "usage_lot_missing", "usage_not_charged", "written_by_non_owner",
})
