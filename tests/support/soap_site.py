"""A SOAP service of a test site: WSDL with an imported schema, for both SOAPs, and calls of it."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from engine.protocols.soap.envelope import addressing, write_envelope
from engine.protocols.soap.names import Version

NS = "urn:harbor:notes"

SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{NS}" targetNamespace="{NS}"
    elementFormDefault="qualified">
  <xs:include schemaLocation="kinds.xsd"/>
  <xs:element name="LeaveNote"><xs:complexType><xs:sequence>
    <xs:element name="Number" type="xs:string"/>
    <xs:element name="Text" type="xs:string"/>
    <xs:element name="Line" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="Quantity" type="Amount"/>
    </xs:sequence><xs:attribute name="sku" type="xs:string" use="required"/></xs:complexType></xs:element>
    <xs:element name="Content" type="xs:base64Binary" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="LeaveNoteResponse"><xs:complexType><xs:sequence>
    <xs:element name="Reference" type="xs:string" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="Remind"><xs:complexType><xs:sequence>
    <xs:element name="Number" type="xs:string"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""

KINDS = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="Amount"><xs:restriction base="xs:decimal"><xs:minExclusive value="0"/></xs:restriction>
  </xs:simpleType>
</xs:schema>"""


def _binding(name: str, namespace: str) -> str:
    return f"""<binding name="{name}" type="tns:Notes">
    <s:binding xmlns:s="{namespace}" style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="LeaveNote">
      <s:operation xmlns:s="{namespace}" soapAction="{NS}:LeaveNote"/>
      <input><s:body xmlns:s="{namespace}" use="literal"/></input>
      <output><s:body xmlns:s="{namespace}" use="literal"/></output>
    </operation>
    <operation name="Remind">
      <s:operation xmlns:s="{namespace}" soapAction="{NS}:Remind"/>
      <input><s:body xmlns:s="{namespace}" use="literal"/></input>
    </operation>
  </binding>"""


SOAP11, SOAP12 = "http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/"
WSDL = f"""<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="{NS}" targetNamespace="{NS}" name="Notes">
  <types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:import namespace="{NS}" schemaLocation="schemas/notes.xsd"/>
  </xs:schema></types>
  <message name="In"><part name="body" element="tns:LeaveNote"/></message>
  <message name="Out"><part name="body" element="tns:LeaveNoteResponse"/></message>
  <message name="RemindIn"><part name="body" element="tns:Remind"/></message>
  <portType name="Notes">
    <operation name="LeaveNote"><input message="tns:In"/><output message="tns:Out"/></operation>
    <operation name="Remind"><input message="tns:RemindIn"/></operation>
  </portType>
  {_binding("Notes11", SOAP11)}
  {_binding("Notes12", SOAP12)}
  <service name="Notes">
    <port name="Notes11" binding="tns:Notes11">
      <s:address xmlns:s="{SOAP11}" location="http://nowhere.example/notes"/></port>
    <port name="Notes12" binding="tns:Notes12">
      <s:address xmlns:s="{SOAP12}" location="http://nowhere.example/notes"/></port>
  </service>
</definitions>"""


def write_site(root: Path) -> str:
    """Writes the documents below `root`; the WSDL's name in the site."""
    (root / "wsdl" / "schemas").mkdir(parents=True, exist_ok=True)
    (root / "wsdl" / "notes.wsdl").write_text(WSDL)
    (root / "wsdl" / "schemas" / "notes.xsd").write_text(SCHEMA)
    (root / "wsdl" / "schemas" / "kinds.xsd").write_text(KINDS)
    return "wsdl/notes.wsdl"


def note(number: str, text: str = "text", inside: str = "") -> bytes:
    """The body's element."""
    return f'<LeaveNote xmlns="{NS}"><Number>{number}</Number><Text>{escape(text)}</Text>{inside}</LeaveNote>'.encode()


def call(number: str, text: str = "text", version: Version = "1.1", inside: str = "", headers: str = "") -> bytes:
    """An envelope whose wsa:MessageID is the note's number."""
    return write_envelope(version, note(number, text, inside), [addressing(MessageID=number), headers])
