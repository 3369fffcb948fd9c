"""The lint of the state machine finds what is wrong, and finds nothing wrong."""

from __future__ import annotations

import json

import pytest
from ministack.services import stepfunctions

from lint_state_machine import FILE, problems, rendered

TEXT = FILE.read_text()
# What only a retry of the same call can mend; everything else would fail the same way again.
MENDABLE = {
    "AwsUnavailable",
    "LedgerUnavailable",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Runtime.Unknown",
}


def test_the_definition_that_ships_is_valid():
    assert problems(json.loads(rendered(TEXT))) == []


@pytest.mark.parametrize(
    ("report", "following"),
    [
        ({"next": "DEPLOY"}, "DeployStage"),
        ({"next": "REPORT", "status": "SUCCEEDED", "notify": True}, "NotifySuccess"),
        ({"next": "REPORT", "status": "SUCCEEDED", "notify": False}, "ReleaseSucceeded"),
        ({"next": "REPORT", "status": "FAILED", "notify": True}, "NotifyFailure"),
        ({"next": "REPORT", "status": "FAILED", "notify": False}, "NotifyFailure"),
    ],
)
def test_a_success_that_is_not_told_ends_without_a_notice_and_a_failure_never_does(report, following):
    state = json.loads(rendered(TEXT))["States"]["ChooseStage"]
    chosen = (rule["Next"] for rule in state["Choices"] if stepfunctions._evaluate_rule(rule, report))
    assert next(chosen, state["Default"]) == following


def test_no_notice_quotes_what_only_a_function_could_clean():
    # GIVEN all notices, which show what the functions made for them, or what a state itself says
    states = json.loads(rendered(TEXT))["States"]
    # THEN the one that a state makes names the error and the execution, and quotes no function's own words
    assert "$.error.Error" in states["ReportFailed"]["Parameters"]["notice"]["message.$"]
    assert "Cause" not in json.dumps(states["ReportFailed"]["Parameters"]["notice"])


def test_a_definition_with_a_fault_is_found():
    definition = json.loads(rendered(TEXT))
    definition["States"]["NotifySuccess"]["Next"] = "Nowhere"
    assert problems(definition)


def test_function_calls_are_retried_for_what_a_retry_can_mend_alone():
    def tasks(states):
        for state in states.values():
            if state["Type"] == "Task" and "lambda:invoke" in state["Resource"]:
                yield state
            yield from tasks(state.get("ItemProcessor", {}).get("States", {}))

    found = list(tasks(json.loads(rendered(TEXT))["States"]))
    assert len(found) == 5
    for task in found:
        assert {name for retry in task["Retry"] for name in retry["ErrorEquals"]} <= MENDABLE
        # A full account's own limit passes slowly; everything else is tried again at once, but for an S3 that is down.
        throttled, *own, faults = task["Retry"]
        assert [each["ErrorEquals"] for each in own] in (
            [["LedgerUnavailable"]],
            [["LedgerUnavailable"], ["AwsUnavailable"]],
        )
        pauses = {"LedgerUnavailable": (30, 60), "AwsUnavailable": (1, 30)}
        assert all((r["IntervalSeconds"], r["MaxDelaySeconds"]) == pauses[r["ErrorEquals"][0]] for r in own)
        assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        assert throttled["MaxDelaySeconds"] <= 60
        assert (faults["IntervalSeconds"], faults["MaxDelaySeconds"]) == (1, 30)
        assert task["Catch"][0]["ErrorEquals"] == ["States.ALL"]


def test_an_s3_that_is_down_is_waited_for_for_hours():
    states = json.loads(rendered(TEXT))["States"]
    (retry,) = [r for r in states["InitConfig"]["Retry"] if r["ErrorEquals"] == ["LedgerUnavailable"]]
    assert 3 * 3_600 <= retry["MaxAttempts"] * retry["MaxDelaySeconds"] <= 6 * 3_600


def test_concurrency_and_time_are_bounded():
    definition = json.loads(rendered(TEXT))
    assert definition["TimeoutSeconds"] > 0
    maps = [state for state in definition["States"].values() if state["Type"] == "Map"]
    assert [0 < state["MaxConcurrency"] <= 40 for state in maps] == [True]
