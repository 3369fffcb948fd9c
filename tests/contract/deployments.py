"""A service of a scenario, with what is asked and seen of its deployments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from contract.accounts import Account, Json
from ecs_gitops.model.errors import AwsRefused
from unit.fake_aws import CLUSTER


def register(account: Account, family: str, image: str = "app:2", **tags: str) -> str:
    """A revision with one container ``app``; -> its ARN."""
    content = {"family": family, "containerDefinitions": [{"name": "app", "image": image, "memory": 64}]}
    return str(account.aws.register_task_definition(content, tags))


def refused(act: Any) -> str:
    """The code of the error that refuses the call."""
    with pytest.raises(AwsRefused) as caught:
        act()
    return caught.value.code


@dataclass(frozen=True)
class Service:
    """A service on an account."""

    account: Account
    name: str

    def deploy(self, image: str = "app:2", **configuration: Any) -> Json:
        """UpdateService with a new revision; -> the service as it is answered."""
        revision = register(self.account, self.name, image)
        answer: Json = self.account.aws.update_service(CLUSTER, self.name, revision, configuration or None)
        return answer

    def configure(self, **configuration: Any) -> Json:
        """UpdateService with a configuration alone; -> the service as it is answered."""
        answer: Json = self.account.aws.update_service(CLUSTER, self.name, None, configuration)
        return answer

    def now(self) -> Json:
        """The service as DescribeServices gives it."""
        (found,) = self.account.aws.describe_services(CLUSTER, [self.name])
        return dict(found)

    def records(self) -> list[Json]:
        """Its service deployments in full, newest first."""
        arns = [each["serviceDeploymentArn"] for each in self.account.aws.service_deployments(CLUSTER, self.name)]
        found = self.account.aws.describe_service_deployments(arns)
        return sorted(found, key=lambda each: arns.index(each["serviceDeploymentArn"]))

    def newest(self) -> Json:
        """Its newest service deployment in full."""
        return self.records()[0]

    def until(self, *statuses: str) -> Json:
        """Wait until the newest service deployment has one of the statuses; -> it."""
        seen: Json = self.account.until(self.newest, lambda each: each["status"] in statuses)
        return seen

    def steady(self) -> Json:
        """Wait until one deployment is left, and runs all its tasks; -> the service."""
        seen: Json = self.account.until(
            self.now,
            lambda each: (
                len(each["deployments"]) == 1
                and each["deployments"][0]["runningCount"] == each["desiredCount"]
                and each["deployments"][0].get("rolloutState") in (None, "COMPLETED")
            ),
        )
        return seen

    def stop(self, arn: str) -> None:
        """StopServiceDeployment, with a rollback."""
        self.account.aws.stop_service_deployment(arn)
