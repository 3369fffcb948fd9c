"""Random releases, each planned right before it is made, for the test that a plan says what the release does.

``python -m unit.preview_stories SEED`` shows one story.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from ecs_gitops.model.status import ChangeKind
from ecs_gitops.plan.preview import Action, PlannedItem, ReleasePlan
from unit.fake_ecs import FakeEcs
from unit.machine import Machine
from unit.previews import plan
from unit.shop import CANARY, hooks, stock

NAMES = ("web", "api", "db")
_ECR = "111111111111.dkr.ecr.us-west-2.amazonaws.com"


@dataclass
class Story:
    """``found``: what a release did otherwise than its plan said."""

    seed: int
    found: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


def play(seed: int, monkeypatch: pytest.MonkeyPatch) -> Story:
    """One to four releases; in between people do what they do."""
    chance, story = random.Random(seed), Story(seed)  # noqa: S311 - plays a story
    ecs = FakeEcs()
    stock(ecs)
    for number in range(1, 9):
        for name in (*NAMES, "job"):
            ecs.registry[f"{name}:{number}"] = f"sha256:{number}{'0' * 63}"
    machine = Machine(ecs, monkeypatch)
    for _ in range(chance.randint(1, 4)):
        _meanwhile(ecs, chance, story)
        deployment = _deployment(chance)
        planned = plan(machine, deployment)
        before = _writes(ecs)
        state = machine.run(deployment)
        statuses = {each["name"]: each["status"] for each in state["result"]["items"]}
        story.log.append(f"{deployment}\n  plan    {_shown(planned)}\n  release {statuses} {state['error'] or ''}")
        _compare(story, planned, state, statuses, _new(before, _writes(ecs)))
    return story


def _deployment(chance: random.Random) -> dict[str, Any]:
    services = []
    for name in NAMES:
        if chance.random() < 0.15:
            continue
        made = {"service": name, "clusterName": "shop", "serviceName": name, "image": _image(name, chance)}
        if chance.random() < 0.2:
            made["deployment"] = chance.choice([CANARY, {"bakeTimeInMinutes": 0}, {"maximumPercent": 150}])
        if chance.random() < 0.25:
            made |= hooks(*chance.choice([("a", None), (None, "b"), ("a", "b"), (None, "b fail"), ("a fail", None)]))
        made |= {"forceNewDeployment": True} if chance.random() < 0.1 else {}
        made |= {"onFailure": chance.choice(["stop", "rollback"])} if chance.random() < 0.3 else {}
        made |= {"timeoutMinutes": 20} if chance.random() < 0.1 else {}
        made |= {"dependsOn": ["web"]} if name != "web" and services and chance.random() < 0.3 else {}
        made |= {"pinDigest": True} if made["image"].startswith(_ECR) and chance.random() < 0.2 else {}
        services.append(made)
    if not any(each["serviceName"] == "web" for each in services):
        for each in services:
            each.pop("dependsOn", None)
    tasks = [
        {"service": "job", **trigger, "image": _image("job", chance)}
        for trigger in ({"cwRuleName": "nightly"}, {"scheduleName": "hourly"})
        if chance.random() < 0.5
    ]
    found = {"services": services, "tasks": tasks}
    if not services and not tasks:
        return _deployment(chance)
    if chance.random() < 0.2:
        found["onFailure"] = "rollbackRelease"
    return {name: value for name, value in found.items() if value}


def _image(name: str, chance: random.Random) -> str:
    if chance.random() < 0.08:
        return f"{_ECR}/{name}:missing"
    if chance.random() < 0.4:
        return f"{_ECR}/{name}:{chance.randint(1, 3)}"
    return f"{name}:{chance.choice(['1', '1', '2', '3', 'bad', 'never'])}"


def _meanwhile(ecs: FakeEcs, chance: random.Random, story: Story) -> None:
    ecs.now += chance.choice([1, 60, 3_600])
    name = chance.choice(NAMES)
    event = chance.random()
    if event < 0.15:
        number = chance.randint(1, 3)
        ecs.registry[f"{name}:{number}"] = f"sha256:{chance.randint(4, 9)}{'1' * 63}"
        story.log.append(f"  somebody moves {name}:{number}")
    elif event < 0.25:
        ecs.hotfix(name, ecs.define(name, (name, _image(name, chance).replace("missing", "1"))))
        story.log.append(f"  somebody deploys {name}: {ecs.images(name)}")
        ecs.now += chance.choice([1, 60, 600])
    elif event < 0.35:
        ecs.force(name)
        story.log.append(f"  somebody deploys {name} once more")


def _writes(ecs: FakeEcs) -> tuple[dict[str, Any], dict[str, str]]:
    """The revisions that there are, and the newest deployment of each service."""
    revisions = {
        arn: (data["family"], sorted((each["name"], each["image"]) for each in data["containerDefinitions"]))
        for arn, (data, _) in ecs.definitions.items()
    }
    return revisions, {name: str(s["deployments"][0]["id"]) for name, s in ecs.services.items()}


def _new(before: Any, after: Any) -> tuple[list[Any], set[str]]:
    """The new revisions, and the services with a new deployment."""
    made = sorted(after[0][arn] for arn in after[0].keys() - before[0].keys())
    return made, {name for name, deployment in after[1].items() if before[1][name] != deployment}


def _shown(planned: ReleasePlan) -> dict[str, str]:
    return {each.item.name: f"{each.action} {each.item.change.kind}" for each in planned.items}


def _compare(
    story: Story, planned: ReleasePlan, state: dict[str, Any], statuses: dict[str, str], new: tuple[list[Any], set[str]]
) -> None:
    revisions, deployments = new
    expect = story.found.append
    if planned.is_blocked:
        if state["error"] not in ("CheckFailed", "InvalidRelease"):
            expect(f"BLOCKED, and the release ends {state['error']}")
        if revisions or deployments:
            expect(f"BLOCKED, and the release writes {revisions} {deployments}")
        blocked = {each.item.name for each in planned.items if each.action is Action.BLOCKED}
        if blocked != {name for name, status in statuses.items() if status == "FAILED"}:
            expect(f"BLOCKED are {blocked}, and FAILED {statuses}")
        return
    if state["error"] == "CheckFailed":
        expect("not BLOCKED, and the release fails its check")
        return
    for each in planned.items:
        if not _agree(each, statuses[each.item.name]):
            expect(f"{each.item.name}: {each.action} {each.item.change.kind}, and it is {statuses[each.item.name]}")
    if state["status"] != "SUCCEEDED":
        return
    starting = {each.item.name for each in planned.items if each.comparison.starts_deployment}
    if starting != deployments:
        expect(f"deployments of {starting} are planned, and {deployments} are made")
    wanted = sorted((each.copy_of.split(":")[0], sorted(each.images.items())) for each in planned.revisions)
    if wanted != revisions:
        expect(f"revisions {wanted} are planned, and {revisions} are made")


def _agree(each: PlannedItem, status: str) -> bool:
    if each.action is Action.UNCHANGED:
        return status == "UNCHANGED"
    if each.action is Action.HELD:
        return status == "HELD"
    if each.item.change.kind in (ChangeKind.JUDGE, ChangeKind.JOIN):
        # What is judged again is unchanged; a deployment that goes on may be over by the time of the release.
        return status != "HELD"
    return status in ("DEPLOYED", "FAILED", "ROLLED_BACK", "SKIPPED")


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        shown = play(int(sys.argv[1]), patch)
    sys.stdout.write("\n".join([*shown.log, *(f"FOUND {text}" for text in shown.found)]) + "\n")
