"""Policies that have to agree with something that Terraform does not see."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

from ecs_gitops.aws.session_policy import PREVIEW_ACTIONS

ROOT = Path(__file__).parents[2]
# What a function calls as itself, without assuming a role.
OWN = ROOT / "lambda_src/ecs_gitops/aws/deployer_account.py"


def test_the_deploy_role_may_do_what_the_package_calls_and_no_more() -> None:
    # GIVEN the calls that are made with the role
    called = _called(*(file for file in (ROOT / "lambda_src/ecs_gitops/aws").glob("*.py") if file != OWN))

    # THEN the policy has these actions, and the passing of roles that some of them need
    assert len(called) > 20
    assert _actions(ROOT / "modules/deploy_role/main.tf") - {"sts:AssumeRole"} == called | {"iam:PassRole"}


def test_the_plan_role_may_do_what_a_session_for_plans_may_and_no_more() -> None:
    assert _actions(ROOT / "modules/deploy_role/plan.tf") - {"sts:AssumeRole"} == set(PREVIEW_ACTIONS)


def test_the_functions_roles_may_do_what_they_call_as_themselves() -> None:
    called = {action.replace("stepfunctions:", "states:") for action in _called(OWN)}

    assert called == {"states:DescribeExecution", "sns:Publish", "s3:GetObject", "s3:PutObject"}
    assert called <= _actions(ROOT / "modules/deployer/roles.tf") | _actions(ROOT / "modules/deployer/ledger.tf")


def test_the_boundary_of_the_example_allows_what_the_modules_policies_allow() -> None:
    ceiling, never = re.split(r'Sid\s*= "Never"', (ROOT / "examples/complete/boundary.tf").read_text())
    allowed, denied = _named(ceiling), _named(never)

    needed = {action for file in (ROOT / "modules").glob("*/*.tf") for action in _actions(file)}

    assert needed
    assert [action for action in sorted(needed) if not _is_one_of(action, allowed)] == []
    assert [action for action in sorted(needed) if _is_one_of(action, denied)] == []


def _called(*files: Path) -> set[str]:
    """The operations that these files call, as IAM's actions."""
    sources = "".join(file.read_text() for file in files)
    calls = re.findall(r'_call(?:_raw)?\(\s*"([a-z0-9]+)",\s*"([a-z_]+)"', sources)
    return {f"{service}:{method.title().replace('_', '')}" for service, method in calls}


def _actions(file: Path) -> set[str]:
    return {
        action for text in re.findall(r'Action\s*=\s*(\[[^]]*\]|"[^"]*")', file.read_text()) for action in _named(text)
    }


def _named(text: str) -> set[str]:
    return set(re.findall(r'"([a-z0-9]+:(?:\*|[A-Z]\w*))"', text))


def _is_one_of(action: str, patterns: set[str]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns)
