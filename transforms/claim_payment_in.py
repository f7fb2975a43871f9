"""835 to Remittance. Source: HIPAA guide 005010X221A1; the balances are those of its section 1.10.2.1."""

from engine.sdk import LoopedSet, Remittance, remittance_from_835


def transform(payment_835: LoopedSet) -> Remittance:
    return remittance_from_835(payment_835)
