"""Namespaces and media types of SOAP and what travels with it."""

from __future__ import annotations

from typing import Literal

Version = Literal["1.1", "1.2"]

ENVELOPES: dict[Version, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
MEDIA_TYPES: dict[Version, str] = {"1.1": "text/xml", "1.2": "application/soap+xml"}
NEXT: dict[Version, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/actor/next",
    "1.2": "http://www.w3.org/2003/05/soap-envelope/role/next",
}
ULTIMATE = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"

WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP: dict[str, Version] = {
    "http://schemas.xmlsoap.org/wsdl/soap/": "1.1",
    "http://schemas.xmlsoap.org/wsdl/soap12/": "1.2",
}
XSD = "http://www.w3.org/2001/XMLSchema"

_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = f"{_WSS}wssecurity-secext-1.0.xsd"
WSU = f"{_WSS}wssecurity-utility-1.0.xsd"
PASSWORD_TEXT = f"{_WSS}username-token-profile-1.0#PasswordText"
PASSWORD_DIGEST = f"{_WSS}username-token-profile-1.0#PasswordDigest"
BASE64 = f"{_WSS}soap-message-security-1.0#Base64Binary"

WSA = ("http://www.w3.org/2005/08/addressing", "http://schemas.xmlsoap.org/ws/2004/08/addressing")
