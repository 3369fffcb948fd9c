"""Statements of policies, and calls that they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def allow(
    action: str | list[str], resource: str | list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A statement that allows the action."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def denied(act: Callable[[], Any]) -> str:
    """What the refusal of the call says."""
    with pytest.raises(ClientError) as caught:
        act()
    assert "AccessDenied" in caught.value.response["Error"]["Code"]
    return str(caught.value)
