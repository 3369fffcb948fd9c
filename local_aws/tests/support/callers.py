"""A session of a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3


@dataclass(frozen=True)
class Caller:
    """`arn`: of the assumed role, with the session's name. `credentials`: as STS gives them."""

    endpoint: str
    arn: str
    credentials: dict[str, str]

    def client(self, service: str) -> Any:
        """A client with the session's rights."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name="us-west-2",
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials["SessionToken"],
        )
