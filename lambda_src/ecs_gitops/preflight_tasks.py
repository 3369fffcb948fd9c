"""The check of scheduled tasks before a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ecs_gitops import work
from ecs_gitops.checks import WARNING, Checked
from ecs_gitops.decision import Held
from ecs_gitops.deploy_services import held
from ecs_gitops.errors import AwsRefused, ItemFailed
from ecs_gitops.preflight import Preflight
from ecs_gitops.preflight_services import TASKS
from ecs_gitops.task_definition import role_arns, short
from ecs_gitops.task_examination import look
from ecs_gitops.triggers import Trigger
from ecs_gitops.work import Item


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
        changed = [part for part in parts if part.is_changed_by(item.number)]
        shown = (changed or parts)[0]
        revision = short(shown.definition["taskDefinitionArn"])
        name = next(iter(shown.wanted[item.number].images))
        checked.item = item = replace(item, previous_image=shown.before.get(name))
        now = self.patience.clock()
        if any(part.was_rolled_back(item.number) for part in parts):
            checked.item = held(item, Held(revision), now)
        elif not changed and not any(part.is_to_be_forgotten(item.number) for part in parts):
            known = replace(item, previous_task_def=revision, task_def=revision, deployment_needed=False)
            checked.item = known.ended(work.UNCHANGED, now)
        else:
            definitions = [part.definition for part in changed]
            checked.refers_to(*definitions)
            roles = [(role, TASKS) for each in definitions for role in role_arns(each)]
            roles += [(role, trigger.passes_roles_to) for role in looked.state.roles]
            checked.roles = tuple(dict.fromkeys(roles))
        return checked
