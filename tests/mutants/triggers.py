"""What holds for rules and schedules, broken: they have no memory, but are changed, rolled back and reported."""

from __future__ import annotations

from typing import Any

import pytest

import ecs_gitops.apply.registration as registration
import ecs_gitops.apply.scheduled_tasks as scheduled_tasks
import ecs_gitops.ecs.ecs_targets as ecs_targets
import ecs_gitops.ledger.fence as fence
import ecs_gitops.live.trigger_state as trigger_state
import ecs_gitops.live.triggers as triggers
import ecs_gitops.plan.triggers as plan_triggers
from ecs_gitops.ecs.task_definition import has_images
from mutants import OF_TRIGGERS, mutant


@mutant(OF_TRIGGERS)
def a_rate_begins_anew(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ecs_targets, "start_to_write", lambda schedule, now: None)


@mutant(OF_TRIGGERS)
def nothing_is_read_before_the_write(patch: pytest.MonkeyPatch) -> None:
    def repoint(self: triggers.State, aws: Any, revisions: Any, now: float, require_fence: Any) -> None:
        if changed := ecs_targets.changed_targets(self.targets, revisions):
            require_fence()
            self.write(aws, changed, now)

    patch.setattr(triggers.State, "repoint", repoint)


@mutant(OF_TRIGGERS)
def a_trigger_is_written_without_the_fence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fence.Fence, "require", lambda self, **more: None)


@mutant(OF_TRIGGERS)
def a_copy_counts_as_what_ran_before(patch: pytest.MonkeyPatch) -> None:
    def replaced(aws: Any, release: Any, previous: str) -> Any:
        return trigger_state._Replaced(previous, *aws.describe_task_definition(previous))

    patch.setattr(trigger_state, "_replaced", replaced)


@mutant(OF_TRIGGERS)
def a_revision_of_another_item_is_used(patch: pytest.MonkeyPatch) -> None:
    def left_behind(self: registration.Registrar, definition: Any, images: Any, previous: str, _: Any) -> str | None:
        latest, tags = self.aws.describe_task_definition(definition["family"])
        is_it = registration.is_ours(tags, self.release) and has_images(latest, images)
        is_it = is_it and registration.short(tags.get(registration.PREVIOUS, "")) == registration.short(previous)
        return registration.arn(latest) if is_it else None

    patch.setattr(registration.Registrar, "_left_behind", left_behind)


@mutant(OF_TRIGGERS)
def what_an_interrupted_run_wrote_is_not_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scheduled_tasks, "PartlyWritten", type("Other", (Exception,), {}))


@mutant(OF_TRIGGERS)
def what_was_partly_written_is_left(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        scheduled_tasks.TaskDeployer, "_take_back", lambda self, trigger, items, why: self._failed(items, why)
    )


@mutant(OF_TRIGGERS)
def an_inactive_revision_is_restored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scheduled_tasks, "usable", lambda aws, release, revision, ours: revision)


@mutant(OF_TRIGGERS)
def a_neighbour_is_reported_as_before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scheduled_tasks, "as_they_run", lambda _aws, _trigger, items, *_more: list(items))


@mutant(OF_TRIGGERS)
def the_digests_of_neighbours_are_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scheduled_tasks, "known_digests", lambda target, neighbours: target.digests)


@mutant(OF_TRIGGERS)
def a_moved_tag_of_a_trigger_is_no_change(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plan_triggers, "moved_tags", lambda tags, desired, running: ())
