"""Random stories of scheduled tasks. ``python -m unit.trigger_stories SEED`` shows one."""

from __future__ import annotations

import contextlib
import copy
import logging
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from unit.memory_account import image
from unit.memory_story import AFTER_OF_TRIGGERS, Act, Push, Story
from unit.trigger_rules import lies_of
from unit.trigger_world import PLACES, Snapshot, TriggerWorld

_TAGS = ("1", "2", "2", "3")
_KINDS = ("abort", "hands between", "hands during", "tags", "faults", "skew", "refused", "deregister")
DENSE = 100_000
_SITUATIONS = (
    ("faults",),
    ("faults", "refused"),
    ("faults", "refused", "deregister"),
    ("deregister",),
    ("tags",),
    ("hands during",),
    ("abort",),
)
_PUT = (
    {"service": "job", "cwRuleName": "nightly"},
    {"service": "log", "cwRuleName": "nightly"},
    {"service": "report", "cwRuleName": "nightly"},
    {"service": "job", "cwRuleName": "nightly", "eventBusName": "orders"},
    {"containers": [{"name": "job"}, {"name": "log"}], "scheduleName": "hourly"},
)
_SETTINGS = {
    "strategy": "ROLLING",
    "minimumHealthyPercent": 100,
    "maximumPercent": 200,
    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
}


class Sequence:
    """Makes the story of a seed. ``often``: how likely what may happen is."""

    often = 0.5

    def __init__(self, seed: int) -> None:
        self.seed, self.chance = seed, random.Random(seed)  # noqa: S311 - the same story again
        self.kinds = set(self.chance.sample(_KINDS, self.chance.choice((0, 1, 2, 2, 3, 4, 6))))

    def story(self) -> Story:
        chance = self.chance
        names = ("web", "job", "log", "report")
        images = {(name, tag): "good" for name in names for tag in ("1", "2", "3", "hot")} | {("web", "bad"): "bad"}
        steps: list[Act | Push] = []
        manifest = self._manifest()
        for number in range(chance.choice((1, 2, 3, 4))):
            if number and chance.random() < 0.7:
                manifest = self._changed(manifest)
            steps += self._between()
            steps.append(self._push(manifest))
        steps += [Act("wait", value=1_500), *(Push(manifest, is_repeat=True) for _ in range(4))]
        skew = chance.uniform(-90, 90) if "skew" in self.kinds else 0.0
        pause = chance.choice((0.0, 0.0, 25.0))
        return Story(self.seed, {"web": copy.deepcopy(_SETTINGS)}, images, tuple(steps), skew=skew, pause=pause)

    # --- manifests ---------------------------------------------------------------------------------------------------

    def _manifest(self) -> dict[str, Any]:
        chance = self.chance
        tasks = [self._of(each) for each in chance.sample(_PUT, chance.randint(1, len(_PUT)))]
        web = {"service": "web", "clusterName": "shop", "serviceName": "web", "timeoutMinutes": 5}
        made: dict[str, Any] = {
            "services": [{**web, "image": image("web", chance.choice(("1", "2", "bad")))}],
            "tasks": tasks,
            "onFailure": chance.choice(("stop", "rollback", "rollbackRelease", "rollbackRelease")),
            "tasksAfterServices": chance.random() < 0.3,
        }
        return made

    def _of(self, put: dict[str, Any]) -> dict[str, Any]:
        chance, made = self.chance, copy.deepcopy(put)
        for each in made.get("containers", [made]):
            each["image"] = image(str(each.get("name", each.get("service"))), chance.choice(_TAGS))
        if chance.random() < 0.2:
            made["pinDigest"] = True
        return made

    def _changed(self, manifest: dict[str, Any]) -> dict[str, Any]:
        chance, after = self.chance, copy.deepcopy(manifest)
        after["tasks"] = [self._of(each) if chance.random() < 0.5 else each for each in after["tasks"]]
        if chance.random() < 0.5:
            after["services"][0]["image"] = image("web", chance.choice(("1", "2", "3", "bad")))
        return after

    # --- what happens ------------------------------------------------------------------------------------------------

    def _push(self, manifest: dict[str, Any]) -> Push:
        chance, kinds = self.chance, self.kinds
        during: list[tuple[int, Act]] = []
        if "hands during" in kinds and chance.random() < 0.7:
            during += [(self._call(), self._hand()) for _ in range(chance.randint(1, 2))]
        if "tags" in kinds and chance.random() < 0.3:
            during.append((self._call(), self._moved()))
        if "refused" in kinds and chance.random() < self.often:
            refused = chance.sample(("a", "b", "c"), chance.choice((1, 1, 2, 3)))
            during.append((chance.choice((1, 1, self._call())), Act("refuse", value=refused)))
        if "deregister" in kinds and chance.random() < 0.3:
            during.append((self._call(), self._deregistered()))
        abort, ends = None, "dies"
        if "abort" in kinds and chance.random() < 0.6:
            abort, ends = self._call(), chance.choice(("dies", "goes on", "redriven"))
        faults = chance.choice((0.02, 0.04)) if "faults" in kinds else 0.0
        return Push(manifest, tuple(sorted(during, key=lambda each: each[0])), abort, ends, faults)

    def _call(self) -> int:
        if self.chance.random() < 0.4:
            return self.chance.choice(list(AFTER_OF_TRIGGERS.values()))
        return self.chance.randint(3, self.chance.choice((40, 80, 160)))

    def _hand(self) -> Act:
        chance = self.chance
        kind, place = chance.choice(("repoint", "repoint", "member", "added")), chance.choice(list(PLACES))
        if kind == "repoint":
            return Act(kind, place, (chance.randint(0, 2), chance.choice(("hot", 0, 1, 2, -1))))
        if kind == "member":
            return Act(kind, place, (chance.randint(0, 2), f'{{"number": {chance.randint(1, 999)}}}'))
        return Act(kind, place, chance.choice(("job", "report")))

    def _moved(self) -> Act:
        return Act("tag", self.chance.choice(("job", "log", "report")), (self.chance.choice(_TAGS), "good"))

    def _deregistered(self) -> Act:
        return Act("deregister", value=(self.chance.choice(("job", "report")), self.chance.randint(-3, 2)))

    def _between(self) -> list[Act]:
        chance, made = self.chance, list[Act]()
        if "hands between" in self.kinds and chance.random() < 0.7:
            made += [self._hand() for _ in range(chance.randint(1, 2))]
        if "tags" in self.kinds and chance.random() < self.often:
            made += [self._moved() for _ in range(round(4 * self.often))]
        if "deregister" in self.kinds and chance.random() < self.often:
            made.append(self._deregistered())
        if chance.random() < 0.7:
            made.append(Act("wait", value=chance.choice((5, 200, 1_500))))
        return made


class Dense(Sequence):
    """Makes the story of a seed from :data:`DENSE` on: one situation that is rare in the others, and little besides."""

    often = 1.0

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.tasks: list[dict[str, Any]] = []
        self.kinds = set(_SITUATIONS[seed % len(_SITUATIONS)])

    def _manifest(self) -> dict[str, Any]:
        manifest = super()._manifest()
        # All that may meet in one family, and a service that takes the release back.
        manifest["tasks"] = [self._of(each) for each in _PUT]
        manifest["onFailure"] = "rollbackRelease"
        manifest["services"][0]["image"] = image("web", self.chance.choice(("2", "bad")))
        self.tasks = manifest["tasks"]
        return manifest

    def _changed(self, manifest: dict[str, Any]) -> dict[str, Any]:
        after = super()._changed(manifest)
        self.tasks = after["tasks"]
        return after

    def _moved(self) -> Act:
        """An image that somebody pushes under a tag for which Git asks."""
        asked = [each for task in self.tasks for each in task.get("containers", [task])]
        name, _, tag = str(self.chance.choice(asked)["image"]).rpartition("/")[2].partition(":")
        return Act("tag", name, (tag, "good"))

    def story(self) -> Story:
        if self.kinds != {"abort"}:
            return super().story()
        # A function goes on beside the next release, whose calls take long.
        manifest, moment = self._manifest(), self.chance.choice(list(AFTER_OF_TRIGGERS.values()))
        then = self._changed(manifest)
        steps = [Push(manifest, abort=moment, ends="goes on"), Push(then), Act("wait", value=1_500)]
        steps += [Push(then, is_repeat=True) for _ in range(4)]
        return replace(super().story(), steps=tuple(steps), slow=8.0, pause=25.0)


def sequence(seed: int) -> Sequence:
    """What makes the story of ``seed``."""
    return Dense(seed) if seed >= DENSE else Sequence(seed)


def lies(seed: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is not so in the story of ``seed``."""
    world = TriggerWorld(sequence(seed).story(), monkeypatch)
    world.play()
    return lies_of(world)


def shown(seed: int) -> Iterator[str]:
    """The story of a seed, line by line."""
    with pytest.MonkeyPatch.context() as patched:
        world = TriggerWorld(sequence(seed).story(), patched)
        world.play()
    for pushed in world.pushed:
        facts, push = pushed.facts, pushed.facts.push
        yield from (f"   {done}" for done in facts.between)
        yield f"push {facts.number} at {facts.began:.0f}: abort {push.abort} {push.ends}, {push.faults}, {push.during}"
        yield f"   asked {push.manifest}"
        yield from (f"   before {place} {_line(before)}" for place, before in pushed.before.items())
        for touch in pushed.touched:
            yield f"      {touch.actor} {'writes' if touch.is_write else 'reads'} {touch.place} {touch.revisions}"
        yield from (f"   after {place} {_line(after)}" for place, after in pushed.after.items())
        report = facts.report or {}
        yield f"   {report.get('status')} {report.get('error')} {str(report.get('cause'))[:300]}"
        for each in (report.get("result") or {}).get("items", ()):
            parts = (
                "status",
                "name",
                "image",
                "previousTaskDefArn",
                "deployedTaskDefArn",
                "runningTaskDefArn",
                "reason",
            )
            yield f"      {[str(each.get(part)).rsplit('/', 1)[-1] for part in parts]} {each.get('warnings')}"
    yield from lies_of(world)


def _line(snapshot: Snapshot) -> str:
    runs = {name: (target.revision, *target.images.values()) for name, target in snapshot.targets.items()}
    return f"{snapshot.phase} {runs}"


def main(seeds: list[str]) -> None:
    logging.disable(logging.CRITICAL)
    with contextlib.suppress(BrokenPipeError):
        for seed in seeds:
            sys.stdout.write("\n".join(shown(int(seed))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
