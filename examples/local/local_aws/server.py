"""Start a local AWS as a process of its own, and talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, overload

import boto3
from botocore.config import Config

ACCOUNT = "111111111111"
REGION = "us-west-2"
SECRET = "test"  # noqa: S105 - the emulator's fixed administrator secret
_PACKAGE_ROOT = Path(__file__).resolve().parent.parent
_SLOW_SECONDS = 2.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalAws:
    """A running local AWS. `with LocalAws(state_dir) as aws:` starts it and stops it.

    state_dir: repositories, builds, traces and the server's log are kept here; made when missing.
    rollout_seconds, wait_scale: see `settings.Settings`; both can be changed later with `set`.
    lambda_isolated: False lets functions import what is installed beside the emulator.
    port: a free one when None.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        rollout_seconds: float = 3.0,
        wait_scale: float = 1.0,
        lambda_isolated: bool = True,
        port: int | None = None,
    ) -> None:
        self.state_dir = Path(state_dir).resolve()
        self.port = port or free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.account = ACCOUNT
        self.region = REGION
        self._options = ["--rollout-seconds", str(rollout_seconds), "--wait-scale", str(wait_scale)]
        if not lambda_isolated:
            self._options.append("--lambda-site-packages")
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str, str], Any] = {}

    def __enter__(self) -> LocalAws:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log_file(self) -> Path:
        """What the server writes to its standard output and error."""
        return self.state_dir / "server.log"

    @property
    def pid(self) -> int:
        """The server's process id; raises RuntimeError when it was not started here."""
        if self._process is None:
            raise RuntimeError("the local AWS was not started by this object")
        return self._process.pid

    def start(self, timeout: float = 60.0) -> None:
        """Start the server and return once it answers; raise RuntimeError with the end of its log otherwise."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "local_aws", "serve", "--port", str(self.port)]
        command += ["--state-dir", str(self.state_dir), *self._options]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(_PACKAGE_ROOT)},
                start_new_session=True,
            )
        started, told = time.monotonic(), False
        while not self.is_ready():
            waited = time.monotonic() - started
            if self._process.poll() is not None or waited > timeout:
                self.stop()
                tail = self.log_file.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RuntimeError(f"the local AWS did not start; the end of {self.log_file}:\n{tail}")
            if waited > _SLOW_SECONDS and not told:
                told = True
                print(f"waiting for the local AWS at {self.endpoint} ...", file=sys.stderr, flush=True)
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(self.control("health") == {"status": "ok"})
        except OSError:
            return False

    def stop(self) -> None:
        """End the server by its process id, gently first; nothing when it is not running."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Functions and builds that were still running share the server's session.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def control(self, name: str, values: dict[str, object] | None = None) -> Any:
        """GET `/_local/NAME`, or POST `values` to it; the decoded answer. Raises OSError (URLError)."""
        data = None if values is None else json.dumps(values).encode()
        request = urllib.request.Request(f"{self.endpoint}/_local/{name}", data=data)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def set(self, **values: object) -> None:
        """Change settings while it runs, e.g. `aws.set(rollout_seconds=0.5, wait_scale=0.1)`."""
        self.control("settings", values)

    def trace(self, after: int = 0) -> list[dict[str, Any]]:
        """State entries and exits of all executions with a number above `after`."""
        found: list[dict[str, Any]] = self.control(f"trace?after={after}")
        return found

    def notices(self, after: int = 0) -> list[dict[str, Any]]:
        """SNS messages as published: topicArn, subject, message, attributes, subscribers."""
        found: list[dict[str, Any]] = self.control(f"notices?after={after}")
        return found

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """EventBridge events as put on a bus: account, region, bus, source, detailType, resources, detail."""
        found: list[dict[str, Any]] = self.control(f"events?after={after}")
        return found

    @overload
    def git_credentials(self) -> tuple[str, str]: ...
    @overload
    def git_credentials(self, *, quoted: Literal[True]) -> str: ...
    def git_credentials(self, *, quoted: bool = False) -> tuple[str, str] | str:
        """User and password for Git over HTTP; `quoted=True` gives "user:password" for a URL."""
        user, password = (self.state_dir / "git-credentials").read_text(encoding="utf-8").split()
        return f"{user}:{password}" if quoted else (user, password)

    def clone_url(self, repository: str) -> str:
        """The HTTP clone URL of a CodeCommit repository, with credentials in it."""
        return self.endpoint.replace("://", f"://{self.git_credentials(quoted=True)}@") + f"/v1/repos/{repository}"

    def client(self, service: str, *, account: str = ACCOUNT, region: str = REGION) -> Any:
        """A boto3 client with administrator rights in `account`; cached."""
        key = (service, account, region)
        if key not in self._clients:
            self._clients[key] = boto3.session.Session().client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.endpoint,
                region_name=region,
                aws_access_key_id=account,
                aws_secret_access_key=SECRET,
                config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[key]

    def environ(self, *, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """This process's environment with administrator credentials and the endpoint, for terraform, aws and git."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def wipe(self) -> None:
        """Remove the state directory; raises RuntimeError while the server runs."""
        if self._process is not None:
            raise RuntimeError("stop the local AWS before its state is removed")
        shutil.rmtree(self.state_dir, ignore_errors=True)
