"""Folders of file servers: what SFTP and FTPS have in common, on any client that can list, rename, read and write."""
