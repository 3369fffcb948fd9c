"""Find an instance by its name, for a preview: its settings, and what it remembers.

Its SSM parameter says where its parts are (``modules/instance_parameter``). Without an instance a plan is made too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.aws import caller as calls
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.desired.batches import Settings
from ecs_gitops.ledger import settings
from ecs_gitops.ledger.targets import Targets
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidSettings, LedgerRefused, LedgerUnavailable
from ecs_gitops.model.status import Kind
from ecs_gitops.release.preview import Instance

if TYPE_CHECKING:
    from ecs_gitops.aws.caller import Caller
    from ecs_gitops.ledger.targets import Memories

# The module's default, in minutes.
_TIMEOUT_MINUTES = 30


@dataclass(frozen=True, slots=True)
class _Nothing:
    """No memory. ``why``: why it may not be read; None where there is none."""

    why: str | None

    def read(self, _account: str, _region: str) -> Memories | None:
        if self.why is not None:
            raise LedgerRefused(self.why)
        return None


@dataclass(frozen=True, slots=True)
class _Known:
    bucket: LedgerBucket

    def read(self, account: str, region: str) -> Memories | None:
        return Targets(self.bucket, account, region, Kind.SERVICE).read()


def find(caller: Caller, name: str) -> Instance:
    """The instance ``name`` in the caller's account and Region, as far as it is there and may be read."""
    try:
        content = calls.parameter(caller.region, f"/ecs-gitops/{name}")
    except (AwsRefused, AwsUnavailable) as error:
        return _unknown(caller, f"where the instance {name} keeps it could not be read: {error}")
    if content is None:
        return _unknown(caller, None)
    try:
        parts = json.loads(content)
        bucket = LedgerBucket(str(parts["ledgerBucket"]), str(parts["account"]), str(parts["region"]))
    except (ValueError, TypeError, KeyError):
        return _unknown(caller, f"the parameter /ecs-gitops/{name} has no ledgerBucket, account and region")
    try:
        return Instance(settings.read(bucket), True, _Known(bucket).read, bucket)
    except (InvalidSettings, LedgerRefused, LedgerUnavailable) as error:
        return _unknown(caller, str(error))


def _unknown(caller: Caller, why: str | None) -> Instance:
    made_up = Settings({}, caller.account, caller.region, timeout_minutes=_TIMEOUT_MINUTES)
    return Instance(made_up, False, _Nothing(why).read)
