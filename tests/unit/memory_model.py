"""What must be true of releases that remember, judged by the facts alone: the account, the reports, the ledger.

Written from the text of the rules (docs/architecture/memory.md), and not from the package: it imports nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from unit.memory_account import HAND, Account, State
from unit.memory_world import Deployed, Done, Facts

GOOD = ("DEPLOYED", "UNCHANGED")
_DEPLOYS = ("hotfix", "earlier", "force")
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


@dataclass(slots=True)
class Known:
    """What must be remembered of a service. ``bad`` are revisions whose last verdict was a failure, ``doubtful`` those
    without any. ``settings`` are those that stand while nothing of a failed release counts."""

    settings: dict[str, Any]
    tried: Tried = field(default_factory=Tried)
    bad: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)

    def is_in_doubt(self, revision: str) -> bool:
        return revision in self.bad or revision in self.doubtful


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
    def digest(self) -> str:
        return self.facts.registry.get(str(self.asked["image"]).rpartition("/")[2], "")

    @property
    def is_forced(self) -> bool:
        return bool(self.asked.get("forceNewDeployment"))

    def has_hook(self, name: str = "postDeploy") -> bool:
        return name in self.asked.get("hooks", {})

    def hook_fails(self, name: str = "postDeploy") -> bool:
        return "fail" in self.asked.get("hooks", {}).get(name, {}).get("command", ())

    def runs(self, state: State) -> bool:
        """Whether ``state`` is what Git asks for."""
        return state.images == {self.name: self.asked["image"]} and state.digests == {self.name: self.digest}

    @property
    def hands(self) -> list[Done]:
        """What somebody did with the service while the release ran."""
        return [done for done in self.facts.during if done.act.service == self.name and done.act.kind != "tag"]

    @property
    def is_left_alone(self) -> bool:
        return not self.hands and self.facts.alone and not self.is_unseen

    @property
    def is_unseen(self) -> bool:
        """Whether somebody deployed so short before the release that its reads may not have shown it."""
        since = self.facts.began - self.facts.stale
        return any(d.by == HAND and d.service == self.name and d.at > since for d in self.facts.deployed)

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


class Model:
    """Judges the history of one world."""

    def __init__(self, account: Account, settings: Mapping[str, Mapping[str, Any]], history: list[Facts]) -> None:
        self.account, self.history = account, history
        self.known = {name: Known(settings_of(given)) for name, given in settings.items()}
        self._written = 0

    def lies(self) -> list[str]:
        found = []
        for facts in self.history:
            self._hands(facts.written[0])
            found += [f"push {facts.number}: {lie}" for lie in self._of_push(facts)]
        return found + list(self._of_the_end())

    def _hands(self, until: int) -> None:
        """Settings that somebody wrote stand from then on."""
        for _, actor, service, settings in self.account.written[self._written : until]:
            if actor == HAND:
                self.known[service].settings = settings_of(settings)
        self._written = until

    def _of_push(self, facts: Facts) -> Iterator[str]:
        for done in (*facts.between, *facts.during):
            if done.act.kind in ("lose", "corrupt"):
                self._forget()
        for rival in facts.rivals:
            yield from self._of_rival(rival)
        if facts.report is not None and not facts.items:
            yield from self._of_refused(facts)
        self._hands(facts.written[1])
        for name, asked in facts.asked.items():
            item, known = Item(facts, name, asked, facts.items.get(name, {})), self.known[name]
            if facts.report is not None and facts.items:
                from unit.memory_rules import RULES  # noqa: PLC0415

                for rule in RULES:
                    yield from (
                        f"{name}: {rule.__name__}: {lie}: {dict(item.result)}" for lie in rule(item, known, self)
                    )
            self._learn(item, known)
        yield from self._of_writers(facts)

    def _forget(self) -> None:
        for known in self.known.values():
            known.tried, known.bad, known.doubtful = Tried(), set(), set()

    def could_fail(self, item: Item) -> bool:
        """Whether anything of what Git asks for can fail."""
        return (
            self.account.words.get(item.digest, "good") != "good" or item.hook_fails() or bool(item.facts.push.faults)
        )

    # --- what is learned ---------------------------------------------------------------------------------------------

    def _learn(self, item: Item, known: Known) -> None:
        facts, after = item.facts, item.after
        made = {d.revision for d in item.deployed if d.digests == {item.name: item.digest}} - known.reported
        if facts.report is None or not item.result:
            if facts.writes or facts.was_aborted:
                known.tried = Tried()
            known.doubtful |= made
            return
        if item.status in GOOD:
            known.tried = Tried(item.text, (item.digest,), "good" if item.is_left_alone else "unclear")
            if item.runs(after):
                known.settings = settings_of(after.settings)
                known.reported.add(after.revision)
                known.doubtful.discard(after.revision)
                if item.last_check(after.revision) is not False:
                    known.bad.discard(after.revision)
        elif item.status in ("FAILED", "ROLLED_BACK"):
            self._learn_failure(item, known, made)
        elif item.status == "SKIPPED" and known.tried.text != item.text:
            known.tried = Tried()

    def _learn_failure(self, item: Item, known: Known, made: set[str]) -> None:
        if item.facts.report is not None and item.facts.report.get("error") == "CheckFailed":
            return
        outcome = self._outcome(item)
        judged = made or ({item.after.revision} if item.last_check(item.after.revision) is False else set())
        if outcome == "failed":
            known.bad |= judged
            known.reported -= judged
        elif outcome == "unclear":
            known.doubtful |= judged
        known.tried = Tried(item.text, (item.digest,), outcome)

    def _outcome(self, item: Item) -> str:
        if not item.is_left_alone or item.facts.push.faults or item.facts.push.refused or item.facts.was_aborted:
            return "unclear"
        if any(done.act.kind == "down_for" for done in item.facts.during):
            return "unclear"
        if "hook preDeploy" in item.reason:
            return "untouched"
        if item.reason.startswith("rolled back with the release"):
            return "returned"
        has_broken = self.account.words.get(item.digest) in ("bad", "never") and bool(item.deployed)
        return "failed" if has_broken or ("hook postDeploy" in item.reason and item.hook_fails()) else "unclear"

    # --- the release as a whole --------------------------------------------------------------------------------------

    def _of_rival(self, rival: Facts) -> Iterator[str]:
        report = rival.report or {}
        is_unreadable = "LedgerUnavailable" in str(report.get("cause"))
        if report.get("error") != "ReleaseInProgress" and not is_unreadable:
            yield f"two executions at once: {report.get('error')}"
        yield from self._of_refused(rival)

    def _of_refused(self, facts: Facts) -> Iterator[str]:
        if facts.writes:
            yield f"refused with {(facts.report or {}).get('error')}, and it made {facts.writes} calls that change things"

    def _of_writers(self, facts: Facts) -> Iterator[str]:
        """Nothing is changed by a release after another one has taken over."""
        earlier = {f"run-{number}" for number in range(1, facts.number)}
        if facts.took_over is None:
            return
        for one in facts.deployed:
            if one.by in earlier and facts.took_over < one.at <= facts.ended:
                yield f"{one.by} deployed {one.revision} beside {facts.name}"

    def _of_the_end(self) -> Iterator[str]:
        by_hand = {d.deployment for facts in self.history for d in facts.deployed if d.by == HAND}
        yield from (f"somebody's deployment {each} was stopped" for each in self.account.stops if each in by_hand)
        repeats = [facts for facts in self.history if facts.push.is_repeat]
        if len(repeats) < 4:
            return
        last = repeats[-1]
        items = [Item(last, name, asked, last.items.get(name, {})) for name, asked in last.asked.items()]
        if any(item.is_forced or item.hook_fails() or item.hook_fails("preDeploy") for item in items):
            return
        for item in items:
            name = item.name
            if last.before[name] != last.after[name]:
                yield f"{name}: the same push goes on changing it: {item.before} {item.after} {dict(item.result)}"
