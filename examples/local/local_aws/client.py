"""Start and end a local AWS from a test or the demo, and talk to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local_aws.state import ACCOUNT, REGION

_STARTS_WITHIN = 60.0


class LocalAws:
    """A context manager around one server. ``second_seconds``: how long a simulated second takes; ``rollout_seconds``:
    how many an image takes until it runs; ``wait_scale``: a factor on Step Functions' pauses alone, beside that. The
    server listens on a free port of 127.0.0.1 and is ended by its pid."""

    def __init__(
        self,
        folder: Path,
        *,
        rollout_seconds: float = 1.0,
        wait_scale: float = 1.0,
        second_seconds: float = 1.0,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or _free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._options = ["--rollout-seconds", str(rollout_seconds), "--wait-scale", str(wait_scale)]
        self._options += ["--second-seconds", str(second_seconds)]
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and return when it answers. Raises :class:`RuntimeError` with its log when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        package = Path(__file__).resolve().parent
        command = [sys.executable, str(package), "serve", "--port", str(self.port), "--state-dir", str(self.folder)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command + self._options, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.control("git")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"the local AWS did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """End the server by its pid."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def control(self, name: str, data: dict[str, Any] | None = None) -> Any:
        """An address of README.md: ``trace?since=N``, ``calls?since=N``, ``git`` or, with data, ``settings``."""
        body = None if data is None else json.dumps(data).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_local/{name}", body, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """Environment variables that make the AWS SDKs and CLI use this server as an administrator of ``account``."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }

    def client(self, service: Any, account: str = ACCOUNT, region: str = REGION) -> Any:
        """A boto3 client of an administrator of ``account``."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )

    def clone_url(self, repository: str) -> str:
        """Clone URL with the Git user's password in it."""
        git = self.control("git")
        return f"http://{git['user']}:{git['password']}@127.0.0.1:{self.port}/v1/repos/{repository}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
