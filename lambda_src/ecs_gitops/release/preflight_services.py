"""The check of services before a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ecs_gitops.ecs.deployment_settings import ROLLING, strategy
from ecs_gitops.ecs.revision_tags import other_machine
from ecs_gitops.ecs.service import require_deployable
from ecs_gitops.ecs.task_definition import arn
from ecs_gitops.flow.transitions import hold, unchanged
from ecs_gitops.ledger import upgrade
from ecs_gitops.ledger.targets import Memories
from ecs_gitops.live import services
from ecs_gitops.live.attempts import settle, with_marks
from ecs_gitops.live.revisions import described, is_active, status_of
from ecs_gitops.live.service_state import read_service_state
from ecs_gitops.live.services import ServiceAnswers
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import Item
from ecs_gitops.model.types import Json
from ecs_gitops.plan.decision import Decision, Deploy, Held, Join, Unchanged
from ecs_gitops.plan.findings import NOT_CHECKED, WARNING, Checked
from ecs_gitops.plan.service_checks import check_service
from ecs_gitops.plan.services import plan_service
from ecs_gitops.release.preflight import Preflight

_RIVAL = "deployed what runs: two instances on one service do not know of each other; leave it to one of them"


@dataclass(slots=True)
class ServicePreflight(Preflight):
    _answers: ServiceAnswers = field(default_factory=dict)
    _memories: Memories = field(default_factory=dict)

    def prepare(self, items: Sequence[Item]) -> None:
        """Raises :class:`LedgerUnavailable` and :class:`LedgerRefused` where what is remembered cannot be read."""
        self._memories = self.ledger.targets.read() or {}
        self._answers = services.describe_services(self.aws, items, self.budget)

    def check(self, checked: Checked) -> Checked:
        item, now = checked.item, self.budget.clock()
        answer = self._answers[item.number]
        if isinstance(answer, AwsRefused):
            raise answer
        service = require_deployable(answer, item.cluster, item.name)
        checked.findings.ok("target")
        live = read_service_state(self.aws, item, service)
        known = upgrade.remembered(self._memories, item, short(arn(live.definition)), live.tags)
        memory = with_marks(self.aws, item, live, settle(self.aws, item, service, known, self.release))
        plan = plan_service(item, live, self.release, memory, now)
        checked.compared = live, plan
        checked.findings.ok("container")
        for warning in plan.warnings:
            checked.findings.add("container", WARNING, warning)
        for warning in plan.adopted:
            checked.findings.add("image", WARNING, warning)
        if live.unknown:
            checked.findings.add("image", NOT_CHECKED, live.unknown)
        for warning in self._revisions(live.definition, plan.decision):
            checked.findings.add("target", WARNING, warning)
        if (other := other_machine(live.tags, self.release)) is not None:
            checked.findings.add("target", WARNING, f"another instance of ecs-gitops, {other}, {_RIVAL}")
        decision = plan.decision
        # Stored with the item: the deployment plans again, and compares.
        checked.item = item = replace(item, change=plan.change)
        if isinstance(decision, Held) and not decision.configure:
            checked.item = hold(item, decision.revision, now, decision.by)
        elif isinstance(decision, Unchanged) and not decision.configure:
            checked.item = unchanged(item, decision.revision, now)
        else:
            if strategy(plan.configuration) != ROLLING:
                # Such a rollout is judged by service deployments, so the check makes sure that they can be read.
                self.aws.service_deployments(item.cluster, item.name, going_on=True)
            check_service(checked, live, plan, self.release)
        return checked

    def _revisions(self, live: Json, decision: Decision) -> list[str]:
        """Warnings about revisions that cannot be deployed again: the one that runs, and the one to roll back to."""
        found = []
        if not is_active(live):
            advice = "it runs on, and can no longer be deployed; a rollback registers a copy of it as a new revision"
            found.append(f"{short(arn(live))} is {status_of(live)}: {advice}")
        back = decision.previous if isinstance(decision, Deploy | Join) else None
        if back is not None and short(back) != short(arn(live)):
            try:
                previous, _ = described(self.aws, back)
            except ItemFailed as error:
                found.append(f"{error}: there is no revision to roll back to")
            else:
                if not is_active(previous):
                    advice = "a rollback to it registers a copy of it as a new revision"
                    found.append(f"{short(arn(previous))} is {status_of(previous)}: {advice}")
        return found
