"""AS2: X12, XML and other documents between companies, signed, encrypted and answered by a receipt.

source:
  type: as2
  format: x12
  listen: 127.0.0.1:8086
  as2_id: HARBORHEALTH
  certificate: as2/harbor.pem
  key: file:secrets/as2.key
  partners:
    - as2_id: ALDERBROOK
      certificates: [as2/alderbrook.pem, as2/alderbrook_2027.pem]
      x12_partners: [alderbrook]

destinations:
  - name: supplier
    type: as2
    url: https://edi.alderbrook.example/as2
    as2_from: HARBORHEALTH
    as2_to: ALDERBROOK
    certificate: as2/harbor.pem
    key: file:secrets/as2.key
    partner_certificates: [as2/alderbrook.pem]
    format: x12
    send: PurchaseOrder
    partner_finds_duplicates: true
"""
