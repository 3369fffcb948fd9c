"""The findings of the checks before a release, for each item. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ecs_gitops.ecs.definition_references import secrets_and_parameters, unchecked
from ecs_gitops.ecs.revision_tags import VALUE_AT_MOST, tags_for
from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.status import Finding

if TYPE_CHECKING:
    from ecs_gitops.ecs.definition_references import Reference
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json
    from ecs_gitops.plan.services import LiveService, ServicePlan
    from ecs_gitops.plan.triggers import TriggerPlan

OK, FAILED, NOT_CHECKED, WARNING = Finding.OK, Finding.FAILED, Finding.NOT_CHECKED, Finding.WARNING
# Each check with what passes it. The order is that of an item's `checks`.
CHECKS = {
    "role": "the account's deploy role can be assumed",
    "target": "the service, rule or schedule is there and can be driven",
    "container": "the task definition has the containers",
    "image": "the images are in their ECR repositories",
    "secrets": "what the task definition refers to is there: secrets, parameters, files, file systems",
    "passRole": "the deploy role may pass the roles that go with it",
    "settings": "the deployment settings fit the service",
    "downtime": "the service's settings do not interrupt it",
}
_WORST_FIRST = tuple(Finding)
_PREFIXES = {NOT_CHECKED: "not checked: ", WARNING: ""}


class Cause(StrEnum):
    """The cause of a finding of the check `image`, where the release depends on it."""

    NOT_IN_ECR = "NOT_IN_ECR"
    CANNOT_PIN = "CANNOT_PIN"


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding of a check; ``text`` is for people."""

    check: str
    result: Finding
    text: str
    cause: Cause | None = None


@dataclass(slots=True)
class Findings:
    """The findings of one item: the result of each check and, unless that is OK, the reasons."""

    results: dict[str, Finding] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)

    def ok(self, check: str) -> None:
        self.results.setdefault(check, OK)

    def add(self, check: str, result: Finding, text: str, cause: Cause | None = None) -> None:
        known = self.results.get(check, OK)
        self.results[check] = min(known, result, key=_WORST_FIRST.index)
        self.reasons.append(Reason(check, result, text, cause))

    @property
    def failed(self) -> str:
        """Why the item cannot be deployed; empty when it can."""
        return "; ".join(reason.text for reason in self.reasons if reason.result is FAILED)

    @property
    def cannot_pin(self) -> str:
        """Why an image cannot be pinned to its digest; empty when every one can that has to be."""
        return "; ".join(reason.text for reason in self.reasons if reason.cause is Cause.CANNOT_PIN)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The reasons of results NOT_CHECKED and WARNING."""
        found = (_PREFIXES[each.result] + each.text for each in self.reasons if each.result in _PREFIXES)
        return tuple(dict.fromkeys(found))

    @property
    def checks(self) -> dict[str, str]:
        """The result of each check that was made, in the order of :data:`CHECKS`."""
        return {check: self.results[check] for check in CHECKS if check in self.results}

    def copy(self) -> Findings:
        return Findings(dict(self.results), list(self.reasons))

    def of_unchanged(self) -> Findings:
        """The findings of an item that is not deployed. A missing image is a risk, but no failure of this release.
        Images outside of ECR are a warning only where they are deployed."""
        kept = [each for each in self.reasons if each.cause is not Cause.NOT_IN_ECR]
        return Findings(self.results, [replace(r, result=WARNING) if r.result is FAILED else r for r in kept])


@dataclass(slots=True)
class Checked:
    """An item, its findings, and what is looked up for all items together: references, roles with the service that
    each is passed to, and alarms. ``compared`` is what the plan was made of; None where there is none."""

    item: Item
    findings: Findings = field(default_factory=Findings)
    references: tuple[Reference, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    alarms: tuple[str, ...] = ()
    compared: tuple[LiveService, ServicePlan] | TriggerPlan | None = None

    @property
    def is_to_be_deployed(self) -> bool:
        return not self.item.is_final and not self.findings.failed

    def refers_to(self, *definitions: Json) -> None:
        """Have the references of these task definitions looked up. Those that cannot be are a finding."""
        known = [each for definition in definitions for each in secrets_and_parameters(definition)]
        self.references = tuple(dict.fromkeys(known))
        for text in dict.fromkeys(text for definition in definitions for text in unchecked(definition)):
            self.findings.add("secrets", NOT_CHECKED, text)


def check_tags(
    findings: Findings, release: Release, previous: str, tags: Mapping[str, str], digests: Mapping[str, str]
) -> None:
    """Whether a new revision in place of ``previous``, which has ``tags``, can have the tags that it needs."""
    try:
        tags_for(release, previous, tags, digests)
    except ItemFailed as error:
        findings.add("container", FAILED, str(error))
        return
    if len(name := short(previous)) >= VALUE_AT_MOST:
        # A copy for a rollback names the new revision, whose number may have a digit more.
        text = f"{name} has {len(name)} characters: a copy of it for a rollback could not be tagged with its name"
        findings.add("container", FAILED, f"{text}; use a family with a shorter name")
