"""E-mail: a mailbox as a source (IMAP), and a relay as a destination (SMTP).

source:
  type: imap
  address: imap.harbor.example:993
  user: ap-invoices@harbor.example
  password: env:AP_MAILBOX_PASSWORD
  attachments: ["*.xml"]
  senders: ["*@alderbrook.example"]

destinations:
  - name: remittance_mail
    type: smtp
    address: smtp.harbor.example:587
    user: ap@harbor.example
    password: env:SMTP_PASSWORD
    sender: ap@harbor.example
    to_field: supplier.email
    domains: [alderbrook.example]
    subject: "Remittance {natural_key}"
"""
