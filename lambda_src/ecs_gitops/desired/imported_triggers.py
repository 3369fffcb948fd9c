"""The items of a rule or schedule. A rule may have several ECS targets with different task definitions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecs_gitops.desired.imported_values import ImportedItem, Skipped, managed, region_of, with_containers
from ecs_gitops.ecs.ecs_targets import task_targets
from ecs_gitops.ecs.task_definition import has_images, resolve
from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.identity import DEFAULT_BUS, DEFAULT_GROUP, short

if TYPE_CHECKING:
    from ecs_gitops.ecs.listed import Inventory, ListedTrigger
    from ecs_gitops.model.types import Json


def trigger_items(trigger: ListedTrigger, inventory: Inventory, home: str) -> tuple[list[ImportedItem], list[Skipped]]:
    """The items of a rule or schedule that has ECS targets, and what of it is left out.

    An item names containers, and holds for every target whose task definition has them. So where the targets have
    different task definitions, each container is an item of its own."""
    definitions = {
        str(each.content["taskDefinitionArn"]): each.content for each in trigger.definitions.values() if each.content
    }
    gone = tuple(dict.fromkeys(each.why for each in trigger.definitions.values() if each.content is None))
    if not definitions:
        return [], [Skipped(trigger.described, "; ".join(gone), inventory.region)]
    several = len(definitions) > 1
    left: list[Skipped] = []
    groups: list[Mapping[str, str] | None] = [None]
    if several:
        images, left = _of_all(trigger, list(definitions.values()), inventory)
        groups = [{name: image} for name, image in images.items()]
    items = []
    for group in groups:
        used = [each for each in definitions.values() if group is None or has_images(each, group)]
        made = with_containers(
            _values(trigger, inventory, home),
            used[0],
            ImportedItem(
                kind="tasks",
                place=(inventory.partition, inventory.account, inventory.region),
                name=trigger.described,
                values={},
                comments=(*_comments(trigger), *(f"one of its targets: {why}" for why in gone)),
                clusters=trigger.clusters,
                definitions=tuple(used),
                roles=tuple(str(each["RoleArn"]) for each in task_targets(trigger.targets) if each.get("RoleArn")),
            ),
            images=group,
        )
        if isinstance(made, Skipped):
            left.append(made)
        elif other := _means_others(made, list(definitions.values())):
            left.append(Skipped(trigger.described, other, inventory.region))
        else:
            items.append(made)
    return items, left


def _values(trigger: ListedTrigger, inventory: Inventory, home: str) -> dict[str, str]:
    if trigger.group is not None:
        group = {"scheduleGroup": trigger.group} if trigger.group != DEFAULT_GROUP else {}
        return {"scheduleName": trigger.name, **group, **region_of(inventory, home)}
    bus = {"eventBusName": str(trigger.bus)} if trigger.bus != DEFAULT_BUS else {}
    return {"cwRuleName": trigger.name, **bus, **region_of(inventory, home)}


def _of_all(
    trigger: ListedTrigger, definitions: Sequence[Json], inventory: Inventory
) -> tuple[dict[str, str], list[Skipped]]:
    """The image of each container, where all task definitions that have it agree."""
    found: dict[str, set[str]] = {}
    for definition in definitions:
        for name, image in managed(definition)[0].items():
            found.setdefault(name, set()).add(image)
    left = [
        Skipped(
            f"container {name} of {trigger.described}",
            f"its targets run it with different images: {', '.join(sorted(images))}",
            inventory.region,
        )
        for name, images in sorted(found.items())
        if len(images) > 1
    ]
    return {name: min(images) for name, images in sorted(found.items()) if len(images) == 1}, left


def _means_others(item: ImportedItem, definitions: Sequence[Json]) -> str | None:
    """Why a release of the item would change another target of the rule: a container that is found by its image."""
    for definition in definitions:
        try:
            containers, _ = resolve(definition, item.images)
        except ItemFailed:
            continue
        if not has_images(definition, {containers[name].name: image for name, image in item.images.items()}):
            revision = short(str(definition["taskDefinitionArn"]))
            return f"container {', '.join(item.images)} would also be found in {revision}, which has another image"
    return None


def _comments(trigger: ListedTrigger) -> tuple[str, ...]:
    comments = [] if trigger.is_enabled else ["it is disabled"]
    comments += [
        f"it follows {short(reference)} without a revision; the first release that changes it pins it"
        for reference in trigger.references
        if ":" not in short(reference)
    ]
    return tuple(comments)
