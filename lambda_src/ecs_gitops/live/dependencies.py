"""Dependencies of a batch's items, looked up for all of them together: images, secrets, roles, alarms.

A dependency that the deploy role may not read is NOT_CHECKED with the reason: a warning, neither a pass nor a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ecs_gitops.ecs.ecr import EcrImage, ecr_image
from ecs_gitops.live import services
from ecs_gitops.model import partition
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.item import join_names
from ecs_gitops.model.status import Finding
from ecs_gitops.plan.findings import FAILED, NOT_CHECKED, Cause, Checked

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ecs.definition_references import Reference
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item

K = TypeVar("K")

# Names of roles in a finding.
_ROLES_SHOWN = 3


# Result and reason; None where the check passes.
_Result = tuple[Finding, str] | None
# Of a repository: the digests, or why it could not be read.
_Answer: TypeAlias = "dict[str, str | AwsRefused | None] | AwsRefused"


def images(aws: Aws, items: Iterable[Item], budget: TimeBudget, region: str = "") -> list[Checked]:
    """The items with the digests of their ECR tags (``digests``), and the findings of the check ``image``. ``region``
    is where they are deployed: credentials of its partition are not valid in another one.

    One call for each repository, so that a tag has one digest in the whole release."""
    items = list(items)
    places: dict[tuple[str, str, str], dict[str, None]] = {}
    for image in (ecr_image(image) for item in items for image in item.desired.images.values()):
        if image is not None and not _elsewhere(image, region):
            places.setdefault(image.place, {})[image.reference] = None

    def ask(place: tuple[str, str, str]) -> _Answer:
        try:
            return budget.retry(lambda: aws.image_digests(*place, list(places[place])))
        except AwsRefused as error:
            return error

    answers = dict(zip(places, services.each(ask, list(places), budget), strict=True))
    filled = _Filled(aws, budget)
    return [_with_images(Checked(item), answers, filled, region) for item in items]


def _elsewhere(image: EcrImage, region: str) -> str | None:
    """The image's partition, where that differs from the partition of ``region``."""
    of_image = partition.of_region(image.region).id
    return of_image if region and of_image != partition.of_region(region).id else None


@dataclass(slots=True)
class _Filled:
    """Whether a pull-through cache rule fills a repository when an image is first pulled from it."""

    aws: Aws
    budget: TimeBudget
    _known: dict[tuple[str, str], set[str] | AwsRefused] = field(default_factory=dict)

    def may_be(self, image: EcrImage) -> bool:
        """True also where the rules may not be read."""
        place = image.account, image.region
        if place not in self._known:
            try:
                found = self.budget.retry(lambda: self.aws.pull_through_prefixes(*place))
                self._known[place] = found
            except AwsRefused as error:
                self._known[place] = error
        known = self._known[place]
        # The prefix ROOT matches every repository.
        return isinstance(known, AwsRefused) or any(
            prefix == "ROOT" or image.repository.startswith(f"{prefix}/") for prefix in known
        )


def _with_images(
    checked: Checked, answers: Mapping[tuple[str, str, str], _Answer], filled: _Filled, region: str
) -> Checked:
    digests = {}
    for name, text in checked.item.desired.images.items():
        image = ecr_image(text)
        finding: tuple[Finding, str]
        cause: Cause | None = None
        if image is None:
            finding, cause = (NOT_CHECKED, f"image {text}: not in ECR"), Cause.NOT_IN_ECR
        elif other := _elsewhere(image, region):
            finding = NOT_CHECKED, f"image {text}: its ECR is in partition {other}, where the deploy role is not valid"
        else:
            answer = answers[image.place]
            found = answer if isinstance(answer, AwsRefused) else answer.get(image.reference)
            if isinstance(found, str):
                digests[name] = found
                checked.findings.ok("image")
                continue
            finding = _image_finding(text, image, found, filled)
        result, reason = finding
        if result is NOT_CHECKED and checked.item.desired.pin_digest and "@" not in text:
            result, reason, cause = FAILED, f"pinDigest: {reason}", Cause.CANNOT_PIN
        checked.findings.add("image", result, reason, cause)
    checked.item = checked.item.with_change(digests=digests)
    return checked


def _image_finding(text: str, image: EcrImage, found: AwsRefused | None, filled: _Filled) -> tuple[Finding, str]:
    where = f"repository {image.repository} of account {image.account}, Region {image.region}"
    if found is not None and found.code != "RepositoryNotFoundException":
        return NOT_CHECKED, f"image {text}: {_refused(filled.aws, found)}"
    reason = f"image {text}: there is no {where}" if found else f"image {text}: {where} has no image {image.reference}"
    if filled.may_be(image):
        return NOT_CHECKED, f"{reason}; a pull-through cache rule may fetch it when it is pulled"
    return FAILED, reason


def references(aws: Aws, batch: Batch, going: Sequence[Checked], budget: TimeBudget) -> None:
    """The check ``secrets``: what the task definitions refer to exists."""
    known = list(dict.fromkeys(reference for checked in going for reference in checked.references))
    results = dict(zip(known, services.each(lambda r: _secret(aws, batch, r, budget), known, budget), strict=True))
    by_region: dict[str, list[Reference]] = {}
    for reference in known:
        if reference.service == "ssm" and results[reference] is None:
            by_region.setdefault(reference.region, []).append(reference)
    for region, group in by_region.items():
        results |= _parameters(aws, region, group, budget)
    _spread("secrets", [(checked, reference) for checked in going for reference in checked.references], results)


def _secret(aws: Aws, batch: Batch, reference: Reference, budget: TimeBudget) -> _Result:
    if reference.service == "ssm":
        if reference.name.startswith("/aws/"):
            return NOT_CHECKED, f"parameter {reference.name} is one of AWS's own"
        other = reference.account not in ("", batch.account)
        return (NOT_CHECKED, f"parameter {reference.name} is in account {reference.account}") if other else None
    try:
        found = budget.retry(lambda: aws.describe_secret(reference.region or None, reference.name))
    except AwsRefused as error:
        if error.code == "ResourceNotFoundException":
            return FAILED, f"secret {reference.name} does not exist"
        return NOT_CHECKED, f"secret {reference.name}: {_refused(aws, error)}"
    if found.get("DeletedDate"):
        return FAILED, f"secret {reference.name} is about to be deleted"
    return None


def _parameters(aws: Aws, region: str, group: Sequence[Reference], budget: TimeBudget) -> dict[Reference, _Result]:
    names = list(dict.fromkeys(name for reference in group for name in reference.names))
    try:
        known = budget.retry(lambda: aws.known_parameters(region or None, names))
    except AwsRefused as error:
        return {each: (NOT_CHECKED, f"parameter {each.name}: {_refused(aws, error)}") for each in group}
    return {
        each: None if known.intersection(each.names) else (FAILED, f"parameter {each.name} does not exist")
        for each in group
    }


def roles(aws: Aws, batch: Batch, going: Sequence[Checked], budget: TimeBudget) -> None:
    """The check ``passRole``: the deploy role may pass the roles of task definitions, targets and lifecycle hooks."""
    by_service: dict[str, dict[str, None]] = {}
    for role, service in (pair for checked in going for pair in checked.roles):
        by_service.setdefault(service, {})[role] = None
    results: dict[tuple[str, str], _Result] = {}
    for service, role_arns in by_service.items():
        results |= _passable(aws, batch, service, list(role_arns), budget)
    _spread("passRole", [(checked, pair) for checked in going for pair in checked.roles], results)


def _passable(
    aws: Aws, batch: Batch, service: str, role_arns: list[str], budget: TimeBudget
) -> dict[tuple[str, str], _Result]:
    try:
        allowed = budget.retry(lambda: aws.may_pass(batch.role_arn, role_arns, service))
    except AwsRefused as error:
        return {(role, service): (NOT_CHECKED, f"role {role}: {_refused(aws, error)}") for role in role_arns}
    hint = "add it to pass_role_arns of the deploy role"
    return {
        (role, service): None
        if allowed.get(role)
        else (FAILED, f"{batch.role_arn} may not pass role {role} to {service}: {hint}")
        if role in allowed
        else (NOT_CHECKED, f"role {role}: IAM does not say whether it may be passed")
        for role in role_arns
    }


def alarms(aws: Aws, going: Sequence[Checked], budget: TimeBudget) -> None:
    """The alarms in the desired settings exist; a part of the check ``settings``."""
    names = list(dict.fromkeys(name for checked in going for name in checked.alarms))
    if not names:
        return
    results: dict[str, _Result]
    try:
        known = budget.retry(lambda: aws.known_alarms(names))
        results = {name: None if name in known else (FAILED, f"alarm {name} does not exist") for name in names}
    except AwsRefused as error:
        results = {name: (NOT_CHECKED, f"alarm {name}: {_refused(aws, error)}") for name in names}
    _spread("settings", [(checked, name) for checked in going for name in checked.alarms], results)


def _spread(check: str, keys: Iterable[tuple[Checked, K]], results: Mapping[K, _Result]) -> None:
    """Add the result of each key to the findings of the items that have it."""
    for checked, key in keys:
        finding = results[key]
        if finding is None:
            checked.findings.ok(check)
        else:
            checked.findings.add(check, *finding)


def unknown_deploy_role(going: Sequence[Checked]) -> None:
    """The check ``passRole`` where the deploy role is not known."""
    for checked in going:
        if checked.roles:
            names = join_names([role for role, _ in checked.roles], _ROLES_SHOWN)
            checked.findings.add("passRole", NOT_CHECKED, f"role {names}: the deploy role is not known")


def _refused(aws: Aws, error: AwsRefused) -> str:
    return f"{aws.reader} may not read it ({error.operation})" if error.is_denied else str(error)
