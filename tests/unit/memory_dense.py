"""Dense stories: each plays one situation that is rare in the others, with what makes it visible, and chance besides.

They are the stories of the seeds from :data:`DENSE` on, so that those of smaller seeds stay as they are.
"""

from __future__ import annotations

import copy
from typing import Any

from unit.memory_account import image
from unit.memory_sequence import Sequence
from unit.memory_several import SEVERAL, Several
from unit.memory_story import AFTER, Act, Push, Story

DENSE = 100_000
_ROLLING = {
    "strategy": "ROLLING",
    "minimumHealthyPercent": 100,
    "maximumPercent": 200,
    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
}
SITUATIONS = ("down", "hookless", "died", "given up", "mended", "moved", "slow", "goes on", "superseded", "unwritable")
Step = Act | Push


class Dense(Sequence):
    """Makes the story of a seed from :data:`DENSE` on."""

    def story(self) -> Story:
        self.turn, number = divmod(self.seed - DENSE, len(SITUATIONS))
        situation = SITUATIONS[number]
        # Where the number of a call matters, there is one service.
        is_one = situation in ("down", "given up", "slow", "goes on")
        self.names = ("web", "api")[: 1 if is_one else self.chance.choice((1, 1, 2))]
        self.kinds, self.has_hooks = set(), True
        settings = {name: copy.deepcopy(_ROLLING) for name in self.names}
        images = {(name, tag): "good" for name in self.names for tag in ("1", "2", "3", "hot")}
        images |= {(name, "cold"): "bad" for name in self.names}
        steps, slow, pause = getattr(self, f"_{situation.replace(' ', '_')}")()
        last = next(step for step in reversed(steps) if isinstance(step, Push)).manifest
        steps += [Act("wait", value=1_500), *(Push(last, is_repeat=True) for _ in range(4))]
        return Story(self.seed, settings, images, tuple(steps), slow=slow, pause=pause)

    # --- what they are made of ---------------------------------------------------------------------------------------

    def _of(self, tag: str, after: str | None = None, **more: Any) -> dict[str, Any]:
        """A manifest: web asks for ``tag``, with a hook postDeploy that goes or fails; the others ask for what runs."""
        hooks = {"hooks": {"postDeploy": {"command": ["postDeploy", after]}}} if after else {}
        web = {"service": "web", "clusterName": "shop", "serviceName": "web", "timeoutMinutes": 5} | hooks | more
        others = [
            {"service": name, "clusterName": "shop", "serviceName": name, "image": image(name, "1")}
            for name in self.names
            if name != "web"
        ]
        on_failure = self.chance.choice(("rollback", "rollbackRelease"))
        return {"services": [{**web, "image": image("web", tag)}, *others], "onFailure": on_failure}

    def _dies(self, manifest: dict[str, Any]) -> Push:
        """A release that is aborted right after its UpdateService, or soon after that."""
        moment = self.chance.choice((AFTER["update_service"], self.chance.randint(25, 60)))
        return Push(manifest, abort=moment, ends="dies")

    # --- situations: steps, how slow calls are, and how slow those of a function that goes on ------------------------

    def _down(self) -> tuple[list[Step], float, float]:
        """The memory and the fence cannot be read from its last forward step on, and the release has to go back."""
        cold, fails = (AFTER["update_service"], self._of("cold")), (AFTER["run_task"], self._of("2", "fail"))
        moment, given = self.chance.choice((cold, fails))
        act = (moment, Act("memory_down", value=True))
        return [Push(given, during=(act,)), Act("wait", value=30), Push(given)], 4.0, 0.0

    def _hookless(self) -> tuple[list[Step], float, float]:
        """A hook fails, and is not in the manifest any more; later it is there again, or the next image fails."""
        stop = {"onFailure": "stop"}
        first, then = self._of("2", "fail", **stop), self._of("2", **stop)
        last = self.chance.choice((self._of("2", "fail"), self._of("cold"), self._of("2", "go")))
        return [Push(first), Push(then), Push(last)], 0.0, 0.0

    def _died(self) -> tuple[list[Step], float, float]:
        """A release dies before its hook has run, and the same, or another text, is pushed again. It may have written
        settings, and somebody others since."""
        chance = self.chance
        more = {"deployment": {"maximumPercent": 150}} if chance.random() < 0.6 else {}
        given = self._of("2", chance.choice(("fail", "fail", "go")), **more)
        then = chance.choice((given, given, self._of("3", "go"), self._of("cold", "go")))
        hand = [Act("settings", "web", {"minimumHealthyPercent": 50})] if chance.random() < 0.3 else []
        return [self._dies(given), *hand, Act("wait", value=chance.choice((30, 200))), Push(then)], 0.0, 0.0

    def _given_up(self) -> tuple[list[Step], float, float]:
        """ECS gives up the deployment of a release that died, and the same is pushed again."""
        given = self._of("cold")
        return [Push(given, abort=AFTER["update_service"]), Act("wait", value=200), Push(given)], 0.0, 0.0

    def _superseded(self) -> tuple[list[Step], float, float]:
        """Somebody's deployment takes the place of the release's, which is no verdict on its image."""
        chance, given, hand = self.chance, self._of("2", self.chance.choice((None, "go"))), Act("hotfix", "web", "hot")
        watched = Push(given, during=((AFTER["update_service"], hand),))
        died: list[Step] = [Push(given, abort=AFTER["update_service"]), hand]
        return [*chance.choice(([watched], died)), Act("wait", value=200), Push(given)], 0.0, 0.0

    def _unwritable(self) -> tuple[list[Step], float, float]:
        """The memory can be read, and not written, from before the first intent on."""
        act = (self.chance.randint(3, 20), Act("unwritable", value=True))
        given = self._of("2", self.chance.choice((None, "go", "fail")))
        return [Push(given, during=(act,)), Act("wait", value=30), Push(given)], 0.0, 0.0

    def _mended(self) -> tuple[list[Step], float, float]:
        """A hook fails, and somebody deploys the same image by hand."""
        given = self._of("2", "fail")
        return [Push(given), Act("hotfix", "web", "2"), Act("wait", value=200), Push(given)], 0.0, 0.0

    def _moved(self) -> tuple[list[Step], float, float]:  # type: ignore[override]
        """The tag of what runs names another image, and the next release goes back to what ran."""
        tag = Act("tag", "web", ("1", self.chance.choice(("good", "bad"))))
        return [tag, Push(self._of("2", "fail")), Act("wait", value=30), Push(self._of("3", "fail"))], 0.0, 0.0

    def _slow(self) -> tuple[list[Step], float, float]:
        """Calls take long, and somebody deploys between the release's read and its UpdateService."""
        hand = Act("hotfix", "web", self.chance.choice(("hot", "3")))
        # Right after the read, and right before the call.
        during = (((24, 25, 29, 30)[self.turn % 4], hand),)
        return [Push(self._of("2", self.chance.choice((None, "go"))), during=during)], 8.0, 0.0

    def _goes_on(self) -> tuple[list[Step], float, float]:
        """A function goes on beside the next release, and is slow."""
        chance, given = self.chance, self._of("2", self.chance.choice(("go", "fail")))
        # It has read the service before the next release begins. Its UpdateService, or its verdict, comes after that.
        moments = ((27, 25.0), (28, 35.0), (29, 25.0), (30, 25.0), (AFTER["update_service"], 35.0))
        moment, pause = moments[self.turn % len(moments)]
        # With the same text, the next release takes the attempt up, and both have something to remember.
        then = self._of("2" if moment in AFTER.values() else chance.choice(("2", "3")), "go")
        return [Push(given, abort=moment, ends="goes on"), Push(then)], 0.0, pause


def story(seed: int) -> Story:
    """The story of a seed."""
    if seed >= SEVERAL:
        return Several(seed).story()
    return (Dense if seed >= DENSE else Sequence)(seed).story()
