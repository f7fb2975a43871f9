"""FTPS: a folder of an FTP server that is watched, a folder of one that is written to. Always under TLS.

A source takes what a supplier leaves:

    source:
      type: ftps
      address: ftp.meridian-medical.example:21
      user: harbor
      password: env:MERIDIAN_PASSWORD
      folder: /outgoing
      pattern: "*.csv"

A destination writes each delivery once, under a temporary name first:

    destinations:
      - name: to_meridian
        type: ftps
        address: ftp.meridian-medical.example:990
        mode: implicit
        user: harbor
        password: env:MERIDIAN_PASSWORD
        folder: /incoming
        file_name: "{partner}_{control_number}.edi"
        format: x12

Log-in, listings and files go through TLS; there is no setting that switches it off, and a server that offers none is
refused. Data connections go to the server's own address, whatever it names, and resume the TLS session of the
control connection, as servers ask for that let nobody else fetch what we asked for.
"""
