"""A queue that gets events of the default bus."""

from __future__ import annotations

import json
import time
from typing import Any

from local_aws import LocalAws


class Events:
    """Events that fit `pattern`, from now on. `name` is of the rule and the queue."""

    def __init__(self, aws: LocalAws, name: str, pattern: dict[str, Any]) -> None:
        self._sqs, events = aws.client("sqs"), aws.client("events")
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-west-2:111111111111:{name}"}])
        self.seen: list[dict[str, Any]] = []

    def receive(self, count: int, seconds: float = 20.0) -> list[dict[str, Any]]:
        """All events so far, once there are `count`."""
        end = time.monotonic() + seconds
        while len(self.seen) < count and time.monotonic() < end:
            found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
            for message in found:
                self.seen.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            time.sleep(0.05)
        return self.seen
