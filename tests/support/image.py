"""The container's file tree, made in a folder by the Dockerfile's own steps, and processes as it would start them.

What needs a container engine is told apart and never claimed: the base image, its packages, user names, isolation.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.dockerfile import Instruction, Stage
from tests.support.source_tree import ROOT

NOT_RUN = (
    "docker build itself, and the layers it makes",
    "the base image: this machine's Python stands in for it",
    "groupadd and useradd: the numeric ids of the Dockerfile are used instead",
    "the container engine's isolation: dropped capabilities, seccomp, --read-only on the whole root",
)
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass
class Image:
    """A root folder that stands for `/` of the image. `install` runs the real pip from the lock file."""

    root: Path
    install: bool
    uid: int = 0
    gid: int = 0
    not_run: list[str] = field(default_factory=lambda: list(NOT_RUN))

    def inside(self, text: str) -> str:
        """Absolute paths of the image as paths below the root folder; paths of this machine stay."""
        return re.sub(r"(?<![\w/.\-])/(?=(?:opt|site|build)\b)", f"{self.root}/", text)

    def build(self, stages: list[Stage]) -> None:
        for stage in stages:
            work = self.root
            for one in stage.instructions:
                if one.keyword == "WORKDIR":
                    work = Path(self.inside(one.text))
                    work.mkdir(parents=True, exist_ok=True)
                elif one.keyword == "COPY" and "from" not in one.flags:
                    self._copy(one, work)
                elif one.keyword == "RUN":
                    self._run(one, work)
        self._own()

    def _copy(self, one: Instruction, work: Path) -> None:
        *sources, target = one.words
        place = work / self.inside(target)
        for source in sources:
            found = ROOT / source
            if found.is_dir():
                shutil.copytree(found, place, dirs_exist_ok=True, ignore=_IGNORED)
            elif target.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, place)
            else:
                shutil.copy(found, place)

    def _run(self, one: Instruction, work: Path) -> None:
        for part in one.text.split("&&"):
            command = part.strip()
            words = command.split()
            if words[0] == "groupadd":
                self.gid = int(words[words.index("--gid") + 1])
            elif words[0] == "useradd":
                self.uid = int(words[words.index("--uid") + 1])
            elif words[0] == "install":
                for path in (word for word in words if word.startswith("/")):
                    Path(self.inside(path)).mkdir(parents=True, mode=int(words[words.index("-m") + 1], 8))
            elif words[0].endswith("/pip") and not self.install:
                self._borrow_packages()
            else:
                self._shell(command, work)

    def _shell(self, command: str, work: Path) -> None:
        # The machine's own Python: an environment made from within an environment would depend on it.
        path = f"{Path(sys._base_executable).parent}{os.pathsep}{os.environ['PATH']}"  # type: ignore[attr-defined]
        # Its version also stands in the place of the image's in paths.
        command = re.sub(r"python3\.\d+", f"python3.{sys.version_info.minor}", self.inside(command))
        done = subprocess.run(
            ["sh", "-c", command], cwd=work, env=os.environ | {"PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"

    def _borrow_packages(self) -> None:
        self.not_run.append("pip install from the lock file: the packages of these tests are borrowed")
        [packages] = self.root.glob("opt/*/lib/python3*/site-packages")
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def _own(self) -> None:
        """As root: the tree belongs to root and is readable, what may be written belongs to the image's user."""
        for path in [self.root, *self.root.rglob("*")]:
            if not path.is_symlink() and "var" not in path.parts[-1:]:
                path.chmod(path.stat().st_mode & ~(stat.S_IWGRP | stat.S_IWOTH) | stat.S_IRGRP | stat.S_IROTH)
        for path in [self.root, *(p for p in self.root.rglob("*") if p.is_dir())]:
            path.chmod(0o755)

    def give(self, folder: str) -> Path:
        """Make a folder of the image belong to its user, as `install -o` or a mounted volume does."""
        place = Path(self.inside(folder))
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        if os.getuid() == 0:
            os.chown(place, self.uid, self.gid)
        return place

    def start(self, words: list[str], environment: dict[str, str], writable: list[Path]) -> subprocess.Popen[str]:
        """As the image's user, in /site, everything but `writable` and /tmp read-only where this machine lets us."""
        values = {name: self.inside(value).replace("$PATH", os.defpath) for name, value in environment.items()}
        command = [self.inside(word) for word in words]
        wrapped = self._closed_in(command, writable) if self.may_close_in() else command
        if wrapped == command:
            self.not_run.append("the read-only mount and the other user: this needs root and unshare")
        site = Path(self.inside("/site"))
        return subprocess.Popen(
            wrapped, cwd=site, env={"HOME": "/nonexistent", "PATH": os.defpath} | values,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @staticmethod
    def may_close_in() -> bool:
        if os.getuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
            return False
        return subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0

    def _closed_in(self, command: list[str], writable: list[Path]) -> list[str]:
        root = self.root
        mounts = [*self._reachable(), f"mount --bind {root} {root}"]
        mounts += [f"mount --bind {path} {path}" for path in writable]
        user = ["setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups",
                "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]  # fmt: skip
        script = " && ".join([*mounts, f"mount -o remount,bind,ro {root}", 'exec "$@"'])
        return ["unshare", "-m", "--", "sh", "-c", script, "sh", *user, *command]

    def _reachable(self) -> list[str]:
        """Mounts that show the machine's Python to the image's user where it lies in a closed home, as pyenv's does."""
        needed = [Path(path).resolve() for path in (sys.base_prefix, sysconfig.get_path("purelib"))]
        closed = [(path, outer) for path in needed if (outer := _closed_parent(path)) is not None]
        kept = [(path, f"{self.root}/.machine/{number}") for number, (path, _) in enumerate(closed)]
        return [
            *(f"mkdir -p {place} && mount --bind {path} {place}" for path, place in kept),
            *(f"mount -t tmpfs -o mode=755 none {outer}" for outer in sorted({outer for _, outer in closed})),
            *(f"mkdir -p {path} && mount --bind {place} {path}" for path, place in kept),
        ]


def _closed_parent(path: Path) -> Path | None:
    """The outermost folder on the way that other users may not pass."""
    return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & stat.S_IXOTH), None)
