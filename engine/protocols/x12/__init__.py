"""X12: interchanges, groups and sets of a supplier's EDI, as values. No input or output here."""
