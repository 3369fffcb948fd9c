"""The instance's settings, read from the ledger's bucket: valid, absent, invalid, and the messages."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.session import Session

from ecs_gitops.aws import ledger_bucket as edge
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.ledger import settings
from ecs_gitops.model.errors import InvalidSettings, LedgerRefused, LedgerUnavailable
from unit.fake_aws import ACCOUNT

BUCKET = "ecs-gitops-111111111111-us-west-2-ledger"
LEDGER = LedgerBucket(BUCKET, ACCOUNT, "us-west-2")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
DATA: dict[str, Any] = {
    "schemaVersion": 1,
    "name": "ecs-gitops",
    "account": ACCOUNT,
    "region": "us-west-2",
    "roleArns": {ACCOUNT: ROLE},
    "defaults": {"timeoutMinutes": 20},
    "guardRails": {"executionTimeoutMinutes": 240},
}
Answer = tuple[int, str]
# Before the fixture that replaces it.
OF_ENVIRONMENT = LedgerBucket.of_environment


def error(code: str, message: str = "no") -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with answers, of which the last one repeats. It returns a list that gets the requests."""

    def answer_with(*answers: Answer) -> list[Any]:
        requests: list[Any] = []
        left = list(answers)

        def send(request: Any, **_: object) -> AWSResponse:
            requests.append(request)
            status, body = left.pop(0) if len(left) > 1 else left[0]
            raw = BytesIO(body.encode())
            raw.stream = lambda **_: iter([body.encode()])  # type: ignore[attr-defined]
            return AWSResponse(request.url, status, {"content-type": "application/xml"}, raw)

        session = Session()
        session.set_credentials("x", "y")
        client = session.create_client("s3", region_name="us-west-2")
        client.meta.events.register("before-send.s3", send)
        client.meta.events.register("needs-retry.s3", lambda **_: None)
        monkeypatch.setattr(edge, "_client", lambda _region: client)
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        return requests

    return answer_with


def test_the_settings_are_those_that_terraform_wrote(s3):
    requests = s3((200, json.dumps({**DATA, "later": {"a": 1}})))
    found = settings.read(LEDGER)
    assert (found.role_arns, found.account, found.region) == ({ACCOUNT: ROLE}, ACCOUNT, "us-west-2")
    assert (found.timeout_minutes, found.execution_minutes) == (20, 240)
    # S3 has to check the bucket's owner: anybody may take the name of a deleted bucket.
    (request,) = requests
    assert request.url == f"https://{BUCKET}.s3.us-west-2.amazonaws.com/settings/instance.json"
    assert request.headers["x-amz-expected-bucket-owner"] == ACCOUNT.encode()


def test_the_bucket_is_that_of_the_functions_environment(s3, monkeypatch):
    requests = s3((200, json.dumps(DATA)))
    monkeypatch.setenv("ECS_GITOPS_LEDGER_BUCKET", BUCKET)
    monkeypatch.setenv("ECS_GITOPS_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert settings.read(OF_ENVIRONMENT()).timeout_minutes == 20
    assert BUCKET in requests[0].url


def test_settings_that_are_absent_have_their_own_message(s3):
    # GIVEN S3's answer to who may list the bucket
    s3((404, error("NoSuchKey")))
    with pytest.raises(InvalidSettings, match=rf"s3://{BUCKET}/settings/instance.json does not exist.*terraform apply"):
        settings.read(LEDGER)


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ((403, error("AccessDenied", "not authorized")), "The function's role needs s3:GetObject"),
        ((403, error("AccessDenied", "not authorized to perform: kms:Decrypt")), "The bucket's KMS key"),
        ((400, error("KMS.DisabledException", "is disabled")), "The bucket's KMS key has to be enabled"),
        ((404, error("NoSuchBucket")), "The bucket does not exist"),
    ],
)
def test_settings_that_may_not_be_read_say_what_is_missing(s3, answer, advice):
    s3(answer)
    with pytest.raises(LedgerRefused, match=f"cannot be read: get_object.*{advice}"):
        settings.read(LEDGER)


@pytest.mark.parametrize(
    "answer",
    [
        (503, error("SlowDown")),
        (500, error("InternalError")),
        (400, error("KMS.ThrottlingException")),
        (400, error("RequestTimeout")),
    ],
)
def test_a_temporary_error_is_left_to_the_state_machines_retry(s3, answer):
    s3(answer)
    with pytest.raises(LedgerUnavailable, match=r"could not be read.*retries this for some hours"):
        settings.read(LEDGER)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schemaVersion": 2}, "schemaVersion is 2; this function reads 1"),
        ({"schemaVersion": True}, "schemaVersion is True"),
        ({"schemaVersion": None}, "schemaVersion is None"),
        ({"account": "1"}, "account is '1'; accepted: an account id of 12 digits"),
        ({"region": 3}, "region is of type int"),
        ({"roleArns": {}}, "roleArns is of type dict; accepted: an object of account ids"),
        ({"roleArns": {ACCOUNT: "arn:aws:iam::222222222222:role/deploy"}}, "the ARN of a role in that account"),
        ({"roleArns": {ACCOUNT: None}}, "the ARN of a role in that account"),
        ({"defaults": {}}, "defaults.timeoutMinutes is missing"),
        ({"defaults": {"timeoutMinutes": 1441}}, "defaults.timeoutMinutes is of type int; accepted: .* 1 to 1440"),
        ({"guardRails": []}, "guardRails is of type list"),
        ({"guardRails": {"executionTimeoutMinutes": 0}}, "accepted: a whole number from 1 to 10080"),
    ],
)
def test_settings_that_are_malformed_name_the_member_and_have_advice(s3, change, message):
    s3((200, json.dumps({**DATA, **change})))
    with pytest.raises(
        InvalidSettings, match=f"is not in the format that this function reads: .*{message}.*terraform apply"
    ):
        settings.read(LEDGER)


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '"' + "x" * 2_000_001 + '"'])
def test_settings_that_are_no_object_of_json_have_their_own_message(s3, content):
    s3((200, content))
    with pytest.raises(InvalidSettings, match="is not in the format that this function reads"):
        settings.read(LEDGER)


def test_two_hundred_accounts_may_be_configured_and_deployed_to_one_by_one(s3):
    # GIVEN 200 accounts, each with a role of the longest name
    accounts = [f"{number:012d}" for number in range(1, 201)]
    roles = {account: f"arn:aws-us-gov:iam::{account}:role/{'r' * 64}" for account in accounts}
    s3((200, json.dumps({**DATA, "roleArns": roles})))
    # THEN all are known
    assert settings.read(LEDGER).role_arns == roles
