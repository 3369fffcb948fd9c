"""What must be true of releases of rules and schedules, judged by the facts alone. Nothing here is of the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from unit.memory_account import HAND
from unit.trigger_world import PLACES, Place, Pushed, Snapshot, Target, Touch, TriggerWorld

_GOOD = ("DEPLOYED", "UNCHANGED")
_LEFT = ("SKIPPED", "HELD", "UNCHANGED")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of one push. ``images``: what Git asks for, by container, as a target has it."""

    pushed: Pushed
    place: Place
    images: Mapping[str, tuple[str, ...]]
    result: Mapping[str, Any]

    @property
    def status(self) -> str:
        return str(self.result.get("status", ""))

    @property
    def reason(self) -> str:
        return str(self.result.get("reason", ""))

    def mine(self, snapshot: Snapshot) -> dict[str, Target]:
        """The targets that have one of its containers."""
        return {n: t for n, t in snapshot.targets.items() if set(self.images) & set(t.images)}

    @property
    def before(self) -> dict[str, Target]:
        return self.mine(self.pushed.before[self.place])

    @property
    def after(self) -> dict[str, Target]:
        return self.mine(self.pushed.after[self.place])

    def runs(self, target: Target) -> bool:
        return all(target.images.get(name) in accepted for name, accepted in self.images.items())

    def own(self, target: Target) -> dict[str, str]:
        return {name: image for name, image in target.images.items() if name in self.images}

    @property
    def hands(self) -> list[int]:
        """The places, among the reads and writes, of what somebody wrote to this trigger."""
        return [
            n for n, t in enumerate(self.pushed.touched) if t.is_write and t.actor == HAND and t.place == self.place
        ]

    @property
    def is_left_alone(self) -> bool:
        return not self.hands and self.pushed.is_alone

    def by_hand(self, name: str) -> set[str]:
        """The revisions to which somebody pointed the target meanwhile."""
        return {self.pushed.touched[n].revisions[name] for n in self.hands if name in self.pushed.touched[n].revisions}

    def was_written(self, name: str) -> bool:
        """Whether the release wrote the target."""
        mine = [t for t in self.pushed.touched if t.is_write and t.place == self.place and t.actor != HAND]
        return any(touch.revisions.get(name) != self.before[name].revision for touch in mine)


def lies_of(world: TriggerWorld) -> list[str]:
    """What is not so."""
    found = []
    for pushed in world.pushed:
        number = pushed.facts.number
        found += [f"push {number}: {lie}" for lie in _of_push(world, pushed)]
    return [*found, *_of_writes(world.account.touched), *_of_the_end(world)]


def items_of(world: TriggerWorld, pushed: Pushed) -> Iterator[Item]:
    results = (pushed.facts.report or {}).get("result", {}).get("items", [])
    of_tasks = [each for each in results if each["kind"] == "task"]
    asked = pushed.facts.push.manifest["tasks"]
    for given, result in zip(asked, of_tasks, strict=True) if of_tasks else ():
        place = given.get("eventBusName", "default"), given.get("cwRuleName", "hourly")
        those = given.get("containers", [given])
        images = {_name(each): _accepted(world, given, str(each["image"])) for each in those}
        yield Item(pushed, place, images, result)


def _name(given: Mapping[str, Any]) -> str:
    return str(given.get("name", given.get("service")))


def _accepted(world: TriggerWorld, given: Mapping[str, Any], image: str) -> tuple[str, ...]:
    if not given.get("pinDigest"):
        return (image,)
    # Any digest that the tag has named.
    repository, tag = image.rsplit(":", 1)
    return tuple(f"{repository}@{digest}" for digest in world.digests[repository.rpartition("/")[2], tag])


def _of_push(world: TriggerWorld, pushed: Pushed) -> Iterator[str]:
    for item in items_of(world, pushed):
        for rule in RULES:
            yield from (f"{item.place}: {rule.__name__}: {lie}: {dict(item.result)}" for lie in rule(item))
    for place in PLACES.values():
        asked = {name for item in items_of(world, pushed) if item.place == place for name in item.images}
        yield from (f"{place}: {lie}" for lie in _of_place(pushed, place, asked))
    yield from _of_writers(pushed)
    yield from _overwritten(pushed)


# --- each item -------------------------------------------------------------------------------------------------------


def good_runs(item: Item) -> Iterator[str]:
    """What is reported as deployed or unchanged is what every target runs, but for what somebody set meanwhile."""
    if item.status not in _GOOD or not item.pushed.is_alone:
        return
    for name, target in item.after.items():
        if not item.runs(target) and not item.by_hand(name):
            yield f"{name} runs {target.revision} with {dict(target.images)}"


def left_is_left(item: Item) -> Iterator[str]:
    """What is reported as not changed is as before."""
    is_untouched = item.status in _LEFT or (item.status == "FAILED" and "was not changed" in item.reason)
    if not is_untouched or not item.is_left_alone:
        return
    for name, target in item.before.items():
        if item.own(target) != item.own(item.after[name]):
            yield f"{name} ran {dict(target.images)}, and runs {dict(item.after[name].images)}"


def rolled_back(item: Item) -> Iterator[str]:
    """What is reported as rolled back runs what it ran before, and the same revision where there is that still."""
    if item.status != "ROLLED_BACK" or not item.is_left_alone:
        return
    for name, target in item.before.items():
        now = item.after[name]
        if dict(target.images) != dict(now.images):
            yield f"{name} ran {dict(target.images)}, and runs {dict(now.images)}"
        if now.revision != target.revision and target.revision not in item.pushed.inactive:
            yield f"{name} ran {target.revision}, which is active, and runs {now.revision}"
        was_deregistered = any(done.act.kind == "deregister" for done in item.pushed.facts.during)
        if now.revision in item.pushed.inactive and item.was_written(name) and not was_deregistered:
            yield f"{name} runs {now.revision}, which is not active"


def failed_is_taken_back(item: Item) -> Iterator[str]:
    """What failed and is to be rolled back is as before, or the report says why not."""
    asked = item.pushed.facts.push.manifest
    if item.status != "FAILED" or asked["onFailure"] == "stop" or not item.is_left_alone:
        return
    if item.pushed.facts.push.refused or item.pushed.facts.push.faults:
        return
    changed = [n for n, target in item.before.items() if item.own(target) != item.own(item.after[n])]
    if changed and "not be rolled back" not in item.reason and "could not roll back" not in item.reason:
        yield f"{changed} were changed, and are left"


def moved_is_deployed(item: Item) -> Iterator[str]:
    """A tag that names another image than when a release registered the revision is a change."""
    if item.status != "UNCHANGED" or not item.is_left_alone or item.pushed.facts.push.faults:
        return
    if any(done.act.kind == "tag" for done in item.pushed.facts.during):
        return
    for name, target in item.after.items():
        moved = [c for c in item.own(target) if (target.revision, c) in item.pushed.moved]
        if moved:
            yield f"{name} runs {target.revision}, and the tags of {moved} were moved"


def names_what_is(item: Item) -> Iterator[str]:
    """The revisions in a report are those that ran before, and that run now."""
    if not item.is_left_alone or not item.result:
        return
    names = ("previousTaskDefArn", "deployedTaskDefArn", "runningTaskDefArn")
    told = {name: str(item.result.get(name, "")).rsplit("/", 1)[-1] for name in names}
    if item.status in (*_GOOD, "ROLLED_BACK") and told["previousTaskDefArn"] not in {
        "",
        *(target.revision for target in item.before.values()),
    }:
        yield f"{told['previousTaskDefArn']} did not run before"
    # Where a write came to no end, what the neighbours of its items run is not known, and not told.
    known = {"" if item.status == "UNCHANGED" else None, *(target.revision for target in item.after.values())}
    if item.status in _GOOD and told["deployedTaskDefArn"] not in known:
        yield f"{told['deployedTaskDefArn']} does not run"
    if told["runningTaskDefArn"] not in {"", *(target.revision for target in item.after.values())}:
        yield f"{told['runningTaskDefArn']} does not run"


def deployed_changed(item: Item) -> Iterator[str]:
    """DEPLOYED means that something was changed."""
    is_same = all(target.revision == item.after[name].revision for name, target in item.before.items())
    if item.status == "DEPLOYED" and item.is_left_alone and is_same:
        yield "nothing was changed"


def fails_for_a_reason(item: Item) -> Iterator[str]:
    """Where nothing disturbs a release, no item fails but for what its revisions are."""
    if item.pushed.is_undisturbed and item.status == "FAILED" and "INACTIVE" not in item.reason:
        yield "failed, and nobody did anything"


RULES = (
    good_runs,
    left_is_left,
    rolled_back,
    failed_is_taken_back,
    moved_is_deployed,
    names_what_is,
    deployed_changed,
    fails_for_a_reason,
)


# --- each trigger ----------------------------------------------------------------------------------------------------


def _of_place(pushed: Pushed, place: Place, asked: Set[str]) -> Iterator[str]:
    """A release changes nothing but task definitions, to others of the same family, and in them nothing but the images
    of the containers ``asked`` for."""
    before, after = pushed.before[place], pushed.after[place]
    mine = [touch for touch in pushed.touched if touch.place == place]
    has_hands = any(touch.actor == HAND and touch.is_write for touch in mine)
    if not has_hands:
        if dict(before.others) != dict(after.others):
            yield f"{before.others} became {after.others}"
        if _members(before) != _members(after):
            yield "other members of its targets were changed"
        # AWS's clients write whole seconds.
        if before.phase is not None and after.phase is not None and abs(before.phase - after.phase) > 1:
            yield f"it ran at {before.phase}, and runs at {after.phase}"
    for name, target in before.targets.items():
        now = after.targets[name]
        if now.revision.split(":")[0] != target.revision.split(":")[0]:
            yield f"{name} ran {target.revision}, and runs {now.revision}"
        others = [c for c, image in target.images.items() if c not in asked and now.images[c] != image]
        if others and not has_hands and pushed.facts.report is not None and pushed.is_alone:
            yield f"{name} has other images in {others}, for which nobody asked: {dict(now.images)}"


def _members(snapshot: Snapshot) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, target.others) for name, target in snapshot.targets.items()]


def _of_writes(touched: Sequence[Touch]) -> Iterator[str]:
    """What is written was read right before. What somebody set in between is lost: AWS has no better."""
    was_read = set()
    for touch in touched:
        if touch.is_write and touch.actor != HAND and (touch.actor, touch.place) not in was_read:
            yield f"{touch.actor} wrote {touch.place}, and had not read before"
        if touch.is_write:
            was_read.discard((touch.actor, touch.place))
        else:
            was_read.add((touch.actor, touch.place))


def _overwritten(pushed: Pushed) -> Iterator[str]:
    """What somebody sets before the release reads for the last time is not overwritten unseen."""
    for index, touch in enumerate(pushed.touched):
        if not touch.is_write or touch.actor != pushed.facts.name:
            continue
        mine = [each for each in pushed.touched[:index] if each.place == touch.place]
        since = mine[max((n for n, each in enumerate(mine) if each.actor == touch.actor), default=-1) + 1 :]
        # The fence may be read right before the write.
        seen = [each for each in since if each.actor == HAND and each.call < touch.call - 1]
        if seen:
            yield f"it wrote {touch.place} as it was before somebody set {dict(seen[-1].revisions)}"


def _of_writers(pushed: Pushed) -> Iterator[str]:
    """Nothing is changed by a release after another one has taken over."""
    facts = pushed.facts
    for touch in pushed.touched:
        is_late = facts.took_over is not None and touch.at > facts.took_over
        if touch.is_write and is_late and touch.actor not in (HAND, facts.name):
            yield f"{touch.actor} wrote {touch.place} beside {facts.name}"


def _of_the_end(world: TriggerWorld) -> Iterator[str]:
    """Repeating the same push converges."""
    last = world.pushed[-1]
    bad = [str(i.result) for i in items_of(world, last) if i.status not in _LEFT and "INACTIVE" not in i.reason]
    if bad:
        yield f"the same push again does not come to rest: {bad}"
    if last.facts.writes:
        yield f"the same push again still makes {last.facts.writes} calls that change things"
