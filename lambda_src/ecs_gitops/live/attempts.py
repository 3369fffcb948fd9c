"""How the last attempt of a release ended, where nothing is remembered of that: by ECS's records of its revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs.revision_tags import EXECUTION, FAILED, execution_tag, old_marks
from ecs_gitops.ecs.service import seconds
from ecs_gitops.ecs.task_definition import arn
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.identity import family, short
from ecs_gitops.model.memory import NOT_GOOD_AT_MOST, NotGood
from ecs_gitops.model.status import Judgement
from ecs_gitops.plan.memory import Ended, rollback_target, settled, with_not_good

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.memory import Attempt, Memory
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json
    from ecs_gitops.plan.services import LiveService

_GOING_ON = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
# Ended by ECS itself, or by a call: its circuit breaker and its alarms tell which.
_ENDED = frozenset({"STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})


def settle(aws: Aws, item: Item, service: Service, memory: Memory, release: Release) -> Memory:
    """The memory with the verdict on an earlier release's attempt that has none. Raises what the calls raise, but for a
    refusal: then the attempt stays as it is."""
    attempt = memory.attempt
    if attempt is None or attempt.verdict is not Judgement.OPEN or attempt.execution == release.mark:
        return memory
    try:
        revision = attempt.revision or _registered(aws, attempt, service)
        return settled(memory, revision, _ended(aws, item, revision))
    except AwsRefused:
        return settled(memory, attempt.revision, Ended.UNKNOWN)


def with_marks(aws: Aws, item: Item, live: LiveService, memory: Memory) -> Memory:
    """The memory, with the revisions as not good that a rollback would go to, of which the ledger knows nothing, and
    that have the tag of one that failed. Raises what the calls raise, but for a refusal."""
    runs, attempt = short(live.service.runs), memory.attempt
    earlier = attempt.rollback_to.revision if attempt is not None and attempt.rollback_to is not None else None
    vouched = {None, runs, earlier, memory.good.revision if memory.good is not None else None}
    for judged in (None, runs):
        for _ in range(NOT_GOOD_AT_MOST):
            target = rollback_target(live.service, runs, live.tags, memory, judged)
            if target is None or target.revision in vouched or not _has_mark(aws, item, target.revision):
                break
            memory = with_not_good(memory, NotGood(revision=target.revision, why="its tag"))
    return memory


def _has_mark(aws: Aws, item: Item, revision: str) -> bool:
    try:
        _, tags = aws.describe_task_definition(revision)
    except AwsRefused:
        # It was deleted, or may not be read. The rollback will show it.
        return False
    return FAILED in tags or old_marks(tags, item.desired.identity)[1]


def _registered(aws: Aws, attempt: Attempt, service: Service) -> str | None:
    """The revision that the attempt registered, and died before it was written down; None where there is none."""
    definition, tags = aws.read_task_definition(family(service.runs))
    return short(arn(definition)) if tags.get(EXECUTION) == execution_tag(attempt.execution) else None


def _ended(aws: Aws, item: Item, revision: str | None) -> Ended:
    """How ECS's newest record of ``revision`` ended."""
    if revision is None:
        return Ended.NONE
    records = aws.service_deployments(item.cluster, item.name)
    targets = [str(each["targetServiceRevisionArn"]) for each in records if each.get("targetServiceRevisionArn")]
    revisions = aws.describe_service_revisions(list(dict.fromkeys(targets))) if targets else []
    its = {each["serviceRevisionArn"] for each in revisions if short(str(each.get("taskDefinition"))) == revision}
    found = [each for each in records if each.get("targetServiceRevisionArn") in its]
    if not found:
        return Ended.NONE
    newest = max(found, key=lambda each: seconds(each.get("createdAt")))
    return _of_status(aws, newest)


def _of_status(aws: Aws, record: Json) -> Ended:
    status = str(record.get("status", ""))
    if status == "SUCCESSFUL":
        return Ended.SUCCESSFUL
    if status in _GOING_ON:
        return Ended.GOING_ON
    if status not in _ENDED:
        return Ended.UNKNOWN
    whole = next(iter(aws.describe_service_deployments([record["serviceDeploymentArn"]])), {})
    parts = (whole.get("deploymentCircuitBreaker") or {}, whole.get("alarms") or {})
    return Ended.GAVE_UP if any(part.get("status") == "TRIGGERED" for part in parts) else Ended.STOPPED
