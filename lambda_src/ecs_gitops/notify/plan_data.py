"""A plan as JSON, for programs. Pure. Its schema is docs/plan.schema.json."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ecs_gitops.model import sanitize
from ecs_gitops.model.change import CHANGE
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.notify import plan_lines
from ecs_gitops.plan.diff import hidden, redacted
from ecs_gitops.plan.preview import Action

if TYPE_CHECKING:
    from ecs_gitops.model.change import Change
    from ecs_gitops.model.types import Json
    from ecs_gitops.plan.preview import ImageChange, PlannedItem, ReleasePlan

SCHEMA_VERSION = 1


def data(plan: ReleasePlan, facts: Json, *, show_values: bool = False) -> Json:
    """The whole plan. ``facts`` are members about where it comes from: instance, manifest, source, asOf."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        **facts,
        "isBlocked": plan.is_blocked,
        "hasChanges": plan.has_changes,
        "summary": plan_lines.summary(plan),
        "counts": {str(action): count for action, count in plan.counts.items()},
        **({"error": sanitize.line(plan.error)} if plan.error else {}),
        "minutesAtLeast": plan.minutes,
        "memory": [
            {"account": account, "region": region, "state": memory.state}
            | ({"reason": sanitize.line(memory.why)} if memory.why else {})
            for (account, region), memory in plan.memory.items()
        ],
        "items": [_item(each, show_values=show_values) for each in plan.items],
        "unmanaged": list(plan.unmanaged),
        "unlisted": list(plan.unlisted),
    }


def _item(planned: PlannedItem, *, show_values: bool) -> Json:
    desired, item, found = planned.item.desired, planned.item, planned.comparison
    service = desired if isinstance(desired, DesiredService) else None
    trigger = desired if isinstance(desired, DesiredTrigger) else None
    settings = found.settings if show_values else redacted(found.settings)
    is_told = item.reason and planned.action is not Action.UNCHANGED
    members: dict[str, Any] = {
        "name": item.name,
        "kind": planned.kind,
        "cluster": service.cluster if service else None,
        "eventBus": trigger.event_bus if trigger else None,
        "scheduleGroup": trigger.schedule_group if trigger else None,
        "account": planned.account,
        "region": planned.region,
        "action": planned.action,
        "images": [_image(each) for each in found.images],
        "settings": [{"path": each.path, "before": each.before, "after": each.after} for each in settings],
        "revisions": [{"copyOf": each.copy_of, "images": dict(each.images)} for each in found.revisions],
        "startsDeployment": found.starts_deployment,
        "strategy": found.strategy,
        "minutesAtLeast": found.minutes,
        "waitsForPerson": found.waits_for_person or None,
        "wave": item.wave,
        "hooks": list(planned.hooks),
        "why": found.why,
        "reason": sanitize.line(item.reason or "") if is_told else None,
        "change": _change(item.change, show_values=show_values),
    }
    return {name: value for name, value in members.items() if value is not None}


def _change(change: Change, *, show_values: bool) -> Json:
    data = CHANGE.write(replace(change, warnings=tuple(map(sanitize.line, change.warnings))))
    if show_values or not data.get("previousSettings"):
        return data
    # What is live, with details of hooks that the manifest may not have.
    return {**data, "previousSettings": hidden(data["previousSettings"])}


def _image(change: ImageChange) -> Json:
    members = {
        "container": change.container,
        "before": change.before,
        "after": change.after,
        "digestBefore": change.digest_before,
        "digestAfter": change.digest_after,
    }
    return {name: value for name, value in members.items() if value is not None}
