"""SimulatePrincipalPolicy: what a role may do, asked beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_aws import LocalAws
from support.policies import allow, denied

_PLACE = "us-west-2:111111111111"
As = Callable[..., Callable[[str], Any]]
Decisions = dict[tuple[str, str], str]


def _decisions(answer: dict[str, Any]) -> Decisions:
    return {
        (each["EvalActionName"], each["EvalResourceName"]): each["EvalDecision"] for each in answer["EvaluationResults"]
    }


def test_each_action_is_decided_on_each_resource(aws: LocalAws, make_role: Callable[..., str], name: str) -> None:
    # GIVEN a role with an inline and a managed policy, and a denial
    services = [f"arn:aws:ecs:{_PLACE}:service/{name}/{each}" for each in ("api", "locked", "other")]
    deny = {"Effect": "Deny", "Action": "ecs:Update*", "Resource": services[1]}
    arn = make_role(name, "111111111111", allow("ecs:UpdateService", services[:2]), deny)
    managed = json.dumps({"Version": "2012-10-17", "Statement": allow("ecs:DescribeServices", "*")})
    iam = aws.client("iam")
    policy = iam.create_policy(PolicyName=name, PolicyDocument=managed)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)

    # WHEN two actions are simulated on three resources
    actions = ["ecs:UpdateService", "ecs:DescribeServices"]
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, ResourceArns=services)

    # THEN each pair has its own decision
    assert answer["IsTruncated"] is False
    assert _decisions(answer) == {
        (actions[0], services[0]): "allowed",
        (actions[0], services[1]): "explicitDeny",
        (actions[0], services[2]): "implicitDeny",
        **{(actions[1], service): "allowed" for service in services},
    }
    own = answer["EvaluationResults"][1]["ResourceSpecificResults"]
    assert [(each["EvalResourceName"], each["EvalResourceDecision"]) for each in own] == [(services[1], "explicitDeny")]
    assert _decisions(iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["ecs:DescribeServices"])) == {
        ("ecs:DescribeServices", "*"): "allowed"
    }


def test_conditions_are_met_by_the_context(aws: LocalAws, make_role: Callable[..., str], name: str) -> None:
    # GIVEN a role that may pass another one to ECS tasks, and put certain tags
    role = f"arn:aws:iam::111111111111:role/{name}-task"
    arn = make_role(
        name,
        "111111111111",
        allow("iam:PassRole", role, {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
        allow("ecs:TagResource", "*", {"ForAllValues:StringLike": {"aws:TagKeys": ["deployer:*"]}}),
    )

    def decide(action: str, resource: str, key: str, values: list[str], kind: str) -> dict[str, Any]:
        entry = {"ContextKeyName": key, "ContextKeyValues": values, "ContextKeyType": kind}
        answer = aws.client("iam").simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource], ContextEntries=[entry] if key else []
        )
        return dict(answer["EvaluationResults"][0])

    # WHEN it is simulated with and without the keys, THEN they decide, and a key that is missing is named
    for to, decision in (("ecs-tasks", "allowed"), ("events", "implicitDeny")):
        result = decide("iam:PassRole", role, "iam:PassedToService", [f"{to}.amazonaws.com"], "string")
        assert (result["EvalDecision"], result["MissingContextValues"]) == (decision, [])
    result = decide("iam:PassRole", role, "", [], "string")
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["iam:PassedToService"])
    for keys, decision in ((["deployer:a"], "allowed"), (["deployer:a", "owner"], "implicitDeny")):
        assert decide("ecs:TagResource", "*", "aws:TagKeys", keys, "stringList")["EvalDecision"] == decision


def test_a_permissions_boundary_limits_it(aws: LocalAws, make_role: Callable[..., str], name: str) -> None:
    # GIVEN a role that may do all, within a boundary
    arn, iam = make_role(name, "111111111111", allow("*", "*")), aws.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": allow("ecs:*", "*")})
    boundary = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)

    # WHEN an action in it and one outside are simulated
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["ecs:RunTask", "s3:GetObject"])

    # THEN the boundary decides, and is named
    assert [
        (each["EvalDecision"], each["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"])
        for each in answer["EvaluationResults"]
    ] == [("allowed", True), ("implicitDeny", False)]


def test_results_come_in_pages(aws: LocalAws, make_role: Callable[..., str], name: str) -> None:
    # GIVEN a role, and more results than a page has
    arn = make_role(name, "111111111111", allow("ecs:*", "*"))
    resources = [f"arn:aws:ecs:{_PLACE}:service/{name}/{number}" for number in range(5)]

    # WHEN they are paged through
    pages = aws.client("iam").get_paginator("simulate_principal_policy")
    found = [
        page["EvaluationResults"]
        for page in pages.paginate(
            PolicySourceArn=arn,
            ActionNames=["ecs:UpdateService"],
            ResourceArns=resources,
            PaginationConfig={"PageSize": 2},
        )
    ]

    # THEN each comes once, in order
    assert [len(page) for page in found] == [2, 2, 1]
    assert [each["EvalResourceName"] for page in found for each in page] == resources


def test_simulating_needs_permission_on_the_role(
    aws: LocalAws, as_role: As, make_role: Callable[..., str], name: str
) -> None:
    # GIVEN a role that may simulate one other
    arn = make_role(name, "111111111111")
    iam = as_role(allow("iam:SimulatePrincipalPolicy", arn))("iam")

    # WHEN it does, THEN that one alone is simulated
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["ecs:RunTask"])
    assert _decisions(answer) == {("ecs:RunTask", "*"): "implicitDeny"}
    denied(lambda: iam.simulate_principal_policy(PolicySourceArn=f"{arn}x", ActionNames=["ecs:RunTask"]))
    admin = aws.client("iam")
    with pytest.raises(admin.exceptions.NoSuchEntityException):
        admin.simulate_principal_policy(PolicySourceArn=f"{arn}x", ActionNames=["ecs:RunTask"])
