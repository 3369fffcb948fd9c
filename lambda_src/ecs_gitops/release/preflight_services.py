"""The check of services before a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ecs_gitops.apply.services import held
from ecs_gitops.ecs.deployment_settings import (
    ROLLING,
    bake_minutes,
    differs,
    merged,
    original_settings,
    rollback_settings,
    strategy,
)
from ecs_gitops.ecs.service import Service, require_deployable, volume_roles
from ecs_gitops.ecs.task_definition import arn, role_arns
from ecs_gitops.live import services
from ecs_gitops.live.revisions import described, is_active, status_of
from ecs_gitops.live.service_comparison import Examined, examine
from ecs_gitops.live.services import Seen
from ecs_gitops.model import items as work
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import DEFAULT_CLUSTER, short
from ecs_gitops.model.items import Item
from ecs_gitops.plan import hook_checks
from ecs_gitops.plan.checks import (
    FAILED,
    NOT_CHECKED,
    WARNING,
    Checked,
    alarm_names,
    cautions,
    hook_roles,
    interruptions,
    misfits,
)
from ecs_gitops.plan.decision import Deploy, Held, Join, Unchanged
from ecs_gitops.release.preflight import Preflight

TASKS = "ecs-tasks.amazonaws.com"
ECS = "ecs.amazonaws.com"


@dataclass(slots=True)
class ServicePreflight(Preflight):
    _seen: Seen = field(default_factory=dict)

    def prepare(self, items: Sequence[Item]) -> None:
        self._seen = services.describe_services(self.aws, items, self.budget)

    def look(self, checked: Checked) -> Checked:
        item, now = checked.item, self.budget.clock()
        seen = self._seen[item.number]
        if isinstance(seen, AwsRefused):
            raise seen
        service = require_deployable(seen, item.cluster or DEFAULT_CLUSTER, item.name)
        checked.findings.ok("target")
        examined = examine(self.aws, self.release, item, service, now)
        checked.findings.ok("container")
        for warning in examined.warnings:
            checked.findings.add("container", WARNING, warning)
        if examined.unknown:
            checked.findings.add("image", NOT_CHECKED, examined.unknown)
        checked.item = item = replace(item, previous_image=examined.previous_image)
        decision = examined.decision
        for warning in self._revisions(examined):
            checked.findings.add("target", WARNING, warning)
        if isinstance(decision, Held):
            checked.item = held(item, decision, now)
        elif isinstance(decision, Unchanged) and decision.needs_nothing:
            revision = short(decision.revision)
            known = replace(item, previous_task_def=revision, task_def=revision, deployment_needed=False)
            checked.item = known.ended(work.UNCHANGED, now)
        else:
            if strategy(examined.configuration) != ROLLING:
                # Such a rollout is judged by ECS's records: that they may be read is better known now.
                self.aws.service_deployments(item.cluster or DEFAULT_CLUSTER, item.name, going_on=True)
            _look_closer(checked, service, examined)
        return checked

    def _revisions(self, examined: Examined) -> list[str]:
        """What cannot be deployed again of what runs and of what a rollback would return to."""
        live, decision = examined.definition, examined.decision
        found = []
        if not is_active(live):
            told = "it runs on, and can no longer be deployed; a rollback registers a copy of it as a new revision"
            found.append(f"{short(arn(live))} is {status_of(live)}: {told}")
        if isinstance(decision, Deploy | Join) and short(decision.previous) != short(arn(live)):
            try:
                previous, _ = described(self.aws, decision.previous)
            except ItemFailed as error:
                found.append(f"{error}: there is nothing that a rollback could return to")
            else:
                if not is_active(previous):
                    told = "a rollback returns to it, and registers a copy of it as a new revision"
                    found.append(f"{short(arn(previous))} is {status_of(previous)}: {told}")
        return found


def _look_closer(checked: Checked, service: Service, examined: Examined) -> None:
    """What is to be deployed has to fit, and its service should not be interrupted by it."""
    item, findings, definition = checked.item, checked.findings, examined.definition
    minutes = item.timeout_minutes
    if not item.is_timeout_given:
        # The service's own strategy may bake, and the manifest does not know it.
        minutes += bake_minutes(examined.configuration) - bake_minutes(item.deployment or {})
    live, wanted = service.configuration, item.deployment or {}
    # What is returned in haste, or set otherwise, has to be as it was in the end.
    is_hasty = rollback_settings(live) != merged({}, live) and isinstance(examined.decision, Deploy | Join)
    previous = original_settings(live, wanted) if differs(live, wanted) or is_hasty else None
    checked.item = replace(item, timeout_minutes=minutes, previous_deployment=previous)
    findings.ok("settings")
    for text in misfits(item, service, examined.configuration, definition):
        findings.add("settings", FAILED, text)
    for text in cautions(item, service, examined.configuration):
        findings.add("settings", WARNING, text)
    checked.alarms = alarm_names(item.deployment)
    if not isinstance(examined.decision, Deploy):
        # No task is started: neither what it needs nor how it starts matters.
        return
    for text in hook_checks.warnings(item, service, definition):
        findings.add("settings", WARNING, text)
    findings.ok("downtime")
    for text in interruptions(service, definition, examined.configuration):
        told = f"requireZeroDowntime: {text}" if item.require_zero_downtime else text
        findings.add("downtime", FAILED if item.require_zero_downtime else WARNING, told)
    checked.refers_to(definition)
    checked.roles = (
        *((role, TASKS) for role in role_arns(definition)),
        # UpdateService is given the service's own hooks too, and at the end of a way back those from before.
        *((role, ECS) for role in hook_roles(examined.configuration if item.deployment else None)),
        *((role, ECS) for role in hook_roles(previous)),
        *((role, ECS) for role in (volume_roles(service.placement) if item.hooks else ())),
    )
