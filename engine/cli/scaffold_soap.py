"""What a SOAP end of a new channel needs beside its settings: a service's WSDL, and a call as a template. Data."""

from __future__ import annotations

SERVICE_WSDL = """<?xml version="1.0" encoding="utf-8"?>
<!-- The service that the channel serves. Give it to those who call it: the address is put in when it is asked for. -->
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:s="urn:hospital:suppliers" targetNamespace="urn:hospital:suppliers" name="Suppliers">
  <types>
    <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:hospital:suppliers"
        elementFormDefault="qualified">
      <xs:element name="Supplier">
        <xs:complexType>
          <xs:sequence>
            <xs:element name="Number" type="xs:token"/>
            <xs:element name="Name" type="xs:token"/>
            <xs:element name="Email" type="xs:token" minOccurs="0"/>
          </xs:sequence>
        </xs:complexType>
      </xs:element>
      <xs:element name="SupplierResponse"><xs:complexType/></xs:element>
    </xs:schema>
  </types>
  <message name="SupplierRequest"><part name="body" element="s:Supplier"/></message>
  <message name="SupplierReply"><part name="body" element="s:SupplierResponse"/></message>
  <portType name="Suppliers">
    <operation name="Supplier">
      <input message="s:SupplierRequest"/>
      <output message="s:SupplierReply"/>
    </operation>
  </portType>
  <binding name="Suppliers" type="s:Suppliers">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Supplier">
      <soap:operation soapAction="urn:hospital:suppliers:Supplier"/>
      <input><soap:body use="literal"/></input>
      <output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="Suppliers">
    <port name="Suppliers" binding="s:Suppliers"><soap:address location="https://engine.hospital.example/"/></port>
  </service>
</definitions>
"""

CALL_TEMPLATE = """<!-- The call, as the other side's WSDL has it. What stands in braces is a path in the document. -->
<s:PutDocument xmlns:s="urn:receiver:documents" xmlns:t="urn:isthmus:template">
  <s:Number>{@number@}</s:Number>
</s:PutDocument>
"""
