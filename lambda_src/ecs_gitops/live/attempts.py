"""How the last attempt of a release ended, where nothing is remembered of that: by ECS's records of its revision."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
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
    from collections.abc import Sequence

    from ecs_gitops.aws import Aws
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.memory import Attempt, Memory
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json
    from ecs_gitops.plan.services import LiveService

# Seconds by which ECS's clock may be behind.
_MARGIN = 180.0
_READ_AT_MOST = 10
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
        records = _records(aws, item)
        revision = attempt.revision or _deployed(aws, attempt, records) or _registered(aws, attempt, service)
        its = [each for each in records if each.revision == revision]
        return settled(memory, revision, _ended(aws, its, attempt.at - _MARGIN), _first_of_many(its))
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
    """The revision that the attempt registered, and died before it was written down; None where it is not the newest of
    its family."""
    definition, tags = aws.read_task_definition(family(service.runs))
    return short(arn(definition)) if tags.get(EXECUTION) == execution_tag(attempt.execution) else None


@dataclass(frozen=True, slots=True)
class _Record:
    """A service deployment in ECS's brief form, and the revision that it deployed."""

    brief: Json
    revision: str

    @property
    def created_at(self) -> float:
        return seconds(self.brief.get("createdAt"))

    @property
    def deployment(self) -> str:
        """The id in the service's ``deployments``."""
        return f"ecs-svc/{str(self.brief['targetServiceRevisionArn']).rpartition('/')[2]}"


def _records(aws: Aws, item: Item) -> list[_Record]:
    """The service's deployments, the newest first."""
    found = [each for each in aws.service_deployments(item.cluster, item.name) if each.get("targetServiceRevisionArn")]
    targets = list(dict.fromkeys(str(each["targetServiceRevisionArn"]) for each in found))
    revisions = aws.describe_service_revisions(targets) if targets else []
    deploys = {each["serviceRevisionArn"]: short(str(each.get("taskDefinition"))) for each in revisions}
    return [_Record(each, deploys.get(each["targetServiceRevisionArn"], "")) for each in found]


def _deployed(aws: Aws, attempt: Attempt, records: Sequence[_Record]) -> str | None:
    """The attempt's revision, where it was deployed; None where none was. A rollback's copy has the same tag, and was
    deployed later."""
    since = attempt.at - _MARGIN
    deployed = dict.fromkeys(each.revision for each in reversed(records) if each.created_at >= since)
    for revision in list(deployed)[:_READ_AT_MOST]:
        with suppress(AwsRefused):
            _, tags = aws.describe_task_definition(revision)
            if tags.get(EXECUTION) == execution_tag(attempt.execution):
                return revision
    return None


def _first_of_many(records: Sequence[_Record]) -> str | None:
    """The deployment that a release began, where its revision was deployed again since: a release deploys what it
    registered once. None where nothing tells."""
    # The newest come first, also of the same moment.
    return min(reversed(records), key=lambda each: each.created_at).deployment if len(records) > 1 else None


def _ended(aws: Aws, records: Sequence[_Record], since: float) -> Ended:
    """How the newest of the records ended. One that was stopped by somebody says nothing: then it is the one before it,
    but none from before the attempt."""
    if not records:
        return Ended.NONE
    # The newest come first, also of the same moment.
    newest, *older = sorted(records, key=lambda each: each.created_at, reverse=True)[:_READ_AT_MOST]
    those = [newest, *(each for each in older if each.created_at >= since)]
    found = (_of_status(aws, each.brief) for each in those)
    return next((each for each in found if each is not Ended.STOPPED), Ended.STOPPED)


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
