"""Step Functions: retries and catches by class, limits, the machine's own role, the trace."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws

_SOURCE = """
import time


class Flaky(Exception):
    pass


def handler(event, context):
    if event.get("attempt", 9) < event.get("fails", 0):
        raise Flaky("again")
    time.sleep(event.get("sleep", 0))
    return event
"""
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def function(name: str, make_function: Callable[[str, str], str]) -> str:
    return make_function(name, _SOURCE)


@pytest.fixture
def run(aws: LocalAws, name: str, make_role: Callable[..., str], until: Callable[..., Any]) -> Run:
    """`run(definition, input, *statements)`: the execution as it ended."""

    def start(definition: dict[str, Any], data: Any, *statements: dict[str, Any]) -> dict[str, Any]:
        states = aws.client("stepfunctions")
        role = make_role(f"{name}-machine", "states.amazonaws.com", *statements)
        machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
        arn = states.start_execution(stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(data))[
            "executionArn"
        ]
        ended: dict[str, Any] = until(
            lambda: states.describe_execution(executionArn=arn), lambda each: each["status"] != "RUNNING"
        )
        return ended

    return start


def _task(function: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": function, "Payload": payload}
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters}
    return task | {"ResultSelector": {"payload.$": "$.Payload"}} | more


def _allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def test_a_custom_error_is_retried_by_name(run: Run, function: str) -> None:
    retry = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 3, "MaxDelaySeconds": 2}]
    payload = {"attempt.$": "$$.State.RetryCount", "fails": 2, "name.$": "$$.Execution.Name"}
    definition = {"StartAt": "A", "States": {"A": _task(function, payload, Retry=retry, End=True)}}
    ended = run(definition, {}, _allow("lambda:InvokeFunction", function))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["payload"]["attempt"] == 2


def test_a_caught_error_reaches_fail_with_its_own_name_and_cause(run: Run, function: str) -> None:
    catch = [{"ErrorEquals": ["Flaky"], "Next": "Failed", "ResultPath": "$.error"}]
    definition = {
        "StartAt": "A",
        "States": {
            "A": _task(function, {"attempt": 0, "fails": 1}, Catch=catch, End=True),
            "Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
        },
    }
    ended = run(definition, {}, _allow("lambda:InvokeFunction", function))
    assert (ended["status"], ended["error"]) == ("FAILED", "Flaky")
    assert json.loads(ended["cause"])["errorMessage"] == "again"


def test_an_execution_past_its_time_limit_is_timed_out(run: Run) -> None:
    wait = {"Type": "Wait", "Seconds": 1200, "End": True}
    ended = run({"TimeoutSeconds": 1, "StartAt": "Wait", "States": {"Wait": wait}}, {})
    assert ended["status"] == "TIMED_OUT"


def test_map_items_run_side_by_side_and_show_in_the_trace(aws: LocalAws, run: Run, function: str, name: str) -> None:
    processor = {
        "ProcessorConfig": {"Mode": "INLINE"},
        "StartAt": "Inner",
        "States": {"Inner": _task(function, {"sleep": 1, "n.$": "$.n"}, End=True)},
    }
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.numbers",
                "ItemSelector": {"n.$": "$$.Map.Item.Value", "all.$": "$.numbers"},
                "MaxConcurrency": 4,
                "ItemProcessor": processor,
                "End": True,
            }
        },
    }
    started = time.monotonic()
    ended = run(definition, {"numbers": [1, 2, 3]}, _allow("lambda:InvokeFunction", function))
    assert [each["payload"]["n"] for each in json.loads(ended["output"])] == [1, 2, 3]
    assert time.monotonic() - started < 2.8
    trace = [each for each in aws.control("trace") if each.get("execution") == name]
    entered = [(each["state"], each["item"]) for each in trace if each["kind"] == "state-entered"]
    assert entered[0] == ("Each", None)
    assert sorted(entered[1:]) == [("Inner", 0), ("Inner", 1), ("Inner", 2)]


def test_the_machines_role_must_allow_the_function(run: Run, function: str) -> None:
    definition = {"StartAt": "A", "States": {"A": _task(function, {}, End=True)}}
    ended = run(definition, {}, _allow("lambda:InvokeFunction", f"{function}-other"))
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert "is not authorized to perform: lambda:InvokeFunction on resource" in ended["cause"]


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_message_is_published_with_attributes_when_the_role_may(
    aws: LocalAws, run: Run, name: str, is_allowed: bool
) -> None:
    topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
    endpoint = f"arn:aws:sqs:us-west-2:111111111111:{name}"
    open_to_sns = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**open_to_sns, "Resource": endpoint}]})
    queue = aws.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {
            "TopicArn": topic,
            "Subject.$": "$.subject",
            "Message": "hello",
            "MessageAttributes": {"status": {"DataType": "String", "StringValue.$": "$.status"}},
        },
        "End": True,
    }
    allowed = _allow("sns:Publish", topic if is_allowed else f"{topic}-other")
    ended = run({"StartAt": "Tell", "States": {"Tell": publish}}, {"subject": "S", "status": "OK"}, allowed)
    messages = aws.client("sqs").receive_message(QueueUrl=queue).get("Messages", [])
    if not is_allowed:
        assert (ended["status"], messages) == ("FAILED", [])
        return
    notice = json.loads(messages[0]["Body"])
    assert (notice["Subject"], notice["Message"]) == ("S", "hello")
    assert notice["MessageAttributes"] == {"status": {"Type": "String", "Value": "OK"}}


def test_states_all_does_not_catch_a_path_that_finds_nothing(run: Run, function: str) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    definition = {
        "StartAt": "A",
        "States": {"A": _task(function, {"x.$": "$.missing"}, Catch=catch, End=True), "Caught": {"Type": "Succeed"}},
    }
    ended = run(definition, {"there": 1}, _allow("lambda:InvokeFunction", function))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "'$.missing'" in ended["cause"]


def test_a_state_passes_on_at_most_256_kib(run: Run) -> None:
    doubled = {"Type": "Pass", "Parameters": {"a.$": "$.text", "b.$": "$.text"}, "End": True}
    ended = run({"StartAt": "Twice", "States": {"Twice": doubled}}, {"text": "x" * 140_000})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_an_executions_input_is_at_most_256_kib(run: Run) -> None:
    with pytest.raises(ClientError) as caught:
        run({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}, {"text": "x" * 263_000})
    assert caught.value.response["Error"]["Code"] == "InvalidExecutionInput"


def test_the_history_has_the_states_inside_a_map(aws: LocalAws, run: Run) -> None:
    processor = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
    each = {"Type": "Map", "ItemsPath": "$.numbers", "ItemProcessor": processor, "End": True}
    ended = run({"StartAt": "Each", "States": {"Each": each}}, {"numbers": [1, 2]})
    events = aws.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered == ["Each", "Inner", "Inner"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
