"""AS2: messages over HTTP that are signed, encrypted and answered by a receipt. Bytes in, bytes out; no I/O."""
