"""Start and end a local AWS from a test or a demo, and talk to it."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from local_aws.control.settings import ACCOUNT, REGION

# Some seconds on an idle machine; a busy one may take long.
_STARTS_WITHIN = 120.0
_STARTS_AT_MOST = 3
# Below the ports that Linux gives to outgoing connections: one of those could take the port before the server does.
_PORTS = range(15_000, 32_000)


class NotStarted(RuntimeError):
    """The server did not come up. The text says why, and where its log is."""


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
        self.is_port_fixed = port is not None
        self.port = port or _free_port()
        self._options = ["--rollout-seconds", str(rollout_seconds), "--wait-scale", str(wait_scale)]
        self._options += ["--second-seconds", str(second_seconds)]
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str, str, str], Any] = {}
        self._making = Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and return when it answers. Raises :class:`NotStarted`."""
        if self.is_port_fixed and not is_free(self.port):
            raise NotStarted(f"port {self.port} of 127.0.0.1 is in use: end what listens there")
        for left in reversed(range(1 if self.is_port_fixed else _STARTS_AT_MOST)):
            try:
                self._start()
                return
            except NotStarted:
                # Somebody else may have taken the port between the look at it and the start.
                if not left or is_free(self.port):
                    raise
                self.port = _free_port()

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        package = Path(__file__).resolve().parents[1]
        command = [sys.executable, str(package), "serve", "--port", str(self.port), "--state-dir", str(self.folder)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command + self._options, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.1)
        code = self.process.poll()
        self.stop()
        why = f"it gave no answer in {_STARTS_WITHIN:g} s" if code is None else f"it ended with exit code {code}"
        raise NotStarted(f"{self._end_of_log()}\nthe local AWS did not start: {why}; its whole log: {self.log}")

    def _answers(self) -> bool:
        """Whether this very server answers: one that is just ending may still listen on the port."""
        try:
            return bool(self.control("git")["pid"] == (self.process and self.process.pid))
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False

    def _end_of_log(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip()

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
        """A boto3 client of an administrator of ``account``. It is made once: tests ask for one in every look."""
        import boto3

        key = self.endpoint, service, account, region
        with self._making:
            if key not in self._clients:
                self._clients[key] = boto3.client(
                    service,
                    endpoint_url=self.endpoint,
                    region_name=region,
                    aws_access_key_id=account,
                    aws_secret_access_key="local",
                )
        return self._clients[key]

    def clone_url(self, repository: str, credentials: dict[str, str] | None = None, region: str = REGION) -> str:
        """Clone URL with the Git user's password in it, who may do all.

        With ``credentials``, as STS gives them (AccessKeyId, SecretAccessKey, SessionToken), it is signed as
        git-remote-codecommit signs it: Git acts as that role, and the URL is good for 15 minutes."""
        path = f"/v1/repos/{repository}"
        if credentials is None:
            git = self.control("git")
            user, password = git["user"], git["password"]
        else:
            from botocore.credentials import Credentials

            from local_aws.control.git_signature import sign

            key, token = credentials["AccessKeyId"], credentials.get("SessionToken")
            user = quote(f"{key}%{token}" if token else key, safe="")
            password = sign(Credentials(key, credentials["SecretAccessKey"], token), "127.0.0.1", path, region)
        return f"http://{user}:{password}@127.0.0.1:{self.port}{path}"


def _free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    return next(port for port in random.sample(_PORTS, len(_PORTS)) if is_free(port))


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do: connections of one that has ended may linger for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
