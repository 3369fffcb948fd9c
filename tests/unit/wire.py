"""What is on the wire: HTTP requests that are answered in AWS's place, and kept."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from ecs_gitops.aws import Aws
from ecs_gitops.aws.calls import pass_raw_json


class Wire:
    """Answers every client's requests in its place, and keeps what was sent. A number answers as an error's status."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []
        self.content_types: list[str] = []

    def __call__(self, request: Any, **_: object) -> AWSResponse:
        body = request.body or ""
        text = body.decode() if isinstance(body, bytes) else body
        content_type = request.headers.get("Content-Type", b"")
        self.content_types.append(content_type.decode() if isinstance(content_type, bytes) else str(content_type))
        self.sent.append(json.loads(text) if text.startswith("{") else text or request.url)
        answer = self.answers.pop(0)
        given = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        raw = BytesIO(given)
        raw.stream = lambda **_: iter([given])  # type: ignore[attr-defined]
        code = answer.pop("status", 200) if isinstance(answer, dict) else 200
        return AWSResponse(request.url, code, {"content-type": "application/x-amz-json-1.1"}, raw)


def wired(*answers: Any) -> tuple[Aws, Wire]:
    """The calls of the package over a wire that gives these answers, one after the other."""
    wire = Wire(*answers)

    def client(service: str, region: str | None = None) -> Any:
        made = boto3.client(service, region_name=region or "us-west-2")  # type: ignore[call-overload]
        pass_raw_json(made)
        made.meta.events.register(f"before-send.{made.meta.service_model.service_id.hyphenize()}", wire)
        return made

    return Aws(client), wire
