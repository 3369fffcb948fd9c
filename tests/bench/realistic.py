"""Services as teams have them: each with a repository of its own, three secrets and a role."""

from __future__ import annotations

import json

from local_aws import LocalAws
from local_aws.samples import create_service
from local_aws.stores.push import image_uri, push_image

PREFIX = "realistic"
_SECRETS = 3
# The local instance's deploy role may pass roles of these names.
_ROLE = "shop-{}"


def image(name: str, tag: str | int) -> str:
    """The image in the service's own repository."""
    return image_uri(f"{name}:{tag}")


def push(aws: LocalAws, name: str, tag: str | int) -> None:
    """Push an image to the service's repository, which is made with the first one."""
    push_image(aws, image(name, tag))


def make(aws: LocalAws, cluster: str, name: str) -> None:
    """A service of one task on the image's tag 1, with all that its task definition names."""
    push(aws, name, 1)
    role = _role(aws, name)
    container = {"name": "app", "image": image(name, 1), "memory": 64, "secrets": _secrets(aws, name)}
    aws.client("ecs").register_task_definition(
        family=name, containerDefinitions=[container], taskRoleArn=role, executionRoleArn=role
    )
    create_service(aws, cluster, name, name, 1)


def _secrets(aws: LocalAws, name: str) -> list[dict[str, str]]:
    """References to secrets that no other service has. All in Secrets Manager, which is asked for each one; parameters
    of SSM are looked up fifty at a time."""
    secrets = aws.client("secretsmanager")
    made = [secrets.create_secret(Name=f"{name}-{number}", SecretString="x")["ARN"] for number in range(_SECRETS)]
    return [{"name": f"SECRET_{number}", "valueFrom": arn} for number, arn in enumerate(made)]


def _role(aws: LocalAws, name: str) -> str:
    """The role of the service's tasks; its ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = aws.client("iam").create_role(RoleName=_ROLE.format(name), AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])
