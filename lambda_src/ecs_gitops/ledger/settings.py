"""``settings/instance.json``: the deployer's configuration. Terraform writes it; the functions only read it.

::

    {
      "schemaVersion": 1,
      "name": "ecs-gitops", "account": "111111111111", "region": "us-west-2",
      "roleArns": {"111111111111": "arn:aws:iam::111111111111:role/ecs-gitops-deploy-us-west-2"},
      "defaults": {"timeoutMinutes": 30},
      "guardRails": {"executionTimeoutMinutes": 240}
    }

Other members are ignored: with the same schema version, a newer module may write members that an older function does
not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.desired.batches import Settings
from ecs_gitops.manifest import text_types
from ecs_gitops.model import event_data
from ecs_gitops.model.errors import InvalidSettings
from ecs_gitops.model.event_data import Shape

KEY = "settings/instance.json"
SCHEMA_VERSION = 1
# Ten times the size with a thousand accounts.
_BYTES_AT_MOST = 2_000_000
# A day, the limit of timeoutMinutes; and seven days, the time that CodePipeline waits for an execution.
_ITEM_MINUTES_AT_MOST, _EXECUTION_MINUTES_AT_MOST = 1_440, 10_080


def read(ledger: LedgerBucket) -> Settings:
    """The settings of the instance that owns the bucket.

    Raises :class:`InvalidSettings` if they are absent or do not have the format above, and :class:`LedgerUnavailable`
    or :class:`LedgerRefused` if they cannot be read."""
    address = ledger.address(KEY)
    content = ledger.read(KEY, _BYTES_AT_MOST)
    if content is None:
        raise InvalidSettings(
            f"{address} does not exist: this instance's settings were never written, or were deleted. Nothing was "
            "changed. Run `terraform apply` of the instance's module, then release again"
        )
    try:
        return parse(content)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidSettings(
            f"{address} is not in the format that this function reads: {event_data.error_text(error)}. "
            "Nothing was changed. "
            "Terraform writes this file, do not edit it: run `terraform apply` of the module, then release again"
        ) from error


def parse(content: bytes) -> Settings:
    """The settings in ``content``. Raises :class:`ValueError`, :class:`KeyError` or :class:`TypeError` with the invalid
    member."""
    if len(content) > _BYTES_AT_MOST:
        raise ValueError(f"it has more than {_BYTES_AT_MOST:,} bytes")
    try:
        data = json.loads(content)
    except ValueError as error:
        raise ValueError("it is not JSON") from error
    event_data.require(data, {"schemaVersion": event_data.COUNT})
    if (version := data.get("schemaVersion")) != SCHEMA_VERSION:
        raise ValueError(f"schemaVersion is {version}; this function reads {SCHEMA_VERSION}")
    _require(data, _MEMBERS)
    defaults, rails = (
        _require(data["defaults"], _DEFAULTS, "defaults"),
        _require(data["guardRails"], _RAILS, "guardRails"),
    )
    return Settings(
        role_arns=dict(data["roleArns"]),
        account=data["account"],
        region=data["region"],
        timeout_minutes=defaults["timeoutMinutes"],
        execution_minutes=rails["executionTimeoutMinutes"],
    )


def _require(data: Any, members: Mapping[str, Shape], path: str = "") -> Mapping[str, Any]:
    """A copy of ``data``. Raises :class:`ValueError` or :class:`TypeError` unless it has all ``members``, valid."""
    event_data.require(data, members, path)
    for member, shape in members.items():
        if member not in data:
            raise ValueError(f"{f'{path}.' if path else ''}{member} is missing; accepted: {shape.accepted}")
    return dict(data)


def _are_roles(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) > 0 and all(_is_role(*entry) for entry in value.items())


def _is_role(account: Any, arn: Any) -> bool:
    if not _ACCOUNT.fits(account) or not event_data.TEXT.fits(arn):
        return False
    parts = arn.split(":", 5)
    return len(parts) == 6 and (parts[0], *parts[2:5]) == ("arn", "iam", "", account) and parts[5].startswith("role/")


def _minutes(at_most: int) -> Shape:
    return Shape(
        f"a whole number from 1 to {at_most}", lambda value: event_data.COUNT.fits(value) and 1 <= value <= at_most
    )


_ACCOUNT = event_data.like(text_types.ACCOUNT.pattern, "an account id of 12 digits")
_MEMBERS: Mapping[str, Shape] = {
    "account": _ACCOUNT,
    "region": event_data.like(text_types.REGION.pattern, "the name of a Region"),
    "roleArns": Shape("an object of account ids, each with the ARN of a role in that account", _are_roles),
    "defaults": event_data.OBJECT,
    "guardRails": event_data.OBJECT,
}
_DEFAULTS = {"timeoutMinutes": _minutes(_ITEM_MINUTES_AT_MOST)}
_RAILS = {"executionTimeoutMinutes": _minutes(_EXECUTION_MINUTES_AT_MOST)}
