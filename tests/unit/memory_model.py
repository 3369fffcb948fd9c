"""What must be true of releases that remember, judged by the facts alone: the account, the reports, the ledger.

Written from the text of the rules (docs/architecture/memory.md), and not from the package: it imports nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unit.memory_account import HAND, Account
from unit.memory_facts import Facts
from unit.memory_item import GOOD, LATE, Item, Known, Tried, Unreported, settings_of
from unit.memory_outcome import outcome_of
from unit.memory_rules import RULES
from unit.memory_story import Story


class Model:
    """Judges the history of one world."""

    def __init__(self, account: Account, story: Story, history: list[Facts]) -> None:
        self.account, self.history = account, history
        self.known = {name: Known(settings_of(given)) for name, given in story.settings.items()}
        for name in story.left_failed:
            self.known[name].marked.add(f"{name}:1")
            if history[0].before[name].revision == f"{name}:1":
                self.known[name].bad.add(f"{name}:1")
        self.first = story.settings
        self._written = 0

    def lies(self) -> list[str]:
        found = []
        for facts in self.history:
            self._hands(facts, facts.written[0])
            found += [f"push {facts.number}: {lie}" for lie in self._of_push(facts)]
        return found + list(self._of_the_end())

    def _hands(self, facts: Facts, until: int) -> None:
        """Members of settings that somebody wrote stand from then on."""
        for at, actor, service, members in self.account.written[self._written : until]:
            item, known = Item(facts, service, facts.asked[service], {}), self.known[service]
            if actor != HAND:
                continue
            if item.was_too_late(at, members):
                known.perhaps.append(members)
            else:
                known.settings = settings_of(known.settings, members)
        self._written = until

    def _of_push(self, facts: Facts) -> Iterator[str]:
        for done in (*facts.between, *facts.during):
            if done.act.kind in ("lose", "corrupt") and done.act.value != "work/":
                self._forget(facts)
        for rival in facts.rivals:
            yield from self._of_rival(rival)
        if facts.report is not None and not facts.items:
            yield from self._of_refused(facts)
        for name, known in self.known.items():
            known.shown = self._shown(facts, name)
            self._late(facts, name, known)
        self._hands(facts, facts.written[1])
        for name, asked in facts.asked.items():
            item, known = Item(facts, name, asked, facts.items.get(name, {})), self.known[name]
            if facts.report is not None and facts.items:
                for rule in RULES:
                    yield from (f"{name}: {rule.__name__}: {lie}: {dict(item.result)}" for lie in rule(item, known))
            self._learn(item, known)
        yield from self._of_writers(facts)
        is_unknown = facts.report is None or any(
            str(r.get("reason")).startswith("unknown") for r in facts.items.values()
        )
        if is_unknown and any(done.act.kind == "memory_down" for done in facts.during):
            yield "it came to no report, though the memory alone was down, and nothing more was to be begun"

    def _forget(self, facts: Facts) -> None:
        """The ledger is lost: what is live counts as what was before."""
        for name, known in self.known.items():
            # Those that failed may have a tag that says so.
            known.marked |= known.bad | set(known.doubtful)
            known.tried, known.bad, known.doubtful, known.is_new = Tried(), set(), {}, True
            # A function that goes on may have written afterwards what was before, and an old answer may still show it.
            known.perhaps = ([known.settings] if known.unreported else []) + self._shown(facts, name)
            known.settings = settings_of(facts.before[name].settings)
            known.unreported.clear()

    def _shown(self, facts: Facts, name: str) -> list[Mapping[str, Any]]:
        """The settings that an old answer may still show: those before each of the last writes."""
        found, older = [], self.first[name]
        for when, actor, service, value in facts.settings[: facts.written[0]]:
            if service == name:
                found += [older] if when >= facts.began - facts.stale else []
                older = {**older, **value} if actor == HAND else dict(value)
        return found if facts.stale else []

    # --- what is learned ---------------------------------------------------------------------------------------------

    def _late(self, facts: Facts, name: str, known: Known) -> None:
        """What releases without a report deployed until now, also after they were aborted. Without a hook, ECS's record
        is the verdict, and then their settings stand."""
        for one in tuple(known.unreported):
            those = [d for d in facts.seen if d.service == name and d.revision not in one.earlier | known.reported]
            made = [d.revision for d in those if d.by == one.name and one.digests.items() <= d.digests.items()]
            # Its function may have gone on, and have written that the hook on what ran already was good.
            passed = {c.revision for c in facts.checked if c.at >= one.began and c.passed and c.hook == "postDeploy"}
            known.marked |= (known.bad | known.doubtful.keys()) & passed
            known.bad -= passed
            known.doubtful = {each: needs for each, needs in known.doubtful.items() if each not in passed}
            # Its hook may have been good: the verdict on that may have been written, or not.
            known.doubtful |= dict.fromkeys((each for each in made if each not in passed), one.has_hook)
            # Where its tag was moved before it pulled, it is its own, too; or what it took back.
            known.marked |= passed | {d.revision for d in those if d.by == one.name and d.revision not in made}
            newest = [d for d in those if d.revision in made][-1:]
            if newest and newest[0].has_given_up and len(known.unreported) == 1:
                # ECS's word is the verdict on an attempt that has none.
                known.tried = Tried(one.text, tuple(one.digests.values()), "failed")
            if not one.has_hook and newest and newest[0].status == "SUCCESSFUL":
                if any(other is not one and one.began < other.began < newest[0].changed for other in known.unreported):
                    # It was joined by a release that may have put back what it wrote.
                    known.perhaps.append(known.settings)
                if any(d.service == name and d.by == one.name and d.at > newest[0].at for d in facts.seen):
                    # It was taken back with its release, and its settings with it.
                    known.perhaps.append(known.settings)
                known.settings = settings_of(known.settings, one.owned)
                # What a person has set since stays.
                until = facts.written[0]
                for at, actor, service, members in self.account.written[:until]:
                    if (actor, service) == (HAND, name) and at >= one.began:
                        known.perhaps.append(known.settings)
                        known.settings = settings_of(known.settings, members)
                known.unreported.remove(one)
                continue
            # Perhaps only while this release waited for what the one before had begun.
            its = [d for d in facts.deployed if d.service == name and d.by == one.name and d.revision in made]
            came_up = any(d.status == "SUCCESSFUL" for d in its)
            if not made or (not passed.isdisjoint(made) if one.has_hook else came_up):
                # It changed settings alone, joined what somebody deployed, or was good before it died, or before
                # somebody deployed it again: its verdict may have been written, or not.
                known.perhaps.append(one.owned)

    def _learn(self, item: Item, known: Known) -> None:
        facts, after = item.facts, item.after
        # What came up so late that the release which replaced it need not have seen that.
        known.marked |= item.changed_late & known.doubtful.keys() if item.deployed else set()
        earlier = {d.revision for d in facts.deployed if d.at < facts.began} | known.reported
        made = {d.revision for d in item.deployed if item.has_digests(d.digests)}
        # Also where its tag was moved meanwhile: no hook runs on what is rolled back to.
        made = (made | {d.revision for d in item.deployed if item.last_check(d.revision) is False}) - earlier
        if item.status == "ROLLED_BACK" and len(item.deployed) > 1:
            # The last one is what it was rolled back to, perhaps a copy with the same digest.
            made.discard(item.deployed[-1].revision)
        if "batch_get_image" in facts.push.refused:
            known.unread.add(item.text)
        if facts.report is None or not item.result:
            self._learn_unreported(item, known, made, earlier)
            return
        known.unreported.clear()
        may_be_lost = any(done.act.kind in ("down_for", "unwritable") for done in (*facts.between, *facts.during))
        # After a check that failed nothing is written, also of what it found unchanged.
        may_be_lost = may_be_lost or facts.report.get("error") == "CheckFailed"
        known.is_new = known.is_new and (may_be_lost or item.status not in (*GOOD, "ROLLED_BACK"))
        if item.is_judged_and_returned:
            known.bad.discard(after.revision)
        live = settings_of(after.settings)
        is_clear = facts.alone and not item.says("put back by the next release", "could not be remembered")
        # Where an old answer hid what was left behind, a release that changes nothing leaves it to the next one.
        is_clear = is_clear and item.status in (*GOOD, "ROLLED_BACK", "" if known.shown else "HELD")
        # An old answer may have put back what was before the last write.
        if (known.perhaps or known.shown) and is_clear and known.settings_may_be(live):
            known.settings, known.perhaps = live, []
        if item.status in GOOD or item.is_good_and_left:
            self._learn_good(item, known)
        elif item.status in ("FAILED", "ROLLED_BACK"):
            self._learn_failure(item, known, made)
        elif item.status == "SKIPPED" and known.tried.text != item.text:
            known.tried = Tried()

    def _learn_good(self, item: Item, known: Known) -> None:
        after = item.after
        # Where it may not have seen that the tag names another image, it is not that image which was good.
        is_clear = item.is_left_alone and not item.is_moved and item.runs(after)
        known.tried = Tried(item.text, tuple(item.digests.values()), "good" if is_clear else "unclear")
        owned = item.asked.get("deployment", {})
        if "could not be remembered" in item.reason:
            # The next release may take it, and its settings, for those of one that did not end.
            known.perhaps += [known.settings, *known.shown]
            known.marked.add(after.revision)
        # Where an old answer had what Git asks for, nothing was written.
        is_as_it_was = item.runs(after) or item.may_see_old_settings
        known.settings = settings_of(after.settings) if is_as_it_was else settings_of(known.settings, owned)
        is_replaced = after.revision != item.before.revision
        if is_replaced and item.reason.startswith("judged again") and item.before.revision in known.bad:
            # Somebody deployed meanwhile. What ran was found good before.
            known.bad.discard(item.before.revision)
            known.marked.add(item.before.revision)
        if item.runs(after):
            known.reported.add(after.revision)
            known.doubtful.pop(after.revision, None)
            if item.last_check(after.revision) is not False:
                known.bad.discard(after.revision)

    def _learn_unreported(self, item: Item, known: Known, made: set[str], earlier: set[str]) -> None:
        facts = item.facts
        if facts.writes or facts.was_aborted:
            known.tried = Tried()
        # Where its tag was moved meanwhile, it pulled another image than was asked for.
        pulled = {d.revision for d in item.deployed if item.is_moved} - earlier
        # What it took back it had failed, and what runs then is what ran before.
        copies = {d.revision for d in item.deployed[1:] if d.digests == item.before.digests}
        passed = {each for each in made | pulled if item.last_check(each) is True}
        known.marked |= passed
        known.doubtful |= dict.fromkeys((made | pulled) - copies - passed, item.has_hook())
        if item.has_hook() and not item.deployed and item.has_images(item.before):
            # It may have joined what somebody deployed, and have died before the hook.
            known.marked.add(item.before.revision)
        owned = item.asked.get("deployment", {})
        one = Unreported(facts.name, item.text, item.digests, frozenset(earlier), owned, item.has_hook(), facts.began)
        known.unreported.append(one)
        # It may have written over them what an old answer had.
        known.perhaps += known.shown
        if item.before.revision in known.bad and item.runs(item.before) and not item.has_hook():
            # It may have judged again what runs, and have found it good.
            known.bad.discard(item.before.revision)
            known.marked.add(item.before.revision)

    def _learn_failure(self, item: Item, known: Known, made: set[str]) -> None:
        if item.facts.report is not None and item.facts.report.get("error") == "CheckFailed":
            return
        if not item.deployed and not item.before.is_settled:
            # What it joined it may have called a failure, also where another image of that revision ran before.
            known.marked.add(item.before.revision)
        outcome = outcome_of(item)
        judged = made or ({item.after.revision} if item.last_check(item.after.revision) is False else set())
        if outcome == "failed":
            known.bad |= judged
            known.reported -= judged
        elif outcome == "unclear":
            # A hook that passed after somebody else's deployment took its place is no verdict of a release.
            passed = {each for each in judged if item.last_check(each) is True}
            # What it took back it may have called a failure.
            known.marked |= judged if item.status == "ROLLED_BACK" else passed
            known.doubtful |= dict.fromkeys(judged - passed, item.has_hook())
        if ("unknown" in item.reason or "superseded" in item.reason) and not item.has_hook():
            # ECS's record may say later that it was good, also where somebody deployed it. Then its settings stand.
            known.perhaps.append(item.asked.get("deployment", {}))
        known.tried = Tried(item.text, tuple(item.digests.values()), outcome)

    # --- the release as a whole --------------------------------------------------------------------------------------

    def _of_rival(self, rival: Facts) -> Iterator[str]:
        report = rival.report or {}
        is_unreadable = "LedgerUnavailable" in str(report.get("cause"))
        if report.get("error") != "ReleaseInProgress" and not is_unreadable:
            yield f"two executions at once: {report.get('error')}"
        yield from self._of_refused(rival)

    def _of_refused(self, facts: Facts) -> Iterator[str]:
        if facts.writes:
            error = (facts.report or {}).get("error")
            yield f"refused with {error}, and it made {facts.writes} calls that change things"

    def _of_writers(self, facts: Facts) -> Iterator[str]:
        """Nothing is changed by a release after another one has taken over."""
        earlier = {f"run-{number}" for number in range(1, facts.number)}
        if facts.took_over is None:
            return
        # Without the fence, nobody knows of a function that may still begin a call.
        lost = [done.at + LATE for done in facts.between if done.act.kind == "lose" and not done.act.value]
        for one in facts.deployed:
            if one.by in earlier and max(facts.took_over, *lost, 0.0) < one.at <= facts.ended:
                yield f"{one.by} deployed {one.revision} beside {facts.name}"
        # Beside a function that goes on itself, the earlier ones stand still, for longer than a call may take.
        for at, by in () if facts.push.abort is not None and facts.push.ends == "goes on" else facts.remembered:
            if by in earlier and at > facts.took_over:
                yield f"{by} wrote what it remembers beside {facts.name}"

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
        if any(item.status == "FAILED" for item in items):
            # What it takes back with it is deployed, and taken back, each time.
            items = [item for item in items if "with the release" not in item.reason]
        for item in items:
            # It may have been repeated so soon that it read what was before.
            is_in_sight = not last.stale or item.is_settled_in_sight
            if is_in_sight and item.before != item.after:
                yield f"{item.name}: the same push goes on changing it: {item.before} {item.after} {dict(item.result)}"
