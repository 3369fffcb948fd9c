"""Read the services of a batch, so that one that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ecs_gitops.aws.ecs_calls import SERVICES_PER_CALL
from ecs_gitops.ecs.service import Service
from ecs_gitops.model.errors import AwsRefused

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.model.item import Item

# ECS's answer for each item's service, by the item's number: the service, None when there is none, or AWS's refusal.
ServiceAnswers: TypeAlias = "dict[int, Service | AwsRefused | None]"

A = TypeVar("A")
B = TypeVar("B")


def each(act: Callable[[A], B], things: Sequence[A], budget: TimeBudget) -> list[B]:
    """Call ``act`` for each of ``things``, several at once; the results in order. With threads, as most time is spent
    waiting for AWS."""
    if len(things) < 2 or budget.concurrency < 2:
        return [act(thing) for thing in things]
    with ThreadPoolExecutor(min(budget.concurrency, len(things))) as pool:
        return list(pool.map(act, things))


def by_cluster(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The items of each cluster."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.cluster, []).append(item)
    return found


def describe_services(aws: Aws, items: Iterable[Item], budget: TimeBudget) -> ServiceAnswers:
    """The services of ``items``, ten in each call.

    Raises :class:`ecs_gitops.model.errors.AwsUnavailable` when AWS does not answer until the time budget is over."""
    parts = [
        (cluster, group[start : start + SERVICES_PER_CALL])
        for cluster, group in by_cluster(items).items()
        for start in range(0, len(group), SERVICES_PER_CALL)
    ]
    answers: ServiceAnswers = {}
    for part in each(lambda part: _describe(aws, *part, budget), parts, budget):
        answers |= part
    return answers


def _describe(aws: Aws, cluster: str, items: Sequence[Item], budget: TimeBudget) -> ServiceAnswers:
    try:
        found = budget.retry(lambda: aws.describe_services(cluster, [item.name for item in items]))
    except AwsRefused as error:
        # ECS refuses the whole call when the role may not read one of the services.
        if not error.code.startswith("AccessDenied") or len(items) == 1:
            return {item.number: error for item in items}
        alone: ServiceAnswers = {}
        for item in items:
            alone |= _describe(aws, cluster, [item], budget)
        return alone
    by_name = {service.name: service for service in map(Service.from_api, found)}
    return {item.number: by_name.get(item.name) for item in items}
