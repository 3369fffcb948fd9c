"""Plays a story of the model: whole releases against an account in memory, with all that happens in between.

What comes out are facts: what was asked, what was reported, what ran before and after, and who did what.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import threading
from functools import partial
from typing import Any

import pytest

from ecs_gitops.model.errors import LedgerRefused, LedgerUnavailable
from unit.fake_aws import ACCOUNT, REGION
from unit.fake_bucket import FakeBucket
from unit.memory_account import HAND, Account, State, image, old_tag, sidecar
from unit.memory_facts import Done, Facts, checks, deployments
from unit.memory_function import Aborted, Function, FunctionThread
from unit.memory_releases import Releases
from unit.memory_story import AFTER, AFTER_OF_TRIGGERS, Act, Push, Story

TARGETS = f"targets/{ACCOUNT}/{REGION}/service.json"
_MOMENTS = {**AFTER, **AFTER_OF_TRIGGERS}
_REDRIVEN_AFTER = 120.0
_LOOK = 25.0


class World:
    """``history`` has the facts of each push."""

    account_type: type[Account] = Account

    def __init__(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        self.story = story
        self.chance = random.Random(story.seed)  # noqa: S311 - the same again, also for the pauses between two tries
        self.account, self.bucket = self.account_type(), FakeBucket()
        self.history: list[Facts] = []
        self.between: list[Done] = []
        for (name, tag), word in story.images.items():
            self.account.push(name, tag, word)
        for name, settings in story.settings.items():
            tags = {old_tag(name): "x"} if name in story.left_failed else {}
            others = [(sidecar(name), image(sidecar(name), "1"))] if name in story.sidecars else []
            first = self.account.define(name, (name, image(name, "1")), *others, tags=tags)
            self.account.serve(name, first, desired=1, deploymentConfiguration=dict(settings))
        self.account.now += 20_000
        if story.stale:
            self.account.stale = lambda: self.chance.uniform(0, story.stale)
            self.account._remember()
        monkeypatch.setattr("ecs_gitops.aws.time_budget.random", self.chance)
        self.machine = Releases(self.account, monkeypatch, story.skew, self.bucket)
        self.machine.world = self
        self.facts: Facts | None = None
        self._after_abort: list[Function] = []
        self.account.on_call = self._on_call
        self.account.has_intent = self._has_intent
        self.bucket.hooks.update(before=self._ledger_called, after=self._ledger_done)
        self._down = self._is_unwritable = self._is_memory_down = False

    def play(self) -> list[Facts]:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                for step in self.story.steps:
                    if isinstance(step, Push):
                        if not (step.is_repeat and self._is_quiet()):
                            self._push(step)
                    else:
                        self.between.append(self._act(step))
        finally:
            for each in self._after_abort:
                each.end()
        return self.history

    def _is_quiet(self) -> bool:
        """Whether the push before was a repetition that changed nothing, so that one more changes nothing either."""
        last = self.history[-1]
        return last.push.is_repeat and not last.writes and last.memory_before == last.memory_after

    # --- pushes ------------------------------------------------------------------------------------------------------

    def _push(self, push: Push) -> None:
        self._down = self._is_unwritable = self._is_memory_down = False
        number = len(self.history) + 1
        facts = Facts(
            number, f"run-{number}", push, self.account.now, self.states(), self.memory(), self.between, alone=True
        )
        facts.registry, facts.written = dict(self.account.registry), (len(self.account.written), 0)
        facts.stale, facts.words, facts.seen = self.story.stale, self.account.words, deployments(self.account)
        facts.slow = self.story.slow
        facts.alone = not any(each.is_alive for each in self._after_abort)
        self.history.append(facts)
        self.between, self.facts = [], facts
        self.account.actor, self.account.refused = facts.name, set(push.refused)
        self.account.arm(self.chance, push.faults)
        self.machine.redrives = 0
        try:
            if push.abort is not None and push.ends == "goes on":
                run = partial(self.machine.run, push.manifest, facts.name)
                function = Function(self, facts, run, pause=self.story.pause or 5.0 * self.chance.randint(1, 4))
                self._after_abort.append(function)
                function.start()
                self.account.on_time = self._on_time
            else:
                facts.report = self.machine.run(push.manifest, facts.name)
        except (Aborted, LedgerUnavailable, LedgerRefused):
            facts.was_aborted = True
        finally:
            self.account.arm(self.chance, 0.0)
            self.account.actor, self.account.refused, self.facts = HAND, set(), None
        self._down = self._is_unwritable = self._is_memory_down = False
        facts.writes = self.account.writes[facts.name]
        facts.ended, facts.after, facts.memory_after = self.account.now, self.states(), self.memory()
        facts.written = (facts.written[0], len(self.account.written))
        facts.deployed, facts.checked = deployments(self.account), checks(self.account)
        facts.settings = self.account.written

    def states(self) -> dict[str, State]:
        return {name: self.account.state(name) for name in self.story.settings}

    def memory(self) -> dict[str, Any] | None:
        found = self.bucket.objects.get(TARGETS)
        try:
            return dict(json.loads(found.content)["targets"]) if found is not None else None
        except ValueError:
            return None

    # --- while a function runs ---------------------------------------------------------------------------------------

    def before_invocation(self) -> None:
        if isinstance(threading.current_thread(), FunctionThread):
            threading.current_thread().function.require_alive()

    def after_invocation(self) -> None:
        self.before_invocation()

    def is_redriven(self) -> bool:
        facts = self.facts
        if facts is None or facts.push.ends != "redriven" or self.machine.redrives:
            return False
        self.account.now += _REDRIVEN_AFTER
        return True

    def _has_intent(self, service: str) -> bool:
        attempt = ((self.memory() or {}).get(f"service shop/{service}") or {}).get("attempt") or {}
        return self.account.actor == HAND or str(attempt.get("execution", "")).endswith(f":{self.account.actor}")

    def _ledger_called(self, name: str, key: str) -> None:
        is_memory_down = self._is_memory_down and key in (TARGETS, "running.json")
        if self._down or is_memory_down or (self._is_unwritable and name == "write" and key == TARGETS):
            raise LedgerUnavailable("s3://ledger: SlowDown")
        self._on_call("ledger", False)

    def _ledger_done(self, name: str, key: str) -> None:
        if name == "write" and key == TARGETS and self.history:
            self.history[-1].remembered.append((self.account.now, self.account.actor))

    def _on_call(self, name: str, done: bool) -> None:
        thread, facts = threading.current_thread(), self.facts
        if isinstance(thread, FunctionThread) and thread.function.was_aborted:
            thread.function.pause()
            return
        if facts is None:
            return
        if done and name not in _MOMENTS:
            return
        when = _MOMENTS[name] if done else facts.calls + 1
        if done and when in facts.reached:
            return
        facts.reached.add(when)
        if self.story.slow and not done and name != "ledger" and not isinstance(thread, FunctionThread):
            self.account.now += self.story.slow
        facts.calls += not done
        if facts.took_over is None and name != "ledger":
            facts.took_over = self.account.now
        for moment, act in facts.push.during:
            if moment == when:
                facts.during.append(self._act(act))
        if when == facts.push.abort:
            if isinstance(thread, FunctionThread):
                facts.was_aborted = True
                thread.function.abort()
            else:
                raise Aborted

    def _on_time(self) -> None:
        if isinstance(threading.current_thread(), FunctionThread):
            return
        for each in self._after_abort:
            each.tick()
        if not any(each.is_alive for each in self._after_abort):
            self.account.on_time = None

    # --- acts --------------------------------------------------------------------------------------------------------

    def _act(self, act: Act) -> Done:
        actor, self.account.actor = self.account.actor, HAND
        facts, self.facts = self.facts, None
        rate, self.account.rate = self.account.rate, 0.0
        try:
            deployed = getattr(self, f"_{act.kind}")(act)
        finally:
            self.account.actor, self.facts, self.account.rate = actor, facts, rate
        if not isinstance(deployed, str):
            return Done(act, self.account.now)
        revision = self.account.services[act.service]["taskDefinition"].rsplit("/", 1)[-1]
        return Done(act, self.account.now, revision, deployed)

    def _hotfix(self, act: Act) -> str:
        name, tag = act.service, str(act.value)
        containers = {**self.account.images(name), name: image(name, tag)}
        return self.account.hotfix(name, self.account.define(name, *containers.items()))

    def _earlier(self, act: Act) -> str:
        """Somebody deploys a revision that ran before: the n-th of its family, or the last one before it that did."""
        arns = [arn for arn in self.account.definitions if f"/{act.service}:" in arn]
        ran = {each["taskDefinition"] for each in self.account.records if each["service"] == act.service}
        until = int(act.value) % len(arns)
        those = [arn for arn in arns[: until + 1] if arn.rpartition("/")[2] in ran]
        return self.account.hotfix(act.service, those[-1])

    def _force(self, act: Act) -> str:
        return self.account.force(act.service)

    def _settings(self, act: Act) -> None:
        self.account.settle_down(act.service, act.value)

    def _tag(self, act: Act) -> None:
        tag, word = act.value
        self.account.push(act.service, tag, word)

    def _wait(self, act: Act) -> None:
        until = self.account.now + float(act.value)
        while self.account.now < until:
            # ECS goes on when it is looked at.
            self.account.now = min(until, self.account.now + _LOOK)
            self.account._go_on()

    def _lose(self, act: Act) -> None:
        """The ledger loses all objects whose keys begin so."""
        for key in [key for key in self.bucket.objects if key.startswith(str(act.value))]:
            del self.bucket.objects[key]

    def _lose_step(self, act: Act) -> None:
        """The ledger loses the newest step of a release."""
        written = [key for key, _ in self.bucket.versions if key.startswith("work/") and key in self.bucket.objects]
        for key in written[-1:]:
            del self.bucket.objects[key]

    def _corrupt(self, act: Act) -> None:
        self.bucket.put(TARGETS, b'{"schemaVersion": 1, "targets"')

    def _corrupt_mended(self, act: Act) -> None:
        """Somebody deletes the object that nobody can read, as the message says."""
        if TARGETS in self.bucket.objects and self.memory() is None:
            del self.bucket.objects[TARGETS]

    def _down_for(self, act: Act) -> None:
        self._down = bool(act.value)

    def _unwritable(self, act: Act) -> None:
        """The memory can be read, and not written."""
        self._is_unwritable = bool(act.value)

    def _memory_down(self, act: Act) -> None:
        """Neither the memory nor the fence can be read or written; all else can."""
        self._is_memory_down = bool(act.value)

    def _rival(self, act: Act) -> None:
        """Another execution begins while this one runs."""
        current = self.history[-1]
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:{current.name}"
        status, self.machine.executions[arn] = self.machine.executions[arn], "RUNNING"
        push, last = Push(act.value), self.machine.__dict__.get("_last")
        name = f"{current.name}-rival-{len(current.rivals)}"
        rival = Facts(0, name, push, self.account.now, self.states(), self.memory(), [])
        self.account.actor = name
        rival.report = self.machine.run(push.manifest, name)
        rival.after, rival.memory_after, rival.writes = self.states(), self.memory(), self.account.writes[name]
        current.rivals.append(rival)
        self.machine.executions[arn], self.machine.__dict__["_last"] = status, last
