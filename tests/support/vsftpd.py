"""A real vsftpd on loopback, started as an ordinary user: TLS always, and data connections must resume its session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from engine.core.loopback import free_port
from tests.support.certificates import Authority

VSFTPD = shutil.which("vsftpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
INSTALLED = VSFTPD is not None
ABSENT = "vsftpd is not installed"

_CONFIGURATION = """
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
run_as_launching_user=YES
seccomp_sandbox=NO
secure_chroot_dir={folder}/empty
anonymous_enable=YES
anon_root={folder}/root
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
local_enable=NO
write_enable=YES
xferlog_enable=NO
ssl_enable={tls}
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
implicit_ssl={implicit}
rsa_cert_file={folder}/server.pem
rsa_private_key_file={folder}/server.key
ssl_ciphers=HIGH
"""


class Vsftpd:
    """Lets in the user `anonymous` with any password; `root` is where relative folders begin."""

    def __init__(self, folder: Path, *, implicit: bool = False, tls: bool = True) -> None:
        self.folder, self.root, self.port = folder, folder / "root", free_port()
        for one in (self.root, folder / "empty"):
            one.mkdir(parents=True)
        authority = Authority()
        self.authority = authority.write(folder / "authority.pem")
        authority.issue(folder / "server.pem", folder / "server.key")
        words = {True: "YES", False: "NO"}
        text = _CONFIGURATION.format(port=self.port, folder=folder, implicit=words[implicit], tls=words[tls])
        (folder / "vsftpd.conf").write_text(text)
        self.process = subprocess.Popen(
            [str(VSFTPD), str(folder / "vsftpd.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def _wait(self) -> None:
        for _ in range(3000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("vsftpd does not listen")
