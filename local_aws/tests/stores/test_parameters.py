"""What is looked up beforehand: parameters, secrets, alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from local_aws.samples import create_alarm
from support.policies import allow, denied

_PLACE = "us-west-2:111111111111"
As = Callable[..., Callable[[str], Any]]


def _named(*names: str) -> list[dict[str, Any]]:
    return [{"Key": "Name", "Option": "Equals", "Values": list(names)}]


def test_parameters_are_described_by_name_on_star(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN parameters with and without a path
    names = [f"/{name}/a", f"{name}-b"]
    for each in names:
        aws.client("ssm").put_parameter(Name=each, Value="hidden", Type="SecureString")

    # WHEN they are described beside one that is not there
    ssm = as_role(allow("ssm:DescribeParameters", "*"))("ssm")
    found = ssm.describe_parameters(ParameterFilters=_named(*names, f"{name}-c"), MaxResults=50)["Parameters"]

    # THEN those that are there come with their ARNs, and without values
    arns = {each["Name"]: each["ARN"] for each in found}
    assert arns == {each: f"arn:aws:ssm:{_PLACE}:parameter/{each.lstrip('/')}" for each in names}
    assert "hidden" not in str(found)
    narrow = as_role(allow("ssm:DescribeParameters", f"arn:aws:ssm:{_PLACE}:parameter/*"))("ssm")
    denied(lambda: narrow.describe_parameters(ParameterFilters=_named(*names)))


def test_a_filter_takes_fifty_names(aws: LocalAws, name: str) -> None:
    ssm = aws.client("ssm")
    for number, is_right in ((50, True), (51, False)):
        filters = _named(*(f"{name}-{each}" for each in range(number)))
        if is_right:
            assert ssm.describe_parameters(ParameterFilters=filters)["Parameters"] == []
        else:
            with pytest.raises(ClientError, match="ValidationException"):
                ssm.describe_parameters(ParameterFilters=filters)


def test_every_parameter_that_is_read_has_to_be_allowed(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN permission on one folder
    for each in ("mine/a", "mine/b", "other"):
        aws.client("ssm").put_parameter(Name=f"/{name}/{each}", Value="v", Type="String")
    ssm = as_role(allow("ssm:GetParameters", f"arn:aws:ssm:{_PLACE}:parameter/{name}/mine/*"))("ssm")

    # WHEN parameters of it are read, THEN they are given, and what is not there is named
    answer = ssm.get_parameters(Names=[f"/{name}/mine/a", f"/{name}/mine/b:1", f"/{name}/mine/c"])
    assert len(answer["Parameters"]) == 2
    assert answer["InvalidParameters"] == [f"/{name}/mine/c"]

    # WHEN one of another is among them, THEN none is
    told = denied(lambda: ssm.get_parameters(Names=[f"/{name}/mine/a", f"/{name}/other"]))
    assert f"ssm:GetParameters on resource: arn:aws:ssm:{_PLACE}:parameter/{name}/other" in told


def test_a_secret_is_found_by_name_arn_and_partial_arn(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN two secrets, one with the beginning of the other's name, and permission on the longer one
    admin = aws.client("secretsmanager")
    admin.create_secret(Name=name, SecretString="s")
    arn = admin.create_secret(Name=f"{name}/db", SecretString="s")["ARN"]
    secrets = as_role(allow("secretsmanager:DescribeSecret", arn))("secretsmanager")

    # WHEN it is described in each way, THEN it is that one, and allowed by its full ARN
    for secret_id in (arn, arn[: -len("-abcdef")], f"{name}/db"):
        assert secrets.describe_secret(SecretId=secret_id)["ARN"] == arn
    assert f"secret:{name}-" in denied(lambda: secrets.describe_secret(SecretId=name))
    assert f"secret:{name}-" in denied(
        lambda: secrets.describe_secret(SecretId=f"arn:aws:secretsmanager:{_PLACE}:secret:{name}")
    )

    # WHEN it is another beginning, or nothing, THEN it is not found
    for secret_id in (arn[: -len("b-abcdef")], f"{arn[:-1]}!", f"{name}/none"):
        with pytest.raises(admin.exceptions.ResourceNotFoundException):
            admin.describe_secret(SecretId=secret_id)


def test_alarms_are_described_on_all_alarms(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN an alarm
    create_alarm(aws, name)

    # WHEN it is described by name, THEN permission on that one is not enough
    for suffix, is_right in (("*", True), (name, False)):
        arn = f"arn:aws:cloudwatch:{_PLACE}:alarm:{suffix}"
        cloudwatch = as_role(allow("cloudwatch:DescribeAlarms", arn))("cloudwatch")
        if is_right:
            found = cloudwatch.describe_alarms(AlarmNames=[name, f"{name}-none"])["MetricAlarms"]
            assert [each["AlarmName"] for each in found] == [name]
        else:
            told = denied(lambda cloudwatch=cloudwatch: cloudwatch.describe_alarms(AlarmNames=[name]))
            assert f"cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch:{_PLACE}:alarm:*" in told
