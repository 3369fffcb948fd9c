"""The four handlers: events in, plain data out, errors with the names that the state machine knows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ecs_gitops import lambdas
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.desired.batches import Settings
from ecs_gitops.flow.transitions import move
from ecs_gitops.lambdas import batch_run as batch_module
from ecs_gitops.lambdas import deploy_ecs, deploy_task, init_config, validate_deploy
from ecs_gitops.ledger import settings as ledger_settings
from ecs_gitops.model.errors import (
    AwsRefused,
    AwsUnavailable,
    InvalidEvent,
    InvalidManifest,
    ReleaseTooLarge,
    UnknownAccount,
)
from ecs_gitops.model.status import Step
from unit.conftest import EXECUTION
from unit.fake_aws import ACCOUNT
from unit.ledgers import event

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
RUN = {"id": EXECUTION, "name": "run-1", "startTime": "2026-11-24T10:00:00.000Z"}
WEB = {"service": "web", "clusterName": "shop", "serviceName": "web", "image": "web:2"}
JOB = {"service": "job", "cwRuleName": "nightly", "image": "job:2"}


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 100_000


@pytest.fixture
def settings(monkeypatch):
    monkeypatch.setattr(ledger_settings, "read", lambda _: Settings({ACCOUNT: ROLE}, ACCOUNT, "us-west-2", 30))
    monkeypatch.setenv("ECS_GITOPS_PIPELINE_NAME", "ecs-gitops")


def plan(deployment):
    """The plan of a new execution."""
    LedgerBucket.of_environment().objects.clear()
    return init_config.handler({"deployment": deployment, "execution": RUN}, Context())


def items_of(bucket, pointer):
    """The items of a batch, as they are in the ledger."""
    name = f"{pointer['kind']}-{pointer['account']}-{pointer['region']}/{pointer['step']}.json"
    (key,) = (key for key in bucket.objects if key.endswith(f"/{pointer['stage']}/{name}"))
    return json.loads(bucket.objects[key].content)["batch"]["items"]


def test_init_config_applies_defaults_and_finds_the_role(settings, bucket):
    source = {"repository": "config", "commitId": "abc", "branch": "main"}
    planned = plan(
        {"release": "4.0", "source": source, "defaults": {"timeoutMinutes": 5}, "services": [WEB], "tasks": [JOB]}
    )
    assert planned["release"]["commitId"] == "abc"
    assert planned["release"]["executionName"] == "run-1"
    tasks, services = planned["batches"]
    assert (planned["mode"], planned["stage"], planned["rest"]) == ("CHECK", 0, 0)
    assert (services["kind"], services["account"], services["region"]) == ("service", ACCOUNT, "us-west-2")
    assert services["roleArn"] == ROLE
    # THEN the items are in the ledger, and the state machine carries where they are
    assert services["counts"] == {"PENDING": 1}
    (web,), (nightly,) = (items_of(bucket, each) for each in (services, tasks))
    assert len(web["desired"].pop("contentHash")) == 16
    assert web == {
        "desired": {
            "number": 1,
            "name": "web",
            "cluster": "shop",
            "images": {"web": "web:2"},
            "timeoutMinutes": 5,
            "isTimeoutGiven": True,
        }
    }
    assert nightly["desired"]["name"] == "nightly"
    # AND so is what was asked for
    (asked,) = (key for key in bucket.objects if key.endswith("/release.json"))
    assert json.loads(bucket.objects[asked].content)["deployment"]["services"] == [WEB]


def test_init_config_leaves_out_what_there_is_none_of(settings):
    assert [batch["kind"] for batch in plan({"services": [WEB]})["batches"]] == ["service"]
    assert [batch["kind"] for batch in plan({"tasks": [JOB]})["batches"]] == ["task"]


@pytest.mark.parametrize(
    ("deployment", "error"),
    [
        ({"services": [{**WEB, "account": "999999999999"}]}, UnknownAccount),
        ({"services": [{"service": "web"}]}, InvalidManifest),
        ({"services": [WEB, {**WEB, "account": ACCOUNT}]}, InvalidManifest),
        ({"tasks": [JOB, {**JOB, "region": "us-west-2"}]}, InvalidManifest),
        ({}, InvalidManifest),
        (None, InvalidEvent),
    ],
)
def test_init_config_names_what_is_wrong(settings, deployment, error):
    with pytest.raises(error):
        plan(deployment)


def test_an_unknown_account_is_named_once_with_the_way_out(settings):
    with pytest.raises(UnknownAccount, match=r"999999999999.*target_role_arns"):
        plan({"services": [{**WEB, "account": "999999999999"}]})


def test_more_accounts_than_the_state_machine_can_carry_are_refused_before_anything_is_written(
    settings, bucket, monkeypatch
):
    # GIVEN services in 900 accounts
    accounts = [f"{number:012d}" for number in range(1, 901)]
    roles = {account: f"arn:aws:iam::{account}:role/ecs-gitops-deploy" for account in accounts}
    monkeypatch.setattr(ledger_settings, "read", lambda _: Settings(roles, ACCOUNT, "us-west-2", 30))
    # THEN the release is refused with the numbers, and the ledger has nothing of it
    with pytest.raises(ReleaseTooLarge, match=r"900 batches.*at most 200,000 fit\. Nothing was changed"):
        plan({"services": [{**WEB, "account": account} for account in accounts]})
    assert not bucket.objects
    # AND two hundred fit
    assert len(plan({"services": [{**WEB, "account": account} for account in accounts[:200]]})["batches"]) == 200


def test_a_batch_has_all_of_one_kind_account_and_region(settings):
    services = [{**WEB, "serviceName": f"s{n}", "clusterName": f"c{n % 2}"} for n in range(24)]
    elsewhere = {**WEB, "region": "us-east-1"}
    batches = plan({"services": [*services, elsewhere], "tasks": [JOB]})["batches"]
    reported = [(batch["kind"], batch["region"], batch["counts"]["PENDING"]) for batch in batches]
    assert reported == [("task", "us-west-2", 1), ("service", "us-west-2", 24), ("service", "us-east-1", 1)]


def test_a_role_that_cannot_be_assumed_fails_each_item_and_says_what_to_do(settings, monkeypatch, bucket):
    def refuse(_):
        raise AwsRefused("assume_role", "AccessDenied", "not authorized")

    monkeypatch.setattr(batch_module, "connect", refuse)
    state = plan({"services": [WEB]})
    event = {"release": state["release"], "batch": state["batches"][0]}
    batch = deploy_ecs.handler(event, Context())["batch"]
    assert batch["next"] == "DONE"
    (item,) = items_of(bucket, batch)
    assert item["result"]["status"] == "FAILED"
    assert "is modules/deploy_role applied" in item["result"]["reason"]


def test_a_watched_rollout_whose_role_is_taken_away_is_not_a_success(monkeypatch, bucket, release, services):
    def refuse(_):
        raise AwsRefused("assume_role", "AccessDenied", "not authorized")

    monkeypatch.setattr(validate_deploy, "connect", refuse)
    batch = services(("web", "web", "web:2"))
    rolling = batch.with_items(move(item, Step.ROLLING_OUT) for item in batch.items)
    judged = validate_deploy.handler(event(release, rolling), Context())["batch"]
    (item,) = items_of(bucket, judged)
    assert item["result"]["status"] == "FAILED"
    assert "cannot be watched" in item["result"]["reason"]


def test_sts_that_cannot_be_reached_is_left_to_the_state_machines_retry(settings, monkeypatch):
    def unavailable(_):
        raise AwsUnavailable("assume_role: 503")

    monkeypatch.setattr(batch_module, "connect", unavailable)
    monkeypatch.setattr(TimeBudget, "of", classmethod(lambda cls, _: replace(cls(0.0))))
    state = plan({"services": [WEB]})
    with pytest.raises(AwsUnavailable):
        deploy_ecs.handler({"release": state["release"], "batch": state["batches"][0]}, Context())


@pytest.mark.parametrize("deployment", [{"release": "4.0", "source": {"author": "Ada"}}, {"source": 3}, "text", None])
def test_a_release_that_could_not_be_planned_is_told_as_far_as_it_is_known(settings, deployment):
    error = {"Error": "InvalidManifest", "Cause": json.dumps({"errorMessage": "input: services[0]: image is missing"})}
    state = {"error": error, "deployment": deployment, "execution": {"id": EXECUTION, "name": "run-1"}}
    done = validate_deploy.handler({"stage": state}, Context())
    assert (done["status"], done["error"]) == ("FAILED", "InvalidRelease")
    assert "services[0]: image is missing" in done["cause"]
    assert "nothing was changed" in done["notice"]["message"]
    assert "no item was deployed" in done["notice"]["subject"]


@pytest.mark.parametrize("handler", [deploy_ecs.handler, deploy_task.handler, validate_deploy.handler])
@pytest.mark.parametrize("event", [{}, {"release": {}}, {"batch": {}, "release": None}])
def test_an_event_of_another_shape_is_named_as_such(settings, handler, event):
    with pytest.raises(InvalidEvent):
        handler(event, Context())


def test_there_are_four_handlers():
    names = {"init_config", "deploy_task", "deploy_ecs", "validate_deploy"}
    assert names <= set(dir(lambdas))
