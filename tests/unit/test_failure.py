"""Failures without a notice of the state machine: one notice for each, however many events come."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ecs_gitops.lambdas import failure_notice as handler
from ecs_gitops.lambdas import validate_deploy
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.notify import pipeline_failure
from ecs_gitops.notify.pipeline_failure import EXECUTION_NAME_PREFIX, NOTICE_FAILED

ROOT = Path(__file__).parents[2]
MACHINE = "arn:aws:states:us-west-2:111111111111:stateMachine:shop"
RAN = "arn:aws:states:us-west-2:111111111111:execution:shop:release-a1"
SOURCE = {"repository": "config", "branch": "main", "commitId": "c0ffee", "author": "Ada", "subject": "Ship it"}
ENDED = "FAILED", "TIMED_OUT", "ABORTED"


@dataclass
class Account:
    """The deployer's account: executions by ARN, notes, and the notices that were sent."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    notices: list[tuple[str, str]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    fail: int = 0
    region: str = ""

    def __call__(self, region: str) -> Account:
        self.region = region
        return self

    def _ask(self, operation: str) -> None:
        if operation in self.refuse:
            raise AwsRefused(operation, "AccessDenied", "no")

    def execution(self, arn: str) -> dict[str, Any] | None:
        self._ask("describe")
        return self.executions.get(arn)

    def claim(self, bucket: str, key: str) -> bool:
        self._ask("claim")
        assert bucket == "notes"
        note = self.notes.setdefault(key, {"claimed": 0, "sent": False})
        note["claimed"] += 1
        return note["claimed"] == 1 or (not note["sent"] and note.get("is_old", False))

    def mark_sent(self, _bucket: str, key: str) -> None:
        self._ask("mark_sent")
        self.notes[key]["sent"] = True

    def publish(self, topic: str, subject: str, message: str) -> None:
        assert topic == "topic"
        if self.fail:
            self.fail -= 1
            raise AwsUnavailable("publish: Throttling")
        self.notices.append((subject, message))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    account = Account()
    monkeypatch.setattr(handler, "DeployerAccount", account)
    monkeypatch.setenv("ECS_GITOPS_PIPELINE_NAME", "shop")
    monkeypatch.setenv("ECS_GITOPS_STATE_MACHINE_ARN", MACHINE)
    monkeypatch.setenv("ECS_GITOPS_TOPIC_ARN", "topic")
    monkeypatch.setenv("ECS_GITOPS_NOTES_BUCKET", "notes")
    return account


def action(
    stage: str = "Build", state: str = "FAILED", summary: str = "", began: str = "", **more: Any
) -> dict[str, Any]:
    """The event of an action, as CodePipeline sends it."""
    category, provider = {
        "Source": ("Source", "CodeCommit"),
        "Build": ("Build", "CodeBuild"),
        "Deploy": ("Invoke", "StepFunctions"),
    }[stage]
    result = {"external-execution-id": began, "external-execution-summary": summary, "error-code": "JobFailed"}
    detail = {
        "pipeline": "shop",
        "execution-id": "p1",
        "action-execution-id": "a1",
        "stage": stage,
        "action": stage,
        "state": state,
        "region": "us-west-2",
        "type": {"owner": "AWS", "category": category, "provider": provider, "version": "1"},
        "execution-result": {name: value for name, value in result.items() if value},
        **more,
    }
    return {
        "source": "aws.codepipeline",
        "detail-type": pipeline_failure.ACTION_EVENT,
        "region": "us-west-2",
        "detail": detail,
    }


def ended(status: str, error: str | None = None, cause: str | None = None, **more: Any) -> dict[str, Any]:
    """The event of an execution, as Step Functions sends it."""
    detail = {"executionArn": RAN, "stateMachineArn": MACHINE, "name": "release-a1", "status": status, **more}
    return {
        "source": "aws.states",
        "detail-type": pipeline_failure.EXECUTION_EVENT,
        "detail": detail | {"error": error, "cause": cause, "redriveCount": more.get("redriveCount", 0)},
    }


def execution(status: str, error: str | None = None, cause: str | None = None, **more: Any) -> dict[str, Any]:
    """What DescribeExecution answers."""
    reported = {"error": error, "cause": cause}
    text = json.dumps({"release": "4.0", "source": SOURCE, "services": []})
    return {"status": status, "input": text, **{k: v for k, v in reported.items() if v}, **more}


def tell(event: dict[str, Any]) -> str:
    return str(validate_deploy.handler(event, None)["notice"])  # type: ignore[arg-type]  # no context is needed


@pytest.mark.parametrize(
    ("stage", "hint"),
    [("Source", "Is the branch there"), ("Build", "Its log has the reason"), ("Deploy", "could not start")],
)
def test_an_action_that_failed_before_there_was_a_release_is_told(account, stage, hint):
    assert tell(action(stage, summary="AccessDenied: no\x1b[31m")) == "SENT"
    ((subject, message),) = account.notices
    assert subject == f"[ecs-gitops] FAILED: stage {stage} of pipeline shop (nothing was deployed)"
    assert message.startswith(f"Release FAILED in stage {stage} of pipeline shop: nothing was deployed.\n")
    assert "What went wrong\n  AccessDenied: no\n" in message
    assert hint in message
    page = "https://us-west-2.console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/executions/p1/timeline"
    assert f"Pipeline: {page}?region=us-west-2\n" in message


@pytest.mark.parametrize("began", [RAN, ""], ids=["named", "by the action's id"])
def test_a_deploy_whose_execution_told_of_itself_is_not_told_again(account, began):
    account.executions[RAN] = execution("FAILED", "ReleaseFailed", "1 failed")
    assert tell(action("Deploy", summary="Execution FAILED", began=began)) == "NOT_DUE"
    assert tell(ended("FAILED", "ReleaseFailed", "1 failed")) == "NOT_DUE"
    assert account.notices == []


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED", "PENDING_REDRIVE"])
def test_a_deploy_whose_execution_goes_on_or_is_good_is_left_to_the_execution(account, status):
    account.executions[RAN] = execution(status)
    assert tell(action("Deploy")) == "NOT_DUE"


@pytest.mark.parametrize(
    ("status", "error", "cause", "reported"),
    [
        ("TIMED_OUT", None, None, "Release TIMED_OUT: the execution was ended before it could report."),
        ("ABORTED", None, None, "Release ABORTED: the execution was ended before it could report."),
        (
            "FAILED",
            "States.DataLimitExceeded",
            "too large",
            "Release FAILED with States.DataLimitExceeded: Step Functions",
        ),
        ("FAILED", "States.Runtime", "no path", "Release FAILED with States.Runtime: Step Functions gave"),
        ("FAILED", None, None, "Release FAILED with no error: Step Functions gave"),
        (
            "FAILED",
            "ReleaseFailed",
            f"1 failed {NOTICE_FAILED}",
            "Release FAILED, and its own notice could not be sent.",
        ),
    ],
)
def test_an_execution_that_could_not_tell_is_told_once_with_its_source(account, status, error, cause, reported):
    # GIVEN an execution that the pipeline started and that ended without a notice
    account.executions[RAN] = execution(status, error, cause)
    # WHEN both of its events come, in any order and more than once
    events = [ended(status, error, cause), action("Deploy", began=RAN), ended(status, error, cause), action("Deploy")]
    assert [tell(event) for event in events] == ["SENT", "SENT_BEFORE", "SENT_BEFORE", "SENT_BEFORE"]
    ((subject, message),) = account.notices
    assert message.startswith(reported)
    assert f"{status}: release 4.0 (" in subject
    for known in ("c0ffee Ship it", "Ada", "config (main)", f"executions/details/{RAN}"):
        assert known in message
    assert ("middle of a deployment" in message) == (NOTICE_FAILED not in (cause or ""))


def test_the_events_order_makes_no_difference(account):
    account.executions[RAN] = execution("TIMED_OUT")
    assert [tell(action("Deploy")), tell(ended("TIMED_OUT"))] == ["SENT", "SENT_BEFORE"]


def test_an_execution_that_is_described_as_it_was_a_moment_ago_is_judged_by_its_event(account):
    account.executions[RAN] = execution("RUNNING")
    assert tell(ended("ABORTED")) == "SENT"


def test_each_try_of_a_stage_and_each_redrive_is_a_failure_of_its_own(account):
    assert tell(action("Deploy")) == "SENT"
    assert tell(action("Deploy", **{"action-execution-id": "a2"})) == "SENT"
    assert tell(ended("TIMED_OUT")) == "SENT"
    assert tell(ended("TIMED_OUT", redriveCount=1)) == "SENT"
    assert len({*account.notes}) == 4


@pytest.mark.parametrize(
    "event",
    [
        action(state="SUCCEEDED"),
        action(state="STARTED"),
        action("Deploy", state="CANCELED"),
        action("Deploy", state="ABANDONED"),
        action(pipeline="another"),
        ended("SUCCEEDED"),
        ended("RUNNING"),
        ended("FAILED", stateMachineArn=MACHINE + "2"),
        ended("FAILED", executionArn=RAN.replace(":shop:", ":other:")),
        {"detail-type": "Scheduled Event", "detail": {}},
        {"detail-type": pipeline_failure.ACTION_EVENT},
        {"detail-type": pipeline_failure.ACTION_EVENT, "detail": 3},
        {
            "detail-type": "CodePipeline Pipeline Execution State Change",
            "detail": {"pipeline": "shop", "state": "SUPERSEDED", "execution-id": "p1"},
        },
    ],
)
def test_what_is_no_failure_of_ours_is_not_told(account, event):
    assert tell(event) == "NOT_OURS"
    assert account.notices == []


def test_an_event_of_which_little_is_known_is_told_all_the_same(account):
    event = action("Build")
    event["detail"] = {"pipeline": "shop", "state": "FAILED", "stage": "Build", "execution-id": "p1"}
    assert tell(event) == "SENT"
    assert account.notices[0][1].startswith("Release FAILED in stage Build")


def test_a_notice_that_could_not_be_sent_is_sent_by_the_next_run(account):
    # GIVEN a topic that does not answer
    account.fail = 1
    with pytest.raises(AwsUnavailable):
        tell(action())
    # WHEN Lambda runs the event again a minute later, and the claim of the run that failed is old
    account.notes["notices/actions/a1.json"]["is_old"] = True
    assert [tell(action()), tell(action())] == ["SENT", "SENT_BEFORE"]
    assert len(account.notices) == 1


@pytest.mark.parametrize("operation", ["claim", "mark_sent"])
def test_a_notice_is_sent_where_notes_cannot_be_written(account, operation):
    account.refuse.add(operation)
    assert tell(action()) == "SENT"
    assert len(account.notices) == 1


def test_without_a_bucket_for_notes_every_event_is_told(account, monkeypatch):
    monkeypatch.delenv("ECS_GITOPS_NOTES_BUCKET")
    assert [tell(action()), tell(action())] == ["SENT", "SENT"]


def test_where_the_execution_may_not_be_described_it_is_told_that_it_is_not_known(account):
    account.refuse.add("describe")
    assert tell(action("Deploy")) == "SENT"
    assert "it is not known whether anything was deployed" in account.notices[0][1]
    assert tell(ended("FAILED", "ReleaseFailed", "1 failed")) == "NOT_DUE"


@pytest.mark.parametrize("text", ["", "3", "[", "[]", "[" * 100_000, '{"source": 3, "release": {}}'])
def test_input_that_is_anything_costs_only_the_source(account, text):
    account.executions[RAN] = execution("TIMED_OUT") | {"input": text}
    assert tell(ended("TIMED_OUT")) == "SENT"
    assert "Execution: https://us-west-2.console.aws.amazon.com/states" in account.notices[0][1]


def test_the_module_names_executions_as_the_package_looks_for_them():
    text = (ROOT / "modules" / "pipeline" / "main.tf").read_text()
    assert re.findall(r'ExecutionNamePrefix = "(.*)"', text) == [EXECUTION_NAME_PREFIX]


def test_the_state_machine_says_so_when_its_notice_could_not_be_sent():
    text = (ROOT / "modules" / "deployer" / "state_machine.asl.json").read_text()
    assert f"States.Format('{{}} {NOTICE_FAILED}', $.cause)" in text


def test_where_the_console_is_not_known_ids_are_told(account, monkeypatch):
    machine = MACHINE.replace("arn:aws:", "arn:aws-new:")
    monkeypatch.setenv("ECS_GITOPS_STATE_MACHINE_ARN", machine)
    assert tell(action("Build")) == "SENT"
    assert "Pipeline: shop, execution p1\n" in account.notices[0][1]
    ran = RAN.replace("arn:aws:", "arn:aws-new:")
    assert tell(ended("ABORTED", stateMachineArn=machine, executionArn=ran)) == "SENT"
    assert f"Execution: {ran}\n" in account.notices[1][1]
