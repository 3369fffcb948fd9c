"""Send the notice of a failure that the state machine could not send: ValidateDeploy, when EventBridge invokes it."""

from __future__ import annotations

import json
import logging
import os
from enum import StrEnum
from typing import TYPE_CHECKING

from ecs_gitops.aws.deployer_account import DeployerAccount
from ecs_gitops.model import release
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidEvent
from ecs_gitops.notify import pipeline_failure

if TYPE_CHECKING:
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json
    from ecs_gitops.notify.pipeline_failure import Failure, Notice

log = logging.getLogger(__name__)


class NoticeStatus(StrEnum):
    """What was done with an event. NOT_OURS: it is about another pipeline or state machine, or no failure. NOT_DUE: the
    state machine sends the notice. SENT_BEFORE: sent for an earlier event, or by another run at the same time."""

    NOT_OURS = "NOT_OURS"
    NOT_DUE = "NOT_DUE"
    SENT_BEFORE = "SENT_BEFORE"
    SENT = "SENT"


def send_for(event: Json) -> Json:
    """``{"notice": a word of NoticeStatus}``.

    EventBridge may deliver an event twice, and Lambda runs a failed run again. Raises :class:`AwsUnavailable` and
    :class:`AwsRefused` when the notice could not be sent."""
    pipeline, machine = os.environ.get("ECS_GITOPS_PIPELINE_NAME", ""), os.environ["ECS_GITOPS_STATE_MACHINE_ARN"]
    found = pipeline_failure.of_event(event, pipeline, machine)
    if found is None:
        return {"notice": NoticeStatus.NOT_OURS}
    own = DeployerAccount(found.region)
    described = _described(own, found)
    due = pipeline_failure.notice_of(found, described, _release(found, described), pipeline)
    if due is None:
        return {"notice": NoticeStatus.NOT_DUE}
    return {"notice": NoticeStatus.SENT if _send_once(own, due) else NoticeStatus.SENT_BEFORE}


def _described(own: DeployerAccount, found: Failure) -> Json | None:
    """The execution; None where there is none, empty where it may not be described."""
    if found.execution_arn is None:
        return None
    try:
        return own.execution(found.execution_arn)
    except AwsRefused as error:
        # Better two notices than none.
        log.warning("it is not known whether the release sent its notice", extra={"error": str(error)})
        return {}


def _release(found: Failure, described: Json | None) -> Release | None:
    """The release in the execution's input; None where it cannot be read."""
    arn = found.execution_arn
    if arn is None or not described:
        return None
    try:
        deployment = json.loads(described.get("input") or "{}")
        return release.of_input(deployment, arn, arn.rsplit(":", 1)[-1])
    except (ValueError, RecursionError, InvalidEvent):
        return None


def _send_once(own: DeployerAccount, due: Notice) -> bool:
    """Send it, unless another run has. Where S3 does not answer, it is sent: better two notices than none."""
    topic, bucket = os.environ["ECS_GITOPS_TOPIC_ARN"], os.environ.get("ECS_GITOPS_NOTES_BUCKET", "")
    key = f"notices/{due.key}.json"
    try:
        if bucket and not own.claim(bucket, key):
            return False
    except (AwsRefused, AwsUnavailable) as error:
        log.warning("it is not known whether this notice was sent before", extra={"error": str(error), "key": key})
        bucket = ""
    own.publish(topic, due.subject, due.message)
    log.info("notice sent", extra={"key": key})
    if bucket:
        try:
            own.mark_sent(bucket, key)
        except (AwsRefused, AwsUnavailable) as error:
            log.warning("could not record that this notice was sent", extra={"error": str(error), "key": key})
    return True
