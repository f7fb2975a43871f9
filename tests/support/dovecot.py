"""A real Dovecot (IMAP) on loopback, one a test process, where the system has one."""

from __future__ import annotations

import atexit
import getpass
import grp
import imaplib
import os
import pwd
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path

from engine.core.loopback import free_port
from tests.support.certificates import Authority

DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
INSTALLED = DOVECOT is not None
ABSENT = "Dovecot is not installed (dovecot-imapd)"
PASSWORD = "open-sesame-4711"  # of every user
_PATIENCE = 60.0  # seconds

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = {uid}
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
mail_location = maildir:{folder}/mail/%u
mail_fsync = never
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={mail} gid={group} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """Any user name is let in with PASSWORD and has a mailbox of its own. `ca` is what clients trust."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="isthmus-dovecot-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.port, self.starttls_port = free_port(), free_port()
        authority = Authority()
        self.ca = authority.write(self.folder / "ca.pem")
        authority.issue(self.folder / "server.pem", self.folder / "server.key")
        (self.folder / "mail").mkdir(mode=0o777)
        (self.folder / "mail").chmod(0o777)
        (self.folder / "dovecot.conf").write_text(self._configuration())
        command = [str(DOVECOT), "-F", "-c", str(self.folder / "dovecot.conf")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.stop)
        self._wait()

    def _configuration(self) -> str:
        root = os.geteuid() == 0
        name = "dovecot" if root else getpass.getuser()
        who = pwd.getpwnam(name)
        group = grp.getgrgid(who.pw_gid).gr_name
        return _CONFIGURATION.format(
            folder=self.folder, port=self.port, starttls=self.starttls_port, password=PASSWORD,
            internal=name, login="dovenull" if root else name, mail=name, group=group, uid=who.pw_uid,
        )  # fmt: skip

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                self.session("probe").logout()
                return
            except (OSError, imaplib.IMAP4.error):
                time.sleep(0.05)
        log = (self.folder / "log").read_text() if (self.folder / "log").exists() else "no log"
        raise RuntimeError(f"Dovecot does not answer: {log[-1500:]}")

    def session(self, user: str) -> imaplib.IMAP4_SSL:
        context = ssl.create_default_context(cafile=str(self.ca))
        session = imaplib.IMAP4_SSL("localhost", self.port, ssl_context=context, timeout=10)
        session.login(user, PASSWORD)
        return session

    def deliver(self, user: str, *mails: EmailMessage | bytes) -> None:
        session = self.session(user)
        for mail in mails:
            raw = mail if isinstance(mail, bytes) else mail.as_bytes()
            session.append("INBOX", "", imaplib.Time2Internaldate(time.time()), raw)
        session.logout()

    def count(self, user: str, folder: str) -> int:
        """Mails of a folder; -1: there is no such folder."""
        session = self.session(user)
        answer, found = session.select(folder, readonly=True)
        session.logout()
        return int(found[0] or 0) if answer == "OK" else -1

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)
