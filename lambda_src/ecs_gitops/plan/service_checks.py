"""Checks of a service that is to be deployed: settings that it cannot have, and what may interrupt it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from ecs_gitops.ecs.deployment_settings import (
    CANARY,
    LINEAR,
    ROLLING,
    bake_minutes,
    pause_minutes,
    strategy,
)
from ecs_gitops.ecs.service import is_settled, volume_roles
from ecs_gitops.ecs.task_definition import arn, role_arns
from ecs_gitops.model.identity import short
from ecs_gitops.plan import hook_checks
from ecs_gitops.plan.decision import Deploy
from ecs_gitops.plan.findings import FAILED, WARNING, Checked, check_tags

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json
    from ecs_gitops.plan.services import LiveService, ServicePlan

# The AWS services that assume the roles of tasks and of an ECS service.
TASKS = "ecs-tasks.amazonaws.com"
ECS = "ecs.amazonaws.com"


def check_service(checked: Checked, live: LiveService, plan: ServicePlan, release: Release) -> None:
    """Check that the settings fit the service, and that the rollout does not interrupt it. Findings, and what has to be
    looked up, are added to ``checked``."""
    item, findings, service = checked.item, checked.findings, live.service
    minutes = item.desired.timeout_minutes
    if not item.service.is_timeout_given:
        # The service's own strategy may have bake times that the manifest does not have.
        minutes += bake_minutes(plan.configuration) - bake_minutes(item.service.deployment or {})
    longer = minutes if minutes != item.desired.timeout_minutes else None
    checked.item = item = item.with_change(timeout_minutes=longer)
    findings.ok("settings")
    for text in misfits(item, service, plan.configuration, live.definition):
        findings.add("settings", FAILED, text)
    for text in cautions(item, service, plan.configuration):
        findings.add("settings", WARNING, text)
    checked.alarms = alarm_names(item.service.deployment)
    if isinstance(plan.decision, Deploy):
        replaced = plan.decision.previous or arn(live.definition)
        check_tags(findings, release, replaced, live.tags, plan.desired.digests)
        if plan.decision.note:
            findings.add("target", WARNING, plan.decision.note)
        if plan.decision.previous is None:
            findings.add("target", WARNING, "no earlier good revision is known: after a failure it is left as it is")
        _check_rollout(checked, live, plan, plan.change.previous_settings)


def _check_rollout(checked: Checked, live: LiveService, plan: ServicePlan, previous: Json | None) -> None:
    """The checks for a rollout, which starts tasks."""
    item, findings, service, definition = checked.item, checked.findings, live.service, live.definition
    for text in hook_checks.warnings(item, service, definition):
        findings.add("settings", WARNING, text)
    findings.ok("downtime")
    is_required = item.service.require_zero_downtime
    for text in interruptions(service, definition, plan.configuration):
        reason = f"requireZeroDowntime: {text}" if is_required else text
        findings.add("downtime", FAILED if is_required else WARNING, reason)
    checked.refers_to(definition)
    checked.roles = (
        *((role, TASKS) for role in role_arns(definition)),
        # UpdateService gets the service's own lifecycle hooks too, and at the end of a rollback those from before.
        *((role, ECS) for role in hook_roles(plan.configuration if item.service.deployment else None)),
        *((role, ECS) for role in hook_roles(previous)),
        *((role, ECS) for role in (volume_roles(service.placement) if item.service.hooks else ())),
    )


def interruptions(service: Service, definition: Json, configuration: Mapping[str, Any]) -> list[str]:
    """The settings of a service with which a rollout may interrupt it, a sentence for each."""
    found = []
    is_rolling = strategy(configuration) == ROLLING
    healthy = int(configuration.get("minimumHealthyPercent", 0 if service.is_daemon else 100))
    most = int(configuration.get("maximumPercent", 100 if service.is_daemon else 200))
    kept = ceil(service.desired * healthy / 100)
    # A load balancer checks health through its target group; a Classic Load Balancer does it itself.
    checking = ("targetGroupArn", "loadBalancerName")
    has_health_check = any(balancer.get(name) for balancer in service.load_balancers for name in checking) or any(
        container.get("healthCheck") for container in definition.get("containerDefinitions", [])
    )
    if is_rolling and service.desired > 0 and kept == 0:
        found.append(f"minimumHealthyPercent {healthy} lets ECS stop all {service.desired} tasks before new ones run")
    if service.desired == 1 and not (healthy >= 100 and most >= 200 and has_health_check):
        found.append("desired count 1: while its only task is replaced or unhealthy, no task serves")
    if not has_health_check:
        found.append("no health check: a task counts as healthy as soon as it runs")
    if is_rolling and not (configuration.get("deploymentCircuitBreaker") or {}).get("enable"):
        found.append("no circuit breaker: ECS goes on starting tasks that fail")
    return found


def misfits(item: Item, service: Service, configuration: Mapping[str, Any], definition: Json) -> list[str]:
    """The item's settings that the service cannot have, a sentence for each."""
    found = []
    kind = strategy(configuration)
    if item.service.deployment and kind != ROLLING:
        lacking = [b for b in service.load_balancers if not b.get("advancedConfiguration")]
        if lacking:
            found.append(
                f"strategy {kind} needs advancedConfiguration (alternate target group, listener rule, role) on each of "
                f"the service's load balancers; {len(lacking)} have none"
            )
        if service.is_daemon:
            found.append(f"strategy {kind} is not for services of scheduling strategy DAEMON")
        if kind in (CANARY, LINEAR) and not service.load_balancers and not service.has_service_connect:
            found.append(
                f"strategy {kind} shifts traffic, and the service has neither a load balancer nor Service Connect: add "
                "one of them, or use ROLLING; a service with Service Connect alone needs one rolling deployment first"
            )
    bake = bake_minutes(configuration)
    if item.service.is_timeout_given and bake >= item.timeout_minutes:
        pauses = pause_minutes(configuration)
        why = f" (its PAUSE hooks may wait for {pauses} minutes)" if pauses else ""
        found.append(f"the rollout bakes {bake} minutes{why}, and timeoutMinutes is {item.timeout_minutes}")
    return found + hook_checks.problems(item, definition)


def cautions(item: Item, service: Service, configuration: Mapping[str, Any]) -> list[str]:
    """Warnings about the strategy before a rollout, a sentence for each."""
    kind, live = strategy(configuration), strategy(service.configuration)
    own = pause_minutes(configuration) - pause_minutes(item.service.deployment or {})
    found = [f"the service's own PAUSE hooks wait for a person, for {own} minutes at most"] if own > 0 else []
    if not item.service.deployment or kind == live:
        return found
    primary = service.primary
    if primary is not None and not is_settled(service, primary):
        found.append(
            f"the strategy changes from {live} to {kind} while a deployment is going on ({primary.id} of "
            f"{short(primary.task_definition)}): ECS goes on with that one as it began, or refuses the change"
        )
    if live == ROLLING and kind in (CANARY, LINEAR) and not service.load_balancers and service.has_service_connect:
        found.append(
            f"strategy {kind} with Service Connect alone: ECS takes it after one rolling deployment with Service "
            "Connect; if there was none yet, deploy once with ROLLING first"
        )
    return found


def hook_roles(configuration: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The ARNs of the roles with which ECS calls the lifecycle hooks of a ``deploymentConfiguration``."""
    hooks = (configuration or {}).get("lifecycleHooks") or []
    return tuple(dict.fromkeys(str(hook["roleArn"]) for hook in hooks if hook.get("roleArn")))


def alarm_names(configuration: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of the alarms of a ``deploymentConfiguration``."""
    return tuple(((configuration or {}).get("alarms") or {}).get("alarmNames") or ())
