"""The session policy for the check of a release and for ValidateDeploy, which change no service, rule or schedule.

A session may do what both its role and its session policy allow. This one allows to read, to stop the task of a hook
that has timed out, and to set tags with our own prefix.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
"""

from __future__ import annotations

import json

ACTIONS = (
    "cloudwatch:DescribeAlarms",
    "ecr:BatchGetImage",
    "ecr:DescribePullThroughCacheRules",
    "ecs:DescribeServiceDeployments",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListServiceDeployments",
    "ecs:ListTasks",
    "ecs:StopTask",
    "events:ListTargetsByRule",
    "iam:SimulatePrincipalPolicy",
    "scheduler:GetSchedule",
    "secretsmanager:DescribeSecret",
    "ssm:DescribeParameters",
)

_STATEMENTS = (
    {"Effect": "Allow", "Action": ACTIONS, "Resource": "*"},
    {
        "Effect": "Allow",
        "Action": "ecs:TagResource",
        "Resource": "*",
        # ForAllValues is also true without any tag, so Null has to exclude that.
        "Condition": {
            "ForAllValues:StringLike": {"aws:TagKeys": "ecs-gitops:*"},
            "Null": {"aws:TagKeys": "false"},
        },
    },
)

# For a preview: the reads of a check, and of what is live and not in the manifest. It changes nothing at all.
PREVIEW_ACTIONS = (
    *(action for action in ACTIONS if action not in ("ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask")),
    "ecs:ListServices",
)

_PREVIEW_STATEMENTS = ({"Effect": "Allow", "Action": PREVIEW_ACTIONS, "Resource": "*"},)

# STS accepts at most 2,048 characters.
POLICY = json.dumps({"Version": "2012-10-17", "Statement": _STATEMENTS}, separators=(",", ":"))
PREVIEW_POLICY = json.dumps({"Version": "2012-10-17", "Statement": _PREVIEW_STATEMENTS}, separators=(",", ":"))
