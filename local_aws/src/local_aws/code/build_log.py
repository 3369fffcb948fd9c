"""A build's log: its lines go to CloudWatch Logs, with the build's role, and into the trace."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from local_aws.control.trace import trace

_EVERY = 0.3


class BuildLog:
    """Collects lines and sends them in small batches. Raises ClientError when the stream cannot be made."""

    def __init__(self, logs: Any, build: str, group: str, stream: str) -> None:
        self._logs, self._build = logs, build
        self._where = {"logGroupName": group, "logStreamName": stream}
        self._waiting: list[dict[str, Any]] = []
        self._lock, self._closed = threading.Lock(), threading.Event()
        try:
            logs.create_log_stream(**self._where)
        except logs.exceptions.ResourceNotFoundException:
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(**self._where)
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._sender.start()

    def line(self, text: str) -> None:
        """A line that a command wrote."""
        trace.add("build-log", build=self._build, line=text)
        with self._lock:
            self._waiting.append({"timestamp": int(time.time() * 1000), "message": f"{text}\n"})

    def note(self, text: str) -> None:
        """A line of CodeBuild's own."""
        self.line(f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S.%f} {text}")

    def close(self) -> None:
        """Send what is left."""
        self._closed.set()
        self._sender.join(timeout=10)

    def _send(self) -> None:
        while True:
            is_last = self._closed.wait(_EVERY)
            with self._lock:
                batch, self._waiting = self._waiting, []
            if batch:
                try:
                    self._logs.put_log_events(**self._where, logEvents=batch)
                except ClientError as error:
                    trace.add("build-log", build=self._build, line=f"the log was not taken: {error}")
            if is_last:
                return
