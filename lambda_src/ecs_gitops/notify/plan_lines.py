"""What a plan says of one item, in lines for people: for the terminal and for the comment on a pull request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecs_gitops.model import sanitize
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.model.identity import DEFAULT_BUS, DEFAULT_GROUP
from ecs_gitops.model.item import join_names, join_texts
from ecs_gitops.model.status import ChangeKind
from ecs_gitops.plan.diff import lines as diff_lines
from ecs_gitops.plan.diff import redacted
from ecs_gitops.plan.preview import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecs_gitops.plan.preview import Comparison, ImageChange, PlannedItem, ReleasePlan

_DIGEST_SHOWN = 19  # sha256: and twelve digits
_NAMES_SHOWN = 5
_WITHOUT_DEPLOYMENT = {
    ChangeKind.CONFIGURE: "only its settings are written; no deployment starts",
    ChangeKind.JOIN: "what Git asks for is being deployed already: that deployment is watched, and none starts",
    ChangeKind.JUDGE: "it runs already, and is judged again; no deployment starts",
}


def target(planned: PlannedItem, home: tuple[str, str] | None = None) -> str:
    """``service shop/web``, with account and Region where they are not ``home``."""
    desired = planned.item.desired
    if isinstance(desired, DesiredService):
        name = f"{desired.cluster.rpartition('/')[2]}/{desired.name}"
    else:
        name = _trigger(desired)
    place = (planned.account, planned.region)
    return f"{planned.kind} {name}" + ("" if place == home else f" in {planned.account} {planned.region}")


def _trigger(desired: DesiredTrigger) -> str:
    where = desired.event_bus if desired.schedule_group is None else desired.schedule_group
    default = DEFAULT_BUS if desired.schedule_group is None else DEFAULT_GROUP
    return desired.name if where in (None, default) else f"{where}/{desired.name}"


def changes(planned: PlannedItem, *, show_values: bool = False) -> list[str]:
    """What differs, a line for each difference: ``~ image of app: app:1 → app:2``."""
    found = planned.comparison
    images = [_image(each) for each in found.images if each.is_change] if planned.action is not Action.HELD else []
    settings = found.settings if show_values else redacted(found.settings)
    return [*map(sanitize.line, images), *diff_lines(settings)]


def _image(change: ImageChange) -> str:
    before, after = change.before or "none", change.after
    if before == after:
        moved = f"{_digest(change.digest_before)} → {_digest(change.digest_after)}"
        return f"~ image of {change.container}: {after} ({moved})"
    shown = f"{_with_digest(before, change.digest_before)} → {_with_digest(after, change.digest_after)}"
    return f"~ image of {change.container}: {shown}"


def _with_digest(image: str, digest: str | None) -> str:
    return image if digest is None or "@" in image else f"{image} ({_digest(digest)})"


def _digest(digest: str | None) -> str:
    return (digest or "unknown")[:_DIGEST_SHOWN]


def effects(planned: PlannedItem, names: Mapping[int, str]) -> list[str]:
    """What happens when the release is made, a line for each fact. ``names`` are those of all items, by number."""
    if planned.puts_settings_back:
        return ["settings that the release which failed has left behind are put back; no deployment starts"]
    if planned.action is not Action.UPDATE:
        return []
    item, found = planned.item, planned.comparison
    lines = [join_texts(rollout(planned), found.why) or ""]
    if item.desired.depends_on:
        needed = [names[number] for number in item.desired.depends_on if number in names]
        after = f", after {join_names(needed, _NAMES_SHOWN)}" if needed else ""
        lines.append(f"wave {item.wave + 1}{after}")
    if planned.hooks:
        lines.append(f"hooks: {', '.join(planned.hooks)}")
    if found.waits_for_person:
        lines.append("a PAUSE hook waits for a person")
    return [sanitize.line(each) for each in lines]


def rollout(planned: PlannedItem) -> str:
    """Whether a deployment starts, how, and the least time that it takes."""
    found, kind = planned.comparison, planned.item.change.kind
    if planned.kind != "service":
        return "its next task runs the new revision"
    if not found.starts_deployment:
        return _WITHOUT_DEPLOYMENT.get(kind, "") if kind is not None else ""
    return f"a deployment starts: {strategy(found)}"


def strategy(found: Comparison) -> str:
    """``CANARY, at least 15 minutes``."""
    name = sanitize.line(str(found.strategy))
    return f"{name}, at least {found.minutes} minutes" if found.minutes else name


def notes(planned: PlannedItem) -> list[str]:
    """The reason of an item that is not updated, and the warnings."""
    item = planned.item
    reason = [sanitize.line(item.reason)] if item.reason and planned.action is not Action.UNCHANGED else []
    return [*reason, *(f"warning: {sanitize.line(text)}" for text in item.change.warnings)]


def summary(plan: ReleasePlan) -> str:
    """``1 to update, 12 unchanged, 1 held``."""
    words: dict[Action, Any] = {
        Action.UPDATE: "to update",
        Action.UNCHANGED: "unchanged",
        Action.HELD: "held",
        Action.BLOCKED: "blocked",
        Action.NOT_CHECKED: "not checked",
    }
    counted = [f"{plan.counts[action]} {word}" for action, word in words.items() if action in plan.counts]
    return ", ".join(counted) or "nothing to do"


def consequence(plan: ReleasePlan) -> str:
    """What a release of it comes to, in a sentence."""
    if plan.error is not None:
        return f"The release would fail, and change nothing: {sanitize.line(plan.error)}"
    if plan.is_blocked:
        return "The release would fail its check, and change nothing."
    if not plan.has_changes:
        return "The release would change nothing."
    deployments = sum(each.comparison.starts_deployment for each in plan.items if each.action is Action.UPDATE)
    least = f", for at least {plan.minutes} minutes" if plan.minutes else ""
    started = "1 deployment" if deployments == 1 else f"{deployments or 'no'} deployments"
    unread = plan.counts.get(Action.NOT_CHECKED, 0)
    what = "1 item" if unread == 1 else f"{unread} items"
    unknown = f" What it would do with {what} is not known." if unread else ""
    return f"The release would start {started}{least}.{unknown}"


def memory_notes(plan: ReleasePlan) -> list[str]:
    """What is to be said of the ledger's memory, a line for each account and Region."""
    found = []
    for (account, region), memory in plan.memory.items():
        if memory.state == "ABSENT":
            found.append(
                f"memory of {account} {region}: ABSENT: there is no such instance, or it released nothing there yet, "
                "so services are taken over with what they run"
            )
        elif memory.state == "DENIED":
            found.append(
                f"memory of {account} {region}: DENIED: what is HELD is not known: {sanitize.line(memory.why)}"
            )
    return found
