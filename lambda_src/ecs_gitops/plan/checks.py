"""What is looked at before a release changes anything, and what is made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from ecs_gitops.ecs import definition_references
from ecs_gitops.ecs.deployment_settings import CANARY, LINEAR, ROLLING, bake_minutes, pause_minutes, strategy
from ecs_gitops.ecs.service import is_settled
from ecs_gitops.model.identity import short
from ecs_gitops.plan import hook_checks

if TYPE_CHECKING:
    from ecs_gitops.ecs.definition_references import Reference
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.items import Item
    from ecs_gitops.model.types import Json

OK = "OK"
FAILED = "FAILED"
NOT_CHECKED = "NOT_CHECKED"
WARNING = "WARNING"

# Each with what it asks. The order is that of an item's `checks`.
CHECKS = {
    "role": "the account's deploy role can be assumed",
    "target": "the service, rule or schedule is there and can be driven",
    "container": "the task definition has the containers",
    "image": "the images are in their ECR repositories",
    "secrets": "what the task definition refers to is there: secrets, parameters, files, file systems",
    "passRole": "the deploy role may pass the roles that go with it",
    "settings": "the deployment settings fit the service",
    "downtime": "the service's settings do not interrupt it",
}
_LETTERS = {OK: "o", FAILED: "x", NOT_CHECKED: "?", WARNING: "!"}
_NOT_APPLICABLE = "-"
# The letters of an item whose account's role could not be assumed: nothing else was looked at.
FAILED_ROLE = _LETTERS[FAILED] + _NOT_APPLICABLE * (len(CHECKS) - 1)
# From worst to best: what a check says that found several things.
_WORST_FIRST = (FAILED, NOT_CHECKED, WARNING, OK)


@dataclass(slots=True)
class Findings:
    """What the checks of one item found: for each check its result and, unless that is OK, the reasons."""

    results: dict[str, str] = field(default_factory=dict)
    reasons: list[tuple[str, str, str]] = field(default_factory=list)

    def ok(self, check: str) -> None:
        self.results.setdefault(check, OK)

    def add(self, check: str, result: str, reason: str) -> None:
        known = self.results.get(check, OK)
        self.results[check] = min(known, result, key=_WORST_FIRST.index)
        self.reasons.append((check, result, reason))

    @property
    def failed(self) -> str:
        """Why the item cannot be deployed; empty when it can."""
        return "; ".join(reason for _, result, reason in self.reasons if result == FAILED)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was not checked, and what is odd."""
        told = {NOT_CHECKED: "not checked: ", WARNING: ""}
        return tuple(dict.fromkeys(told[result] + reason for _, result, reason in self.reasons if result in told))

    def copy(self) -> Findings:
        return Findings(dict(self.results), list(self.reasons))

    def encoded(self) -> str:
        """A letter for each of :data:`CHECKS`."""
        return "".join(_LETTERS.get(self.results.get(check, ""), _NOT_APPLICABLE) for check in CHECKS)


def decoded(checks: str) -> dict[str, str]:
    """The results by check, of what :meth:`Findings.encoded` wrote."""
    names = {letter: result for result, letter in _LETTERS.items()}
    return {check: names[letter] for check, letter in zip(CHECKS, checks, strict=False) if letter in names}


def interruptions(service: Service, definition: Json, configuration: Mapping[str, Any]) -> list[str]:
    """The settings of a service that let a rollout interrupt it, each in a sentence."""
    found = []
    is_rolling = strategy(configuration) == ROLLING
    healthy = int(configuration.get("minimumHealthyPercent", 0 if service.is_daemon else 100))
    most = int(configuration.get("maximumPercent", 100 if service.is_daemon else 200))
    kept = ceil(service.desired * healthy / 100)
    # A load balancer looks at health through its target group; a Classic one by itself.
    looked_at = ("targetGroupArn", "loadBalancerName")
    has_health_check = any(balancer.get(name) for balancer in service.load_balancers for name in looked_at) or any(
        container.get("healthCheck") for container in definition.get("containerDefinitions", [])
    )
    if is_rolling and service.desired > 0 and kept == 0:
        found.append(f"minimumHealthyPercent {healthy} lets ECS stop all {service.desired} tasks before new ones run")
    if service.desired == 1 and not (healthy >= 100 and most >= 200 and has_health_check):
        found.append("desired count 1: while its only task is replaced or ill, nothing serves")
    if not has_health_check:
        found.append("no health check: a task counts as healthy as soon as it runs")
    if is_rolling and not (configuration.get("deploymentCircuitBreaker") or {}).get("enable"):
        found.append("no circuit breaker: ECS goes on starting tasks that fail")
    return found


def misfits(item: Item, service: Service, configuration: Mapping[str, Any], definition: Json) -> list[str]:
    """What of the item's settings the service cannot have, each in a sentence."""
    found = []
    kind = strategy(configuration)
    if item.deployment and kind != ROLLING:
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
    if item.is_timeout_given and bake >= item.timeout_minutes:
        pauses = pause_minutes(configuration)
        why = f" (its PAUSE hooks may wait for {pauses} minutes)" if pauses else ""
        found.append(f"the rollout bakes {bake} minutes{why}, and timeoutMinutes is {item.timeout_minutes}")
    return found + hook_checks.problems(item, definition)


def cautions(item: Item, service: Service, configuration: Mapping[str, Any]) -> list[str]:
    """What people are to know of the strategy before a rollout, each in a sentence."""
    kind, live = strategy(configuration), strategy(service.configuration)
    own = pause_minutes(configuration) - pause_minutes(item.deployment or {})
    found = [f"the service's own PAUSE hooks wait for a person, for {own} minutes at most"] if own > 0 else []
    if not item.deployment or kind == live:
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
    """The roles with which ECS calls the lifecycle hooks of a wanted configuration."""
    hooks = (configuration or {}).get("lifecycleHooks") or []
    return tuple(dict.fromkeys(str(hook["roleArn"]) for hook in hooks if hook.get("roleArn")))


def alarm_names(configuration: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The alarms of a wanted configuration."""
    return tuple(((configuration or {}).get("alarms") or {}).get("alarmNames") or ())


@dataclass(slots=True)
class Checked:
    """An item as the check has it, and what the lookups for all items together have to tell: the references, the
    roles with the service that each is passed to, and the alarms."""

    item: Item
    findings: Findings = field(default_factory=Findings)
    references: tuple[Reference, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    alarms: tuple[str, ...] = ()

    @property
    def is_to_be_deployed(self) -> bool:
        return not self.item.is_final and not self.findings.failed

    def refers_to(self, *definitions: Json) -> None:
        """What tasks of these definitions need: to be looked up, or told to be unchecked."""
        found = [
            (definition_references.secrets_and_parameters(each), definition_references.unchecked(each))
            for each in definitions
        ]
        self.references = tuple(dict.fromkeys(reference for known, _ in found for reference in known))
        for text in dict.fromkeys(text for _, texts in found for text in texts):
            self.findings.add("secrets", NOT_CHECKED, text)
