"""The check of scheduled tasks before a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ecs_gitops.apply.services import held
from ecs_gitops.ecs.task_definition import arn, role_arns
from ecs_gitops.live.revisions import gone, is_active, is_pinned, status_of
from ecs_gitops.live.trigger_comparison import Looked, look
from ecs_gitops.live.triggers import Trigger
from ecs_gitops.model import items as work
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.items import Item
from ecs_gitops.plan.checks import WARNING, Checked
from ecs_gitops.plan.decision import Held
from ecs_gitops.release.preflight import Preflight
from ecs_gitops.release.preflight_services import TASKS


@dataclass(slots=True)
class TaskPreflight(Preflight):
    def prepare(self, items: Sequence[Item]) -> None:
        """Nothing is read for several rules or schedules together."""

    def look(self, checked: Checked) -> Checked:
        item, trigger = checked.item, Trigger.of(checked.item)
        try:
            looked = look(self.aws, self.release, trigger, [item])
        except AwsRefused as error:
            if told := trigger.explain(error, self.batch):
                raise ItemFailed(told) from error
            raise
        checked.findings.ok("target")
        parts = looked.of(item)
        checked.findings.ok("container")
        for warning in dict.fromkeys(text for part in parts for text in part.warnings[item.number]):
            checked.findings.add("container", WARNING, warning)
        for warning in _targets(trigger, looked, item):
            checked.findings.add("target", WARNING, warning)
        changed = [part for part in parts if part.is_changed_by(item.number)]
        shown = (changed or parts)[0]
        revision = short(shown.definition["taskDefinitionArn"])
        name = next(iter(shown.wanted[item.number].images))
        checked.item = item = replace(item, previous_image=shown.before.get(name))
        now = self.budget.clock()
        if any(part.was_rolled_back(item.number) for part in parts):
            checked.item = held(item, Held(revision), now)
        elif not changed and not any(part.is_to_be_forgotten(item.number) for part in parts):
            known = replace(item, previous_task_def=revision, task_def=revision, deployment_needed=False)
            checked.item = known.ended(work.UNCHANGED, now)
        else:
            for text in looked.state.concerns(now):
                checked.findings.add("settings", WARNING, text)
            definitions = [part.definition for part in changed]
            checked.refers_to(*definitions)
            roles = [(role, TASKS) for each in definitions for role in role_arns(each)]
            roles += [(role, trigger.passes_roles_to) for role in looked.state.roles]
            checked.roles = tuple(dict.fromkeys(roles))
        return checked


def _targets(trigger: Trigger, looked: Looked, item: Item) -> list[str]:
    """What is odd about the task definitions of the trigger's targets, also of those that the item is not about."""
    replaced = {part.reference: part for part in looked.of(item) if part.is_changed_by(item.number)}
    found = []
    for reference, definition in looked.definitions.items():
        if definition is None:
            found.append(f"{trigger.described}: {gone(reference)}, so the target's tasks do not start")
            continue
        revision, status, part = short(arn(definition)), status_of(definition), replaced.get(reference)
        if not is_active(definition):
            told = "this release replaces it; a rollback registers a copy of it" if part else "name another one"
            found.append(f"{trigger.described} runs {revision}, which is {status}, so its tasks do not start: {told}")
        if not is_pinned(reference):
            told = (
                f"it runs what is registered last (now {revision}), also what fails or was rolled back; name a revision"
            )
            if part:
                told = f"this release pins it to what is deployed, and a rollback to {short(part.previous)}"
            found.append(f"{trigger.described} follows {short(reference)} without a revision: {told}")
    return found
