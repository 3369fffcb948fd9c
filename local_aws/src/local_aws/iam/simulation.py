"""IAM's SimulatePrincipalPolicy: each action on each resource, by the role's policies and permissions boundary.

ministack looks at the first resource, at no context, and knows no missing role.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
_PAGE = 100


def mend() -> None:
    """Apply the mend of this module."""
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = _simulate


def _simulate(form: Any) -> Any:
    arn = iam._p(form, "PolicySourceArn")
    name, account = arn.rsplit("/", 1)[-1], get_account_id()
    role = iam._roles.get(name)
    if role is None or role["Arn"] != arn:
        return iam._error(404, "NoSuchEntity", f"The role with ARN {arn} cannot be found.", ns="iam")
    policies = iam_evaluator._gather_role_policies(name, account)
    boundary = iam_evaluator._permissions_boundary(iam._roles, name, account)
    keys = _context(form)
    pairs = [
        (action, resource)
        for action in _members(form, "ActionNames")
        for resource in list(_members(form, "ResourceArns")) or ["*"]
    ]
    start, size = int(iam._p(form, "Marker") or 0), int(iam._p(form, "MaxItems") or _PAGE)
    results = "".join(
        _result(_case(arn, action, resource, keys), policies, boundary)
        for action, resource in pairs[start : start + size]
    )
    rest = start + size < len(pairs)
    marker = f"<Marker>{start + size}</Marker>" if rest else ""
    return iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        f"<SimulatePrincipalPolicyResult><EvaluationResults>{results}</EvaluationResults>"
        f"<IsTruncated>{str(rest).lower()}</IsTruncated>{marker}</SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def _case(arn: str, action: str, resource: str, keys: dict[str, Any]) -> iam_evaluator.EvalContext:
    return iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        # A request that names no tags has no aws:TagKeys.
        service_context={"aws:tagkeys": None, **keys},
    )


def _result(case: iam_evaluator.EvalContext, policies: list[Any], boundary: list[Any]) -> str:
    decision = _DECISIONS[iam_evaluator.evaluate(case, policies, *boundary).decision]
    missing = "".join(f"<member>{escape(key)}</member>" for key in _missing(case, policies))
    details = f"<MatchedStatements/><MissingContextValues>{missing}</MissingContextValues>"
    if boundary:
        within = all(iam_evaluator.evaluate(case, limit).decision == "Allow" for limit in boundary)
        allowed = f"<AllowedByPermissionsBoundary>{str(within).lower()}</AllowedByPermissionsBoundary>"
        details += f"<PermissionsBoundaryDecisionDetail>{allowed}</PermissionsBoundaryDecisionDetail>"
    resource = f"<EvalResourceName>{escape(case.resource_arn)}</EvalResourceName>"
    own = f"<member>{resource}<EvalResourceDecision>{decision}</EvalResourceDecision>{details}</member>"
    return (
        f"<member><EvalActionName>{escape(case.action)}</EvalActionName>{resource}"
        f"<EvalDecision>{decision}</EvalDecision>{details}"
        f"<ResourceSpecificResults>{own}</ResourceSpecificResults></member>"
    )


def _missing(case: iam_evaluator.EvalContext, policies: list[Any]) -> list[str]:
    """Keys that statements about the action ask for, and nobody gave."""
    found = {
        key
        for statement in (each for policy in policies for each in policy)
        if iam_evaluator._action_matches(case.action, statement.actions, statement.not_actions)
        and iam_evaluator._resource_matches(case.resource_arn, statement.resources, statement.not_resources)
        for block in statement.conditions.values()
        for key in block
        if iam_evaluator._resolve_condition_key(key, case) is None
    }
    return sorted(found)


def _context(form: Any) -> dict[str, Any]:
    """ContextEntries by lower-case name: lists stay lists, other values are one."""
    found: dict[str, Any] = {}
    for number in range(1, 1000):
        entry = f"ContextEntries.member.{number}"
        name = iam._p(form, f"{entry}.ContextKeyName")
        if not name:
            break
        values = list(_members(form, f"{entry}.ContextKeyValues"))
        is_list = iam._p(form, f"{entry}.ContextKeyType").endswith("List")
        found[name.lower()] = values if is_list else next(iter(values), "")
    return found


def _members(form: Any, name: str) -> Iterator[str]:
    number = 1
    while value := iam._p(form, f"{name}.member.{number}"):
        yield str(value)
        number += 1
