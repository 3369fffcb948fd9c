"""What InitConfig leaves in the ledger for DeployEcs: the objects, and the event of the first check."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench.probes import sandbox

SERVICES = 20
_SETTINGS = {
    "schemaVersion": 1,
    "name": "ecs-gitops",
    "account": sandbox.ACCOUNT,
    "region": sandbox.REGION,
    "roleArns": {sandbox.ACCOUNT: f"arn:aws:iam::{sandbox.ACCOUNT}:role/deploy"},
    "defaults": {"timeoutMinutes": 30},
    "guardRails": {"executionTimeoutMinutes": 240},
}


def measured(_given: Mapping[str, Any]) -> dict[str, Any]:
    """``objects``: the ledger's content by key; ``event``: that of DeployEcs. The bucket is in memory."""
    sandbox.set_environment()
    from ecs_gitops.aws.ledger_bucket import LedgerBucket, Stored
    from ecs_gitops.lambdas.init_config import handler

    objects: dict[str, bytes] = {"settings/instance.json": json.dumps(_SETTINGS).encode()}

    def load(_bucket: LedgerBucket, key: str, _at_most: int) -> Stored | None:
        return Stored(objects[key], '"e"') if key in objects else None

    def put(_bucket: LedgerBucket, key: str, content: bytes, **_condition: str) -> bool:
        objects[key] = content
        return True

    bucket: Any = LedgerBucket
    bucket.load, bucket._put = load, put
    place = {"service": "web", "clusterName": "shop", "image": "web:2"}
    deployment = {
        "release": "bench",
        "services": [{"serviceName": f"web-{number}", **place} for number in range(SERVICES)],
    }
    arn = f"arn:aws:states:{sandbox.REGION}:{sandbox.ACCOUNT}:execution:ecs-gitops-deploy:bench"
    execution = {"id": arn, "name": "bench", "startTime": "2026-11-27T09:00:00Z"}
    stage = handler({"deployment": deployment, "execution": execution}, sandbox.Context())
    event = {"release": stage["release"], "batch": stage["batches"][0], "attempt": 0, "redrive": 0}
    return {"event": event, "objects": {key: content.decode() for key, content in objects.items()}}
