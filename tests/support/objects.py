"""An S3 server in a process of its own on loopback: moto's, which stands in for a real one and keeps all in memory.

A real one takes its place with ISTHMUS_S3="port access-key secret-key", a server without TLS on loopback.
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import time
import uuid
from typing import Any

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from engine.core.loopback import free_port

_REAL = os.environ.get("ISTHMUS_S3", "").split()
KEYS = {"env:ACCESS": _REAL[1], "env:SECRET": _REAL[2]} if _REAL else {"env:ACCESS": "testing", "env:SECRET": "testing"}


class Objects:
    """`client` is boto3's own; ask it by `Bucket`'s methods below, which leave no connection open."""

    def __init__(self) -> None:
        self.port = int(_REAL[0]) if _REAL else free_port()
        if not _REAL:
            self._start()
        config = Config(
            s3={"addressing_style": "path"},
            max_pool_connections=1,
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
        )
        session = boto3.session.Session(KEYS["env:ACCESS"], KEYS["env:SECRET"], region_name="us-east-1")
        self.client = session.client("s3", endpoint_url=f"http://127.0.0.1:{self.port}", config=config)
        self._buckets = 0
        self._wait()

    def bucket(self, versioned: bool = False) -> Store:
        """A new one."""
        self._buckets += 1
        made = Store(self, f"bucket-{uuid.uuid4().hex[:12]}-{self._buckets}")
        made.ask("create_bucket")
        if versioned:
            made.ask("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
        return made

    def _start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"},
        )
        atexit.register(self.stop)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def _wait(self) -> None:
        for _ in range(1500):
            try:
                self.client.list_buckets()
                return
            except BotoCoreError:
                time.sleep(0.02)
        raise TimeoutError("the server of objects does not listen")


class Store:
    """One bucket."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self.name = objects, name

    def ask(self, operation: str, **further: Any) -> Any:
        try:
            return getattr(self._objects.client, operation)(Bucket=self.name, **further)
        finally:
            self._objects.client.close()

    def put(self, key: str, body: bytes) -> None:
        self.ask("put_object", Key=key, Body=body)

    def get(self, key: str) -> bytes:
        try:
            content: bytes = self._objects.client.get_object(Bucket=self.name, Key=key)["Body"].read()
            return content
        finally:
            self._objects.client.close()

    def keys(self, prefix: str = "") -> list[str]:
        return [one["Key"] for one in self.ask("list_objects_v2", Prefix=prefix).get("Contents", ())]

    def settings(self, port: int | None = None) -> dict[str, Any]:
        return {
            "endpoint": f"http://127.0.0.1:{port or self._objects.port}",
            "bucket": self.name,
            "access_key": "env:ACCESS",
            "secret_key": "env:SECRET",
        }


@functools.cache
def objects() -> Objects:
    """The one of this process."""
    return Objects()
