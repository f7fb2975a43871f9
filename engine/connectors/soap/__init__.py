"""SOAP services, served and called."""
