"""The check of scheduled tasks before a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ecs_gitops.ecs.task_definition import arn, role_arns
from ecs_gitops.flow.transitions import unchanged
from ecs_gitops.live.revisions import gone, is_active, is_pinned, status_of
from ecs_gitops.live.trigger_state import LiveTrigger, read_trigger_state
from ecs_gitops.live.triggers import Trigger
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import Item
from ecs_gitops.plan.findings import WARNING, Checked, check_tags
from ecs_gitops.plan.service_checks import TASKS
from ecs_gitops.plan.triggers import plan_trigger
from ecs_gitops.release.preflight import Preflight


@dataclass(slots=True)
class TaskPreflight(Preflight):
    def prepare(self, items: Sequence[Item]) -> None:
        """Nothing is read for several rules or schedules together."""

    def check(self, checked: Checked) -> Checked:
        item, trigger = checked.item, Trigger.of(checked.item)
        try:
            live_trigger = read_trigger_state(self.aws, self.release, trigger, [item])
        except AwsRefused as error:
            if reason := trigger.explain(error, self.batch):
                raise ItemFailed(reason) from error
            raise
        checked.findings.ok("target")
        task_definitions = live_trigger.of(item)
        checked.findings.ok("container")
        for warning in dict.fromkeys(text for target in task_definitions for text in target.warnings[item.number]):
            checked.findings.add("container", WARNING, warning)
        for warning in _targets(trigger, live_trigger, item):
            checked.findings.add("target", WARNING, warning)
        plan, now = plan_trigger(item, task_definitions), self.budget.clock()
        checked.compared = plan
        live = short(arn(plan.shown.definition))
        checked.item = item = replace(item, change=plan.change)
        if not plan.changed:
            checked.item = unchanged(item, live, now)
        else:
            for text in live_trigger.state.concerns(now):
                checked.findings.add("settings", WARNING, text)
            for target in plan.changed:
                if target.must_be_registered:
                    check_tags(checked.findings, self.release, target.previous, target.tags, target.digests)
            definitions = [target.definition for target in plan.changed]
            checked.refers_to(*definitions)
            roles = [(role, TASKS) for each in definitions for role in role_arns(each)]
            roles += [(role, trigger.passes_roles_to) for role in live_trigger.state.roles]
            checked.roles = tuple(dict.fromkeys(roles))
        return checked


def _targets(trigger: Trigger, live_trigger: LiveTrigger, item: Item) -> list[str]:
    """Warnings about the task definitions of the trigger's targets, also of those without the item's containers."""
    replaced = {target.reference: target for target in live_trigger.of(item) if target.is_changed_by(item.number)}
    found = []
    for reference, definition in live_trigger.definitions.items():
        if definition is None:
            found.append(f"{trigger.described}: {gone(reference)}, so the target's tasks do not start")
            continue
        revision, status, target = short(arn(definition)), status_of(definition), replaced.get(reference)
        if not is_active(definition):
            advice = "this release replaces it; a rollback registers a copy of it" if target else "name another one"
            found.append(f"{trigger.described} runs {revision}, which is {status}, so its tasks do not start: {advice}")
        if not is_pinned(reference):
            advice = (
                f"it runs what is registered last (now {revision}), also what fails or was rolled back; name a revision"
            )
            if target:
                advice = f"this release pins it to what is deployed, and a rollback to {short(target.previous)}"
            found.append(f"{trigger.described} follows {short(reference)} without a revision: {advice}")
    return found
