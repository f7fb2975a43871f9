"""867 to Consumption. Source: X12 004010 and 005010, 867; one file of config/partners for each sender.

Reports are numbered by each supplier for itself, so its number of ours stands before theirs. What is not ordered to be
billed comes from consignment: it was the supplier's until it was used.
"""

from engine.sdk import Consumption, DocumentError, TransactionSet, consumption_from_867


def transform(report_867: TransactionSet) -> Consumption:
    sender = report_867.supplier_number
    made = consumption_from_867(report_867)
    named = made.lines[0].supplier_number
    if sender and named != sender:
        remedy = "call the supplier under the number that you have from before"
        raise DocumentError("it names another supplier than its sender", where="REF IA", remedy=remedy)
    if not any(line.location or made.location for line in made.lines):
        raise DocumentError("the place is not named", where="N1 WH", remedy="ask the supplier where it was used")
    lines = tuple(line.model_copy(update={"consignment": not line.bill_only}) for line in made.lines)
    return made.model_copy(update={"consumption_number": f"{named}/{made.consumption_number}", "lines": lines})
