"""SOAP 1.1 and 1.2: envelopes, faults, WS-Security user names, WSDL, payload templates. No input or output here."""
