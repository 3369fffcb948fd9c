"""Plays stories of scheduled tasks: releases of rules and schedules, and what people do with those in between."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from unit.memory_account import Account, image
from unit.memory_facts import Facts
from unit.memory_story import Act, Push, Story
from unit.memory_world import World

Place = tuple[str, str]
RULE, OTHER, SCHEDULE = ("default", "nightly"), ("orders", "nightly"), ("default", "hourly")
PLACES = {"/".join(place): place for place in (RULE, OTHER, SCHEDULE)}
# The containers of each family.
FAMILIES = {"job": ("job", "log"), "report": ("report",)}
_REFUSED = {"ErrorCode": "ManagedRuleException", "ErrorMessage": "no"}


@dataclass(frozen=True, slots=True)
class Target:
    """An ECS target at a moment: the revision that it runs with its images by container, and all its other members."""

    revision: str
    images: Mapping[str, str]
    others: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A rule or schedule at a moment: its ECS targets by id, all its other members, and the second of its hour at which
    it runs, if it is a rate."""

    targets: Mapping[str, Target]
    others: Mapping[str, Any]
    phase: float | None


@dataclass(frozen=True, slots=True)
class Touch:
    """A read or write of a trigger. ``call`` is the number of the release's call then. ``revisions``: what its targets
    run after it, by id."""

    at: float
    call: int
    is_write: bool
    actor: str
    place: Place
    revisions: Mapping[str, str]


class TriggerAccount(Account):
    """``touched`` has each read and write of a rule or schedule, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[Touch] = []
        self.call: Callable[[], int] = lambda: 0
        # What each image named when a release registered a revision with it: by revision and container.
        self.named: dict[tuple[str, str], str] = {}

    def touch(self, place: Place, *, is_write: bool) -> None:
        revisions = {name: target.revision for name, target in self.snapshot(place).targets.items()}
        self.touched.append(Touch(self.now, self.call(), is_write, self.actor, place, revisions))

    def list_targets_by_rule(self, bus: str, rule: str) -> list[dict[str, Any]]:
        found = super().list_targets_by_rule(bus, rule)
        self.touch((bus, rule), is_write=False)
        return found

    def get_schedule(self, group: str, name: str) -> dict[str, Any]:
        found = super().get_schedule(group, name)
        self.touch((group, name), is_write=False)
        return found

    def put_targets(self, bus: str, rule: str, targets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        before = copy.deepcopy(self.rules[bus, rule])
        try:
            return super().put_targets(bus, rule, targets)
        finally:
            if self.rules[bus, rule] != before:
                self.touch((bus, rule), is_write=True)

    def update_schedule(self, schedule: dict[str, Any]) -> None:
        place = schedule["GroupName"], schedule["Name"]
        before = copy.deepcopy(self.schedules[place])
        try:
            super().update_schedule(schedule)
        finally:
            if self.schedules[place] != before:
                self.touch(place, is_write=True)

    def register_task_definition(self, content: dict[str, Any], tags: Mapping[str, str]) -> str:
        arn = super().register_task_definition(content, tags)
        # A copy for a rollback says nothing of what its tags named.
        if "ecs-gitops:digest" not in tags:
            return arn
        for container in self.definitions[arn][0]["containerDefinitions"]:
            key = str(container["image"]).rpartition("/")[2]
            self.named[arn.rsplit("/", 1)[-1], container["name"]] = self.registry.get(key, "")
        return arn

    def describe(self, revision: str) -> tuple[dict[str, Any], dict[str, str]]:
        """A revision, without a call."""
        return next(value for arn, value in self.definitions.items() if arn.endswith(f"/{revision}"))

    def targets(self, place: Place) -> list[dict[str, Any]]:
        """The ECS targets as they are kept. A schedule has one, without an id."""
        found = [self.schedules[place]["Target"]] if place in self.schedules else self.rules[place]
        return [each for each in found if "EcsParameters" in each]

    def snapshot(self, place: Place) -> Snapshot:
        targets = {}
        for each in self.targets(place):
            arn = each["EcsParameters"]["TaskDefinitionArn"]
            definition, _ = self.definitions[arn]
            others = copy.deepcopy(each)
            del others["EcsParameters"]["TaskDefinitionArn"]
            images = {c["name"]: c["image"] for c in definition["containerDefinitions"]}
            targets[str(each.get("Id", ""))] = Target(arn.rsplit("/", 1)[-1], images, others)
        whole = self.schedules.get(place, {})
        left = [each for each in self.rules.get(place, ()) if "EcsParameters" not in each]
        kept = {k: v for k, v in whole.items() if k not in ("Target", "StartDate")} | {"left": left}
        return Snapshot(targets, copy.deepcopy(kept), self.phase(place) if place in self.schedules else None)


@dataclass(slots=True)
class Pushed:
    """What is known of one push. ``touched`` are the reads and writes in it, ``hands`` the places where somebody did
    something meanwhile. ``is_alone``: no function of an earlier release was alive.
    ``inactive`` are the revisions that are, and ``moved`` the containers of revisions of releases whose tags name
    another image by now."""

    facts: Facts
    before: Mapping[Place, Snapshot]
    after: Mapping[Place, Snapshot] = field(default_factory=dict)
    touched: Sequence[Touch] = ()
    moved: frozenset[tuple[str, str]] = frozenset()
    is_alone: bool = True
    inactive: frozenset[str] = frozenset()

    @property
    def is_undisturbed(self) -> bool:
        """Whether nothing but the release itself can make an item fail."""
        push = self.facts.push
        is_whole = not (push.faults or push.refused or self.facts.during or self.facts.was_aborted)
        return is_whole and self.is_alone and push.abort is None


class TriggerWorld(World):
    """``pushed`` has what is known of each push."""

    account: TriggerAccount
    account_type = TriggerAccount

    def __init__(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(story, monkeypatch)
        self.pushed: list[Pushed] = []
        self.account.call = lambda: self.history[-1].calls if self.history else 0
        # All digests that a tag has named.
        self.digests: dict[tuple[str, str], list[str]] = {}
        for key, digest in self.account.registry.items():
            self.digests[tuple(key.split(":", 1))] = [digest]  # type: ignore[index]
        job, report = (self._defined(family, "1") for family in FAMILIES)
        queue = {"Id": "queue", "Arn": "arn:aws:sqs:us-west-2:111111111111:queue"}
        self.account.rules[RULE] = [queue, _target("a", job), _target("b", job), _target("c", report)]
        self.account.rules[OTHER] = [_target("a", job)]
        target = {name: value for name, value in _target("", job).items() if name != "Id"}
        schedule: dict[str, Any] = {
            "Name": "hourly",
            "GroupName": "default",
            "ScheduleExpression": "rate(2 hours)",
            "State": "ENABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        }
        if self.chance.random() < 0.5:
            schedule["StartDate"] = self.account.now + self.chance.choice((-50_000, -40, 900))
        self.account.schedules[SCHEDULE] = schedule

    def _defined(self, family: str, tag: str) -> str:
        return self.account.define(family, *((name, image(name, tag)) for name in FAMILIES[family]))

    def _push(self, push: Push) -> None:
        before, since = self._snapshots(), len(self.account.touched)
        self.account.refuse_entries = []
        alive = any(each.is_alive for each in self._after_abort)
        super()._push(push)
        facts = self.history[-1]
        self.account.refuse_entries = []
        inactive = frozenset(
            arn.rsplit("/", 1)[-1] for arn, (d, _) in self.account.definitions.items() if d["status"] != "ACTIVE"
        )
        moved = frozenset(key for key in self.account.named if self._names_another(*key))
        self.pushed.append(
            Pushed(
                facts,
                before,
                self._snapshots(),
                self.account.touched[since:],
                moved,
                is_alone=not alive,
                inactive=inactive,
            )
        )

    def _names_another(self, revision: str, container: str) -> bool:
        definition, _ = self.account.describe(revision)
        image = next(c["image"] for c in definition["containerDefinitions"] if c["name"] == container)
        now = self.account.registry.get(image.rpartition("/")[2])
        return "@" not in image and now != self.account.named[revision, container]

    def _snapshots(self) -> dict[Place, Snapshot]:
        return {place: self.account.snapshot(place) for place in PLACES.values()}

    # --- acts: ``service`` is one of PLACES --------------------------------------------------------------------------

    def _repoint(self, act: Act) -> None:
        """Somebody points a target to a revision: to a new one with images of a tag, or to the n-th of its family."""
        place, (number, what) = PLACES[act.service], act.value
        targets = self.account.targets(place)
        target = targets[number % len(targets)]
        family = target["EcsParameters"]["TaskDefinitionArn"].rsplit("/", 1)[-1].split(":")[0]
        arns = [arn for arn in self.account.definitions if f"/{family}:" in arn]
        arn = arns[what % len(arns)] if isinstance(what, int) else self._defined(family, what)
        target["EcsParameters"]["TaskDefinitionArn"] = arn
        self._written(place)

    def _member(self, act: Act) -> None:
        """Somebody changes something else of a target."""
        place, (number, text) = PLACES[act.service], act.value
        targets = self.account.targets(place)
        targets[number % len(targets)]["Input"] = text
        self._written(place)

    def _added(self, act: Act) -> None:
        """Somebody adds a target."""
        place, family = PLACES[act.service], str(act.value)
        if place in self.account.rules and len(self.account.rules[place]) < 5:
            self.account.rules[place].append(_target(f"x{len(self.account.rules[place])}", self._defined(family, "1")))
            self._written(place)

    def _written(self, place: Place) -> None:
        if place in self.account.schedules:
            self.account.modified[place] = self.account.now
        self.account.touch(place, is_write=True)

    def _deregister(self, act: Act) -> None:
        """Somebody deregisters the n-th revision of a family."""
        family, number = act.value
        arns = [arn for arn in self.account.definitions if f"/{family}:" in arn]
        self.account.deregister(arns[number % len(arns)])

    def _tag(self, act: Act) -> None:
        tag, word = act.value
        self.digests[act.service, tag].append(self.account.push(act.service, tag, word))

    def _refuse(self, act: Act) -> None:
        """EventBridge refuses these targets until the push is over."""
        self.account.refuse_entries = [{"TargetId": each, **_REFUSED} for each in act.value]


def _target(name: str, arn: str) -> dict[str, Any]:
    parameters = {"TaskDefinitionArn": arn, "TaskCount": 2, "LaunchType": "FARGATE", "Unheard": {"of": 1}}
    return {"Id": name, "Arn": "cluster", "RoleArn": "role", "EcsParameters": parameters}
