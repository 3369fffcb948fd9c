"""Items for tests, from members of any of their parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ecs_gitops.model.change import Change
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.model.item import Item
from ecs_gitops.model.progress import Progress, Result, Watched
from ecs_gitops.model.status import OnFailure, Status, Step


def service_item(
    number: int = 0,
    name: str = "web",
    cluster: str = "shop",
    images: Mapping[str, str] | None = None,
    timeout_minutes: int = 30,
    **members: Any,
) -> Item:
    """A service. Each member goes to the part that has it; ``watching`` is the id of the deployment that is watched,
    and with ``status`` the item is over."""
    known = {"number": number, "name": name, "cluster": cluster, "timeout_minutes": timeout_minutes}
    return _made(DesiredService, known | {"images": images if images is not None else {name: f"{name}:2"}}, members)


def trigger_item(
    number: int = 0, name: str = "nightly", images: Mapping[str, str] | None = None, **members: Any
) -> Item:
    """A rule, or a schedule where ``schedule_group`` is given."""
    known = {"number": number, "name": name, "images": images or {"web": "web:2"}, "timeout_minutes": 30}
    return _made(DesiredTrigger, known, members)


def _made(desired: Any, known: dict[str, Any], members: dict[str, Any]) -> Item:
    if "watching" in members:
        members["watched"] = {"deployment": members.pop("watching")}
    watched = members.pop("watched", {})
    if "on_failure" in members:
        members["on_failure"] = OnFailure(members["on_failure"])
    if "status" in members:
        members["status"] = Status(members["status"])
    if "step" in members:
        members["step"] = Step(members["step"])
    is_over = "status" in members
    parts: dict[str, dict[str, Any]] = {"desired": dict(known), "change": {}, "progress": {}, "result": {}}
    owners = {"desired": desired, "change": Change, **({"result": Result} if is_over else {"progress": Progress})}
    for member, value in members.items():
        owner = next(part for part, kind in owners.items() if member in {entry.name for entry in fields(kind)})
        parts[owner][member] = value
    return Item(
        desired=desired(**parts["desired"]),
        change=Change(**parts["change"]),
        progress=Progress(**parts["progress"]),
        watched=Watched(**watched),
        result=Result(**parts["result"]) if is_over else None,
    )
