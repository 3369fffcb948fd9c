"""The design to compare with: one function call a service, a wait of 300 seconds, then a check. For measuring alone.

It makes the calls that such deployers make: the role assumed by each function, DescribeServices,
DescribeTaskDefinition, RegisterTaskDefinition, UpdateService; then ListTasks and DescribeTasks.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.world import World

_CODE = """
import os
from botocore.session import Session


def _ecs():
    sts = Session().create_client("sts")
    given = sts.assume_role(RoleArn=os.environ["ROLE"], RoleSessionName="fixed")["Credentials"]
    return Session().create_client("ecs", aws_access_key_id=given["AccessKeyId"],
                                   aws_secret_access_key=given["SecretAccessKey"],
                                   aws_session_token=given["SessionToken"])


def deploy(event, _context):
    ecs = _ecs()
    live = ecs.describe_services(cluster=event["clusterName"], services=[event["serviceName"]])["services"][0]
    definition = ecs.describe_task_definition(taskDefinition=live["taskDefinition"])["taskDefinition"]
    container = definition["containerDefinitions"][0]
    if container["image"] != event["image"]:
        container["image"] = event["image"]
        new = ecs.register_task_definition(family=definition["family"],
                                           containerDefinitions=definition["containerDefinitions"])
        ecs.update_service(cluster=event["clusterName"], service=event["serviceName"],
                           taskDefinition=new["taskDefinition"]["taskDefinitionArn"])
    return event


def check(event, _context):
    ecs = _ecs()
    tasks = ecs.list_tasks(cluster=event["clusterName"], serviceName=event["serviceName"])["taskArns"]
    found = ecs.describe_tasks(cluster=event["clusterName"], tasks=tasks)["tasks"] if tasks else []
    images = {container.get("image") for task in found for container in task["containers"]}
    return {**event, "done": images == {event["image"]} or event.get("turns", 0) >= 8,
            "turns": event.get("turns", 0) + 1}
"""


def machine(world: World) -> str:
    """Make the functions and the state machine; its ARN."""
    aws = world.stack.aws
    functions = {name: _function(world, name) for name in ("deploy", "check")}

    def task(name: str, following: str) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": functions[name], "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}],
            "Next": following,
        }

    each = {
        "StartAt": "Deploy",
        "States": {
            "Deploy": task("deploy", "Wait"),
            "Wait": {"Type": "Wait", "Seconds": 300, "Next": "Check"},
            "Check": task("check", "Done"),
            "Done": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "End"}],
                "Default": "Wait",
            },
            "End": {"Type": "Succeed"},
        },
    }
    definition = {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Map", "ItemsPath": "$.services", "ItemProcessor": each, "End": True}},
    }
    role = _role(world, "fixed-machine", "states.amazonaws.com", "lambda:InvokeFunction", list(functions.values()))
    states = aws.client("stepfunctions")
    return str(
        states.create_state_machine(name="fixed-wait", definition=json.dumps(definition), roleArn=role)[
            "stateMachineArn"
        ]
    )


def _function(world: World, name: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("fixed.py", _CODE)
    deploys = "arn:aws:iam::111111111111:role/fixed-target"
    role = _role(world, f"fixed-{name}", "lambda.amazonaws.com", "sts:AssumeRole", [deploys])
    lambdas = world.stack.aws.client("lambda")
    layer = lambdas.get_function(FunctionName="ecs-gitops-deploy-ecs")["Configuration"]["Layers"][0]["Arn"]
    made = lambdas.create_function(
        FunctionName=f"fixed-{name}",
        Runtime="python3.13",
        Handler=f"fixed.{name}",
        Role=role,
        Code={"ZipFile": packed.getvalue()},
        Layers=[layer],
        Timeout=300,
        Environment={"Variables": {"ROLE": deploys}},
    )
    return str(made["FunctionArn"])


def _role(world: World, name: str, service: str, action: str, resources: list[str]) -> str:
    iam = world.stack.aws.client("iam")
    if action == "sts:AssumeRole":
        _deploying_role(world)
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = [
        {"Effect": "Allow", "Action": action, "Resource": resources},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "*",
        },
    ]
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document([trust]))
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_document(policy))
    return str(made["Role"]["Arn"])


def _deploying_role(world: World) -> None:
    iam = world.stack.aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}
    try:
        iam.create_role(RoleName="fixed-target", AssumeRolePolicyDocument=_document([trust]))
    except iam.exceptions.EntityAlreadyExistsException:
        return
    allow = {"Effect": "Allow", "Action": ["ecs:*", "iam:PassRole"], "Resource": "*"}
    iam.put_role_policy(RoleName="fixed-target", PolicyName="all", PolicyDocument=_document([allow]))


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
