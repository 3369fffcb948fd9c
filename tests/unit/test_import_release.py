"""From a cluster to Git: what is imported is released without a change, and one new image is one deployment."""

from __future__ import annotations

from typing import Any

from ecs_gitops import manifest
from ecs_gitops.notify import import_text
from ecs_gitops.plan.preview import Action
from unit.imports import imports, schedule, target
from unit.previews import plan


def test_two_hundred_targets_are_imported_and_one_new_image_is_one_deployment(ecs, machine):
    # GIVEN a cluster with 160 services of one to three containers, twenty rules and twenty schedules
    for number in range(160):
        name = f"shop-{number:03}"
        containers = [(f"app-{n}", f"example.com/{name}-{n}:1") for n in range(1 + number % 3)]
        ecs.serve(name, ecs.define(name, *containers), desired=1)
    for number in range(20):
        ecs.rules["default", f"rule-{number}"] = [target(ecs.define(f"job-{number}", ("job", "example.com/job:1")))]
        schedule(ecs, f"schedule-{number}", ecs.define(f"task-{number}", ("job", "example.com/job:1")))
    # WHEN it is imported
    text = import_text.text(imports(ecs))
    # THEN its plan is no change, and its release is none
    asked = _deployment(text)
    assert plan(machine, asked).counts == {Action.UNCHANGED: 200}
    before = _writes(ecs)
    assert _statuses(machine.run(asked)) == {"UNCHANGED": 200}
    assert _writes(ecs) == before
    # WHEN one image changes, THEN the plan is one update, and the release is exactly that
    changed = text.replace("example.com/shop-007-1:1", "example.com/shop-007-1:2")
    assert changed != text
    planned = plan(machine, _deployment(changed))
    assert planned.counts == {Action.UNCHANGED: 199, Action.UPDATE: 1}
    assert [each.copy_of for each in planned.revisions] == ["shop-007:1"]
    assert _statuses(machine.run(_deployment(changed))) == {"UNCHANGED": 199, "DEPLOYED": 1}
    assert ecs.images("shop-007") == {"app-0": "example.com/shop-007-0:1", "app-1": "example.com/shop-007-1:2"}
    assert _writes(ecs) == (before[0] + 1, before[1] + 1)


def _deployment(text: str) -> dict[str, Any]:
    return manifest.load(text.encode(), "deployment.yaml").to_json()


def _statuses(state: dict[str, Any]) -> dict[str, int]:
    return dict(state["result"]["counts"])


def _writes(ecs: Any) -> tuple[int, int]:
    return ecs.calls.count("register_task_definition"), ecs.calls.count("update_service")
