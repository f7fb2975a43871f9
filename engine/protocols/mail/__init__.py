"""E-mail (RFC 5322, MIME): a mail as its files, and what may not be taken from one."""
