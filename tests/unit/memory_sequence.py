"""Random stories for the model, each from a seed. Most have a few kinds of trouble, so that what must be is clear."""

from __future__ import annotations

import copy
import random
from typing import Any

from unit.memory_account import image
from unit.memory_story import AFTER, Act, Push, Story

_TAGS = ("1", "2", "3")
_BAKE = {"bakeTimeInMinutes": 1}
_CANARY = {**_BAKE, "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}}
STRATEGIES: dict[str, dict[str, Any]] = {
    "CANARY": {"strategy": "CANARY", **_CANARY},
    "BLUE_GREEN": {"strategy": "BLUE_GREEN", **_BAKE},
    "LINEAR": {
        "strategy": "LINEAR",
        **_BAKE,
        "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1},
    },
}
_OF_GIT: tuple[dict[str, Any], ...] = (
    {"minimumHealthyPercent": 75},
    {"maximumPercent": 150},
    {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    *STRATEGIES.values(),
)
_BY_HAND: tuple[dict[str, Any], ...] = ({"minimumHealthyPercent": 50}, {"maximumPercent": 180})
_CALLS = ("batch_get_image", "describe_service_revisions", "tag_resource", "list_service_deployments")
_KINDS = ("abort", "hands between", "hands during", "tags", "ledger", "faults", "stale", "skew", "rival", "settings")


class Sequence:
    """Makes the story of a seed."""

    def __init__(self, seed: int) -> None:
        self.seed, self.chance = seed, random.Random(seed)  # noqa: S311 - the same story again
        self.names = ("web", "api", "db")[: self.chance.choice((1, 1, 2, 2, 3))]
        self.kinds = set(self.chance.sample((*_KINDS, "upgrade"), self.chance.choice((0, 1, 2, 2, 3, 4, 5, 7))))
        if self.chance.random() < 0.3:
            self.kinds.add("settings")
        self.has_hooks = self.chance.random() < 0.6

    def story(self) -> Story:
        chance = self.chance
        settings = {name: self._settings() for name in self.names}
        images = {(name, tag): self._word(tag) for name in self.names for tag in (*_TAGS, "hot", "cold")}
        steps: list[Act | Push] = []
        manifest = self._manifest()
        for number in range(chance.choice((1, 2, 3, 3, 4, 4))):
            if number:
                manifest = self._changed(manifest)
            steps += self._between(manifest)
            steps.append(self._push(manifest))
        steps += [Act("corrupt_mended"), Act("wait", value=1_500)]
        steps += [Push(manifest, is_repeat=True) for _ in range(4)]
        stale = chance.choice((5.0, 15.0, 30.0)) if "stale" in self.kinds else 0.0
        skew = chance.uniform(-90, 90) if "skew" in self.kinds else 0.0
        left = tuple(name for name in self.names if "upgrade" in self.kinds and chance.random() < 0.5)
        return Story(self.seed, settings, images, tuple(steps), stale, skew, left)

    def _settings(self) -> dict[str, Any]:
        chance = self.chance
        breaker = {"enable": chance.random() < 0.8, "rollback": chance.random() < 0.5}
        if chance.random() < 0.2:
            return {**copy.deepcopy(chance.choice(list(STRATEGIES.values()))), "deploymentCircuitBreaker": breaker}
        return {
            "strategy": "ROLLING",
            "minimumHealthyPercent": 100,
            "maximumPercent": 200,
            "deploymentCircuitBreaker": breaker,
        }

    def _word(self, tag: str) -> str:
        if tag == "1":
            return "good"
        return self.chance.choice(("good", "good", "good", "bad", "never") if tag != "cold" else ("bad", "never"))

    # --- manifests ---------------------------------------------------------------------------------------------------

    def _manifest(self) -> dict[str, Any]:
        services = [self._item(index, name) for index, name in enumerate(self.names)]
        return {"services": services, "onFailure": self.chance.choice(("stop", "rollback", "rollbackRelease"))}

    def _item(self, index: int, name: str) -> dict[str, Any]:
        chance = self.chance
        made: dict[str, Any] = {"service": name, "clusterName": "shop", "serviceName": name, "timeoutMinutes": 5}
        made["image"] = image(name, chance.choice(("1", "2", "2", "3")))
        if self.has_hooks and chance.random() < 0.5:
            made["hooks"] = self._hooks()
        if index and chance.random() < 0.3:
            made["dependsOn"] = [chance.choice(self.names[:index])]
        if chance.random() < 0.3:
            made["onFailure"] = chance.choice(("stop", "rollback", "rollbackRelease"))
        if "settings" in self.kinds and chance.random() < 0.5:
            made["deployment"] = copy.deepcopy(chance.choice(_OF_GIT))
        return made

    def _hooks(self) -> dict[str, Any]:
        words = {"postDeploy": self.chance.choice(("go", "fail"))}
        if self.chance.random() < 0.3:
            words["preDeploy"] = self.chance.choice(("go", "go", "fail"))
        return {name: {"command": [name, word]} for name, word in words.items()}

    def _changed(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The next manifest: the same, or with some change by a person."""
        chance, after = self.chance, copy.deepcopy(manifest)
        for item in after["services"]:
            item.pop("forceNewDeployment", None)
        if chance.random() < 0.5:
            return after
        for _ in range(chance.randint(1, 2)):
            item = chance.choice(after["services"])
            what = chance.choice(("image", "image", "image", "hooks", "onFailure", "force", "deployment", "back"))
            if what == "image":
                self._name_image(item, chance.choice(_TAGS))
            elif what == "hooks" and self.has_hooks:
                item.pop("hooks", None)
                if chance.random() < 0.7:
                    item["hooks"] = self._hooks()
            elif what == "onFailure":
                item["onFailure"] = chance.choice(("stop", "rollback", "rollbackRelease"))
            elif what == "force":
                item["forceNewDeployment"] = True
            elif what == "deployment" and "settings" in self.kinds:
                item.pop("deployment", None)
                if chance.random() < 0.6:
                    item["deployment"] = copy.deepcopy(chance.choice(_OF_GIT))
            elif what == "back":
                self._name_image(item, "1")
        return after

    def _name_image(self, item: dict[str, Any], tag: str) -> None:
        item["image"] = image(item["service"], tag)

    # --- what happens ------------------------------------------------------------------------------------------------

    def _push(self, manifest: dict[str, Any]) -> Push:
        chance, kinds = self.chance, self.kinds
        during: list[tuple[int, Act]] = []
        if "hands during" in kinds and chance.random() < 0.6:
            during += [(self._call(), self._hand(manifest)) for _ in range(chance.randint(1, 2))]
        if "tags" in kinds and chance.random() < 0.3:
            during.append((self._call(), self._moved(manifest)))
        if "ledger" in kinds and chance.random() < 0.3:
            # Progress that is not there any more can be read from ECS.
            lost = chance.choice((Act("lose", value="work/"), Act("lose_step"), Act("lose_step")))
            during.append((self._call(), lost))
        if "rival" in kinds and chance.random() < 0.5:
            during.append((self._call(), Act("rival", value=copy.deepcopy(self._manifest()))))
        if "ledger" in kinds and chance.random() < 0.5:
            first = self._call()
            kind = chance.choice(("down_for", "unwritable"))
            during += [(first, Act(kind, value=True)), (first + chance.randint(1, 40), Act(kind))]
        abort, ends = None, "dies"
        if "abort" in kinds and chance.random() < 0.5:
            abort, ends = self._call(), chance.choice(("dies", "dies", "goes on", "goes on", "goes on", "redriven"))
        faults = chance.choice((0.02, 0.05)) if "faults" in kinds else 0.0
        refused = (chance.choice(_CALLS),) if "faults" in kinds and chance.random() < 0.15 else ()
        return Push(manifest, tuple(sorted(during, key=lambda each: each[0])), abort, ends, faults, refused)

    def _call(self) -> int:
        """The number of a call in a release: a small one takes 50, one that rolls back three services 400."""
        if self.chance.random() < 0.25:
            return self.chance.choice(list(AFTER.values()))
        return self.chance.randint(3, self.chance.choice((40, 80, 160, 320)))

    def _asked(self, manifest: dict[str, Any], name: str) -> str:
        """The tag that Git asks for."""
        return str(next(each for each in manifest["services"] if each["serviceName"] == name)["image"]).split(":")[-1]

    def _hand(self, manifest: dict[str, Any]) -> Act:
        """What somebody does by hand: often with just the image that Git asks for."""
        chance, name = self.chance, self.chance.choice(self.names)
        kind = chance.choice(("hotfix", "hotfix", "earlier", "force", "settings"))
        if kind == "hotfix":
            return Act(kind, name, chance.choice(("hot", "hot", "cold", *[self._asked(manifest, name)] * 3)))
        if kind == "earlier":
            return Act(kind, name, chance.randint(0, 3))
        return Act(kind, name, dict(chance.choice(_BY_HAND)) if kind == "settings" else None)

    def _moved(self, manifest: dict[str, Any]) -> Act:
        """An image that somebody pushes under a tag: often under the one that Git asks for."""
        chance, name = self.chance, self.chance.choice(self.names)
        tag = chance.choice((*_TAGS, *[self._asked(manifest, name)] * 3))
        return Act("tag", name, (tag, chance.choice(("good", "good", "bad", "never"))))

    def _between(self, manifest: dict[str, Any]) -> list[Act]:
        chance, made = self.chance, []
        if "hands between" in self.kinds and chance.random() < 0.7:
            made += [self._hand(manifest) for _ in range(chance.randint(1, 2))]
        if "tags" in self.kinds and chance.random() < 0.6:
            made += [self._moved(manifest) for _ in range(chance.randint(1, 2))]
        if "ledger" in self.kinds and chance.random() < 0.3:
            made.append(chance.choice((Act("lose", value="targets/"), Act("lose", value=""), Act("corrupt"))))
        if chance.random() < 0.7:
            made.append(Act("wait", value=chance.choice((5, 30, 200, 1_500))))
        return made
