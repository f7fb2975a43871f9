"""XML bodies: one hardened parser, and a message that is read by path. No input or output here."""
