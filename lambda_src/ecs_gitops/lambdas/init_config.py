"""InitConfig: check the execution's input again, find the role of each account, order and batch the work.

One AWS call: the instance's settings are read (:mod:`ecs_gitops.ledger.settings`). Event::

    {"deployment": deployment.json, "execution": {"id": ARN, "name": str, "startTime": ISO 8601}}

``deployment`` is a manifest, or the problems of one that is wrong (:mod:`ecs_gitops.manifest.refused_manifest`).

Result: ``release`` (see :meth:`ecs_gitops.model.release.Release.to_json`), and the first stage of the release (see
:class:`ecs_gitops.flow.stages.Stage`): all items, to be checked. Raises :class:`InvalidManifest`,
:class:`UnknownAccount`, :class:`InvalidEvent`, :class:`InvalidSettings` and :class:`LedgerRefused`, none worth a retry;
and :class:`LedgerUnavailable`, which is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime

from ecs_gitops import manifest
from ecs_gitops.aws import observability
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import LambdaContext
from ecs_gitops.desired.batches import Settings, make_batches
from ecs_gitops.flow.stages import Stage
from ecs_gitops.ledger import settings
from ecs_gitops.manifest import refused_manifest
from ecs_gitops.model import event_data
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.release import Release
from ecs_gitops.model.status import Mode
from ecs_gitops.model.types import Json

observability.set_up()
log = logging.getLogger(__name__)


def handler(event: Json, _context: LambdaContext) -> Json:
    try:
        deployment, release = event["deployment"], _release(event)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidEvent(
            f"the event has no usable deployment or execution: {event_data.error_text(error)}"
        ) from error
    if refused := refused_manifest.from_data(deployment):
        raise refused
    checked = manifest.from_json(deployment).with_defaults()
    known = read_settings()
    planned = make_batches(checked, known)
    log.info(
        "release planned",
        extra={"release": release.release, "tasks": len(checked.tasks), "services": len(checked.services)},
    )
    return {
        "release": release.to_json(),
        **Stage(planned, (), Mode.CHECK, execution_minutes=known.execution_minutes).to_json(),
    }


def read_settings() -> Settings:
    """The settings of this function's instance."""
    bucket, owner = os.environ["ECS_GITOPS_LEDGER_BUCKET"], os.environ["ECS_GITOPS_ACCOUNT_ID"]
    return settings.read(LedgerBucket(bucket, owner, os.environ["AWS_REGION"]))


_EXECUTION = dict.fromkeys(("id", "name", "startTime"), event_data.TEXT)


def _release(event: Json) -> Release:
    execution, deployment = event_data.require(event["execution"], _EXECUTION, "execution"), event["deployment"]
    source = deployment.get("source")
    return Release.from_json(
        {
            **(source if isinstance(source, Mapping) else {}),
            "executionArn": execution["id"],
            "executionName": execution["name"],
            "startedAt": datetime.fromisoformat(execution["startTime"]).timestamp(),
            "release": deployment.get("release"),
        }
    )
