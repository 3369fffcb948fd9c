"""What a session of a deploy role may do that only looks: the check before a release, and ValidateDeploy.

A session has what both its role and its session policy allow. It reads, stops the task of a hook that takes too long,
and tags: with tags of our own alone.
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
        # ForAllValues alone also holds for no tag.
        "Condition": {
            "ForAllValues:StringLike": {"aws:TagKeys": "ecs-gitops:*"},
            "Null": {"aws:TagKeys": "false"},
        },
    },
)

# STS takes 2,048 characters.
POLICY = json.dumps({"Version": "2012-10-17", "Statement": _STATEMENTS}, separators=(",", ":"))
