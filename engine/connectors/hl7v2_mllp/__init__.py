"""HL7 v2 over MLLP: a listener that acknowledges what is durable, and a sender that believes only its own ack."""
