"""A call of Terraform's provider is made once, however often its request comes."""

from __future__ import annotations

import http.client
from urllib.parse import urlencode, urlsplit

import pytest

from local_aws import LocalAws

TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.11.4"
_TRUST = '{"Version": "2012-10-17", "Statement": []}'


def create_role(aws: LocalAws, name: str, call: str, agent: str) -> int:
    """The status of a request to create a role; its id is ``call``."""
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint).netloc, timeout=30)
    given = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": name, "AssumeRolePolicyDocument": _TRUST}
    signed = "AWS4-HMAC-SHA256 Credential=111111111111/20261127/us-east-1/iam/aws4_request, SignedHeaders=host"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"{signed}, Signature=x",
        "User-Agent": agent,
        "amz-sdk-invocation-id": call,
    }
    try:
        connection.request("POST", "/", urlencode(given), headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("agent", "second", "status"),
    [
        (TERRAFORM, "first", 200),
        # Another call, and another client.
        (TERRAFORM, "second", 409),
        ("Boto3/1.40", "first", 409),
    ],
)
def test_a_repeated_request_of_terraform_gets_the_answer_of_the_first(
    aws: LocalAws, agent: str, second: str, status: int
) -> None:
    name = f"role-{agent[:3]}-{second}"
    # GIVEN a call whose answer was lost
    assert create_role(aws, name, f"{name} first", agent) == 200
    # WHEN there is another request
    assert create_role(aws, name, f"{name} {second}", agent) == status


def test_what_was_refused_is_tried_again(aws: LocalAws) -> None:
    assert create_role(aws, "refused", "made", TERRAFORM) == 200
    # GIVEN a refusal
    assert create_role(aws, "refused", "again", TERRAFORM) == 409
    aws.client("iam").delete_role(RoleName="refused")
    # WHEN the same call comes once more, THEN it is made
    assert create_role(aws, "refused", "again", TERRAFORM) == 200
