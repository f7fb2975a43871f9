"""HL7 v2 without I/O: framing, a lossless message view, acknowledgements, batches, conformance."""
