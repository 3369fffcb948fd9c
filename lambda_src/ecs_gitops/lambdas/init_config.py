"""InitConfig: check the execution's input again, find the role of each account, and make the batches.

It reads the instance's settings (:mod:`ecs_gitops.ledger.settings`), makes sure that no other release runs
(:mod:`ecs_gitops.ledger.fence`), and writes the items to the ledger (:mod:`ecs_gitops.ledger.work`). Event::

    {"deployment": deployment.json, "execution": {"id": ARN, "name": str, "startTime": ISO 8601}}

``deployment`` is a manifest, the problems of one that is wrong (:mod:`ecs_gitops.manifest.refused_manifest`), or a
pointer to one in the ledger (:mod:`ecs_gitops.manifest.stored_input`).

Result: the first stage of the release, in which all items are checked: see
:meth:`ecs_gitops.ledger.work.Work.begin_stage`. Raises :class:`InvalidManifest`, :class:`UnknownAccount`,
:class:`ReleaseTooLarge`, :class:`InvalidEvent`, :class:`InvalidSettings`, :class:`ReleaseInProgress` and
:class:`LedgerRefused`, none worth a retry; and :class:`LedgerUnavailable`, which is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from ecs_gitops import manifest
from ecs_gitops.aws import observability
from ecs_gitops.aws.deployer_account import DeployerAccount
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import LambdaContext
from ecs_gitops.desired.batches import make_batches
from ecs_gitops.flow.stages import Stage
from ecs_gitops.ledger import inputs, settings
from ecs_gitops.ledger.fence import Fence
from ecs_gitops.ledger.releases import Releases
from ecs_gitops.ledger.work import Work
from ecs_gitops.manifest import refused_manifest, stored_input
from ecs_gitops.model import event_data
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.pointer import require_fitting
from ecs_gitops.model.release import Release
from ecs_gitops.model.status import Mode
from ecs_gitops.model.types import Json

observability.set_up()
log = logging.getLogger(__name__)


def handler(event: Json, _context: LambdaContext) -> Json:
    bucket = LedgerBucket.of_environment()
    try:
        deployment = _whole(event["deployment"], bucket)
        release = _release(event["execution"], deployment)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidEvent(
            f"the event has no usable deployment or execution: {event_data.error_text(error)}"
        ) from error
    if refused := refused_manifest.from_data(deployment):
        raise refused
    checked = manifest.from_json(deployment).with_defaults()
    known = settings.read(bucket)
    planned = make_batches(checked, known)
    require_fitting(planned)
    acquire(bucket, release)
    log.info(
        "release planned",
        extra={"release": release.release, "tasks": len(checked.tasks), "services": len(checked.services)},
    )
    work = Work(bucket, release)
    if (begun := work.begun(0)) is not None:
        # A run before this one got so far.
        return begun
    Releases(bucket, release).begin(deployment)
    return work.begin_stage(Stage(planned, (), Mode.CHECK, execution_minutes=known.execution_minutes), 0)


def acquire(bucket: LedgerBucket, release: Release, sleep: Callable[[float], None] = time.sleep) -> None:
    """Make this release the one that may change anything. Raises :class:`ReleaseInProgress`."""
    own = DeployerAccount(bucket.region)

    def status_of(execution_arn: str) -> str | None:
        found = own.execution(execution_arn)
        return None if found is None else str(found.get("status"))

    Fence(bucket, release.execution_arn, sleep=sleep).acquire(release.started_at, status_of)


_EXECUTION = dict.fromkeys(("id", "name", "startTime"), event_data.TEXT)


def _whole(deployment: Json, bucket: LedgerBucket) -> Json:
    """The input itself, where the execution's has only a pointer to it."""
    stored = stored_input.from_data(deployment)
    return deployment if stored is None else inputs.read(bucket, stored)


def _release(execution: Json, deployment: Json) -> Release:
    event_data.require(execution, _EXECUTION, "execution")
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
