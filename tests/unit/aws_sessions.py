"""STS without a network: what AssumeRole is asked, and credentials for an hour."""

from __future__ import annotations

import datetime
from typing import Any

import botocore.client
import pytest


def hour(asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer every AssumeRole with credentials that last an hour; ``asked`` gets the parameters of each."""

    def call(_client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        assert operation == "AssumeRole"
        asked.append(parameters)
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        given = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": until}
        return {"Credentials": given}

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
