"""One item of one push, and what must be remembered of its service. Nothing here is of the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from unit.memory_account import HAND, State, sidecar
from unit.memory_facts import Deployed, Done, Facts

GOOD = ("DEPLOYED", "UNCHANGED")
# A read that is younger need not show it.
SEEN = 6.0
# So long an aborted function that goes on takes from its read to its write: six calls, each after a pause.
BESIDE = 120.0
# So long after its last read of the fence an aborted function may begin a call, and the call take.
LATE = 60.0
_ONLY_WITH = {
    "canaryConfiguration": ("CANARY",),
    "linearConfiguration": ("LINEAR",),
    "bakeTimeInMinutes": ("BLUE_GREEN", "CANARY", "LINEAR"),
}
_DEFAULTS: dict[str, Any] = {
    "strategy": "ROLLING",
    "minimumHealthyPercent": 100,
    "maximumPercent": 200,
    "bakeTimeInMinutes": 0,
    "lifecycleHooks": [],
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
}


def settings_of(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Deployment settings as ECS keeps them after these writes, with its defaults."""
    made = dict(_DEFAULTS)
    for part in parts:
        made |= part
    return {k: v for k, v in made.items() if made["strategy"] in _ONLY_WITH.get(k, (made["strategy"],))}


@dataclass(slots=True)
class Tried:
    """The last attempt of an item: its text, its images' digests, and what came of it: ``failed`` by itself,
    ``returned`` with others, ``untouched``, ``good``, or ``unclear``, where the facts do not say."""

    text: str = ""
    digests: tuple[str, ...] = ()
    outcome: str = "unclear"


@dataclass(frozen=True, slots=True)
class Unreported:
    """A release that came to no report: it may still deploy ``digests``, as its function goes on. ``earlier`` are the
    revisions that were there before; ``owned`` are the settings that Git asked for."""

    name: str
    text: str
    digests: Mapping[str, str]
    earlier: frozenset[str]
    owned: Mapping[str, Any]
    has_hook: bool
    began: float


@dataclass(slots=True)
class Known:
    """What must be remembered of a service. ``bad`` are revisions whose last verdict was a failure, ``doubtful`` those
    without any, with whether their item had a hook postDeploy. ``settings`` stand while nothing of a failed release
    counts; ``perhaps`` are members that somebody wrote so late that a release may have seen them or not; ``shown`` are
    settings that an old answer may still have shown to this release. ``reported`` are the revisions that a release
    called good. ``unreported`` are releases without a report, ``marked`` revisions of which a release may think that
    they failed, or not: by a tag that it may have read, or a verdict that it may not have. ``unread`` are texts that
    were tried while nobody could read the digest of their tag: that it has moved since is not known. ``is_new``:
    nothing is remembered of it, so it may be taken over with the digest that it runs."""

    settings: dict[str, Any]
    perhaps: list[Mapping[str, Any]] = field(default_factory=list)
    shown: list[Mapping[str, Any]] = field(default_factory=list)
    tried: Tried = field(default_factory=Tried)
    bad: set[str] = field(default_factory=set)
    doubtful: dict[str, bool] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    marked: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    unreported: list[Unreported] = field(default_factory=list)
    is_new: bool = True

    def settings_may_be(self, live: Mapping[str, Any], *owned: Mapping[str, Any]) -> bool:
        """Whether ``live`` are the settings that must stand, with those of Git over them."""
        return any(live == settings_of(self.settings, each, *owned) for each in ({}, *self.perhaps, *self.shown))


@dataclass(frozen=True, slots=True)
class Item:
    """One item of one push, with all that is known of it."""

    facts: Facts
    name: str
    asked: Mapping[str, Any]
    result: Mapping[str, Any]

    @property
    def status(self) -> str:
        return str(self.result.get("status", ""))

    @property
    def reason(self) -> str:
        return str(self.result.get("reason", ""))

    def says(self, *words: str) -> bool:
        """Whether the reason has one of these."""
        return any(each in self.reason for each in words)

    @property
    def before(self) -> State:
        return self.facts.before[self.name]

    @property
    def after(self) -> State:
        return self.facts.after[self.name]

    @property
    def text(self) -> str:
        whole = {"onFailure": self.facts.push.manifest["onFailure"], **self.asked}
        return json.dumps({k: v for k, v in whole.items() if k != "forceNewDeployment"}, sort_keys=True)

    @property
    def images(self) -> dict[str, str]:
        """What Git asks for, by container."""
        if "containers" in self.asked:
            return {each["name"]: each["image"] for each in self.asked["containers"]}
        return {self.name: self.asked["image"]}

    @property
    def digests(self) -> dict[str, str]:
        """What the tags of the images that Git asks for name."""
        return {name: self._named(image) for name, image in self.images.items()}

    def _named(self, image: str) -> str:
        return self.facts.registry.get(image.rpartition("/")[2], "")

    def has_digests(self, digests: Mapping[str, str]) -> bool:
        """Whether these are what Git asks for, as far as it asks."""
        return self.digests.items() <= digests.items()

    def has_images(self, state: State) -> bool:
        return self.images.items() <= state.images.items()

    @property
    def is_forced(self) -> bool:
        return bool(self.asked.get("forceNewDeployment"))

    @property
    def could_fail(self) -> bool:
        """Whether anything of what Git asks for can fail."""
        # What a release joined late may have taken longer than its timeout, and was taken back by it.
        mine = [d for d in self.facts.deployed if d.service == self.name]
        limit = self.asked["timeoutMinutes"] * 60
        was_taken_back = any(
            self.has_digests(one.digests)
            # What took longer than its timeout has failed for that, also where somebody took its place then.
            and (
                (one.status != "SUCCESSFUL" and after.by != HAND)
                or (one.changed if one.status == "SUCCESSFUL" else after.at) - one.at > limit
            )
            for one, after in pairwise(mine)
        )
        # What failed may have been a container for which Git does not ask: a new deployment pulls what its tag names.
        is_broken = any(self.facts.words.get(digest, "good") != "good" for digest in self.digests.values())
        is_broken = is_broken or not self.images.keys() >= self.before.images.keys()
        return is_broken or was_taken_back or self.hook_fails() or bool(self.facts.push.faults)

    def has_hook(self, name: str = "postDeploy") -> bool:
        return name in self.asked.get("hooks", {})

    def hook_fails(self, name: str = "postDeploy") -> bool:
        return "fail" in self.asked.get("hooks", {}).get(name, {}).get("command", ())

    def runs(self, state: State) -> bool:
        """Whether ``state`` is what Git asks for."""
        return self.has_images(state) and self.has_digests(state.digests)

    @property
    def hands(self) -> list[Done]:
        """What somebody did with the service while the release ran."""
        return [done for done in self.facts.during if done.act.service == self.name and done.act.kind != "tag"]

    @property
    def is_left_alone(self) -> bool:
        return not self.hands and self.facts.alone and not self.is_unseen

    @property
    def is_unseen(self) -> bool:
        """Whether anybody deployed so short before the release that its reads may not have shown it."""
        since, mine = self.facts.began - self.facts.stale, [d for d in self.facts.deployed if d.service == self.name]
        return any(d.at > since and (d.by == HAND or d.at < self.facts.began) for d in mine)

    @property
    def is_good_and_left(self) -> bool:
        """Whether it was good, and could not go back with its release, as no earlier revision is known."""
        is_good = self.after.is_settled and (not self.has_hook() or self.last_check(self.after.revision) is True)
        is_left = self.reason.startswith("could not roll back with the release: no earlier revision is known")
        return is_left and self.status == "FAILED" and self.runs(self.after) and is_good

    @property
    def is_judged_and_returned(self) -> bool:
        """Whether nothing was deployed, and settings alone went back. What runs was judged again before: by its hook,
        or, without one, by its rollout that is over."""
        is_judged = not self.has_hook() or self.last_check(self.after.revision) is True
        return self.status == "ROLLED_BACK" and not self.deployed and is_judged

    @property
    def may_see_old_settings(self) -> bool:
        """Whether settings were written so short before the release that its reads may not have shown them, and it
        wrote none itself."""
        mine = [each for each in self.facts.settings if each[2] == self.name]
        early = [each for each in mine if each in self.facts.settings[: self.facts.written[0]]]
        is_late = bool(self.facts.stale and early and early[-1][0] >= self.facts.began - self.facts.stale)
        return is_late and not any(each[1] == self.facts.name for each in mine)

    @property
    def is_settled_in_sight(self) -> bool:
        """Whether what runs before was settled also by the oldest answer that ECS may give."""
        since = self.facts.began - self.facts.stale
        mine = [d for d in self.facts.seen if d.service == self.name]
        return self.before.is_settled and not (self.facts.stale and any(d.changed >= since for d in mine))

    @property
    def changed_late(self) -> set[str]:
        """The revisions of which a rollout ended so late that the release need not have seen it."""
        since = self.facts.began - self.facts.stale
        return {d.revision for d in self.facts.deployed if d.service == self.name and d.changed >= since}

    def was_too_late(self, at: float, members: Mapping[str, Any]) -> bool:
        """Whether somebody wrote members at this moment so short before the release's own write that it need not have
        seen them, and they are lost."""
        written = self.facts.settings
        place = next(index for index, each in enumerate(written) if each[:3] == (at, HAND, self.name))
        for when, actor, service, live in written[place:]:
            seen = SEEN if place >= self.facts.written[0] else 0.0
            window = self.facts.stale + (seen if actor == self.facts.name else BESIDE)
            is_over_it = actor != HAND and service == self.name and not members.items() <= live.items()
            if window and is_over_it and when <= at + window:
                return True
        return False

    @property
    def is_moved(self) -> bool:
        """Whether a tag of the service was moved while the release ran: it may have seen either image."""
        mine = (self.name, sidecar(self.name))
        return any(done.act.service in mine and done.act.kind == "tag" for done in self.facts.during)

    @property
    def deployed(self) -> list[Deployed]:
        """The deployments that this release began."""
        return [d for d in self.facts.deployed if d.by == self.facts.name and d.service == self.name]

    def last_check(self, revision: str) -> bool | None:
        """The result of the last hook postDeploy on a revision."""
        found = [c for c in self.facts.checked if c.revision == revision and c.hook == "postDeploy"]
        return found[-1].passed if found else None

    def names(self, *words: str) -> bool:
        """Whether the report names one of these."""
        said = json.dumps(
            [self.result.get(part) for part in ("reason", "warnings", "previousTaskDefArn", "runningTaskDefArn")]
        )
        return any(word in said for word in words)

    def is_in_doubt(self, known: Known, revision: str) -> bool:
        """Whether the last verdict on a revision was a failure, or there is none."""
        if revision in known.bad or known.doubtful.get(revision):
            return True
        came_up = any(d.revision == revision and d.status == "SUCCESSFUL" for d in self.facts.deployed)
        # Without a hook, ECS's record is the verdict.
        return revision in known.doubtful and not came_up
