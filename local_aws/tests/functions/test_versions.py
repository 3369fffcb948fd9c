"""Lambda's versions: copies of code, configuration, environment and layers that stay as they were published."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.archives import zipped

_SOURCE = """
import os


def handler(event, context):
    return {{
        "layer": {layer!r},
        "environment": os.environ.get("COLOUR"),
        "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "arn": context.invoked_function_arn,
        "readme": open(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "README")).read(),
    }}
"""
Statement = dict[str, Any]


def _source(layer: str) -> str:
    return _SOURCE.format(layer=layer)


@pytest.fixture
def function(name: str, make_function: Callable[[str, str], str]) -> str:
    """A function on its first layer, nothing published; its ARN."""
    return make_function(name, _source("first"))


@pytest.fixture
def functions(aws: LocalAws) -> Any:
    return aws.client("lambda")


def _invoke(functions: Any, function: str, **qualifier: str) -> dict[str, Any]:
    answer = functions.invoke(FunctionName=function, Payload=b"{}", **qualifier)
    told: dict[str, Any] = json.load(answer["Payload"])
    assert answer.get("FunctionError") is None, told
    return told


def _move(functions: Any, name: str, layer: str, colour: str) -> None:
    """Give the function another layer, environment and code."""
    made = functions.publish_layer_version(
        LayerName=name, Content={"ZipFile": zipped({"python/app.py": _source(layer)})}
    )
    functions.update_function_configuration(
        FunctionName=name, Layers=[made["LayerVersionArn"]], Environment={"Variables": {"COLOUR": colour}}
    )
    functions.update_function_code(FunctionName=name, ZipFile=zipped({"README": f"code of {layer}"}))


def test_a_version_runs_as_it_was_published(functions: Any, name: str, function: str) -> None:
    # GIVEN a version, of which a process runs already, and one of the layer's second version
    first = functions.publish_version(FunctionName=name)
    assert (first["Version"], first["FunctionArn"]) == ("1", f"{function}:1")
    before = _invoke(functions, first["FunctionArn"])
    _move(functions, name, "second", "green")
    second = functions.publish_version(FunctionName=name)["FunctionArn"]
    # WHEN the function moves on
    _move(functions, name, "third", "blue")
    # THEN each runs its own code, layer and environment, by ARN and by qualifier
    assert _invoke(functions, f"{function}:1") == before
    assert before == {
        "layer": "first",
        "environment": None,
        "version": "1",
        "arn": f"{function}:1",
        "readme": "nothing here",
    }
    told = _invoke(functions, name, Qualifier="2")
    assert told == _invoke(functions, second)
    assert (told["layer"], told["environment"], told["version"]) == ("second", "green", "2")
    assert told["readme"] == "code of second"
    told = _invoke(functions, name)
    assert (told["layer"], told["environment"], told["version"]) == ("third", "blue", "$LATEST")


def test_a_version_keeps_a_layer_version_that_was_deleted(functions: Any, name: str, function: str) -> None:
    functions.publish_version(FunctionName=name)
    _move(functions, name, "second", "green")
    functions.delete_layer_version(LayerName=name, VersionNumber=1)
    assert _invoke(functions, f"{function}:1")["layer"] == "first"


def test_the_configuration_of_a_version_is_described_as_it_was(functions: Any, name: str, function: str) -> None:
    functions.publish_version(FunctionName=name)
    before = functions.get_function_configuration(FunctionName=name, Qualifier="1")
    _move(functions, name, "second", "green")
    functions.update_function_configuration(FunctionName=name, Timeout=7, MemorySize=512)
    after = functions.get_function_configuration(FunctionName=f"{function}:1")
    members = ("FunctionArn", "Version", "Layers", "Timeout", "MemorySize", "CodeSha256", "RevisionId")
    assert {member: after[member] for member in members} == {member: before[member] for member in members}
    assert "Environment" not in after


def test_the_same_content_is_not_published_again(functions: Any, name: str, function: str) -> None:
    # GIVEN a version
    code = zipped({"README": "some code"})
    assert functions.update_function_code(FunctionName=name, ZipFile=code, Publish=True)["Version"] == "1"
    # WHEN nothing changes, or an update changes nothing, THEN the version is the answer
    assert functions.publish_version(FunctionName=name)["FunctionArn"] == f"{function}:1"
    functions.update_function_configuration(FunctionName=name, Timeout=20)
    assert functions.update_function_code(FunctionName=name, ZipFile=code, Publish=True)["Version"] == "1"
    # AND a change of one setting is published
    functions.update_function_configuration(FunctionName=name, Timeout=21)
    assert functions.publish_version(FunctionName=name)["Version"] == "2"
    listed = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [(each["Version"], each["Timeout"]) for each in listed] == [("$LATEST", 21), ("1", 20), ("2", 21)]


def test_what_is_published_with_the_function_has_an_arn_of_its_own(
    functions: Any, name: str, make_role: Callable[..., str]
) -> None:
    # GIVEN a function that is published as it is made
    made = functions.create_function(
        FunctionName=name,
        Role=make_role(f"{name}-role", "lambda.amazonaws.com"),
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": _source("none"), "README": "one"})},
        Publish=True,
    )
    arn = made["FunctionArn"].removesuffix(":1")
    assert made["Version"] == "1"
    assert functions.publish_version(FunctionName=name)["FunctionArn"] == f"{arn}:1"
    # WHEN new code is published in one call
    code = zipped({"app.py": _source("none"), "README": "two"})
    assert functions.update_function_code(FunctionName=name, ZipFile=code, Publish=True)["Version"] == "2"
    # THEN both versions are listed, oldest first, and run their own code
    listed = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [each["FunctionArn"] for each in listed][1:] == [f"{arn}:1", f"{arn}:2"]
    assert [_invoke(functions, f"{arn}:{number}")["readme"] for number in (1, 2)] == ["one", "two"]


def test_versions_are_deleted_one_by_one_or_with_their_function(functions: Any, name: str, function: str) -> None:
    functions.publish_version(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, Timeout=21)
    functions.publish_version(FunctionName=name)
    functions.delete_function(FunctionName=name, Qualifier="1")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName=f"{function}:1")
    assert _invoke(functions, f"{function}:2")["version"] == "2"
    functions.delete_function(FunctionName=name)
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName=f"{function}:2")


@pytest.mark.parametrize(
    ("allowed", "asked", "is_allowed"),
    [
        ("", "", True),
        ("", ":1", False),
        (":1", ":1", True),
        (":1", "", False),
        (":*", ":1", True),
        (":*", "", False),
        (":1", ":$LATEST", False),
    ],
)
def test_a_policy_for_a_function_is_none_for_its_versions(
    functions: Any,
    name: str,
    function: str,
    as_role: Callable[..., Callable[[str], Any]],
    allowed: str,
    asked: str,
    is_allowed: bool,
) -> None:
    functions.publish_version(FunctionName=name)
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"{function}{allowed}"}
    client = as_role(statement)("lambda")
    by_qualifier = {"Qualifier": asked[1:]} if asked else {}
    for call in ({"FunctionName": f"{function}{asked}"}, {"FunctionName": name, **by_qualifier}):
        if is_allowed:
            assert client.invoke(**call)["StatusCode"] == 200
        else:
            with pytest.raises(ClientError, match=f"InvokeFunction on resource: {function}"):
                client.invoke(**call)


@pytest.mark.parametrize("allowed", ["", ":*"])
def test_an_execution_runs_the_version_that_its_definition_names(
    aws: LocalAws,
    functions: Any,
    name: str,
    function: str,
    make_role: Callable[..., str],
    until: Callable[..., Any],
    allowed: str,
) -> None:
    # GIVEN a state machine that names a version, and a function that has moved on
    functions.publish_version(FunctionName=name)
    _move(functions, name, "second", "green")
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"{function}:1", "Payload": {}},
        "OutputPath": "$.Payload",
        "End": True,
    }
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"{function}{allowed}"}
    states, role = aws.client("stepfunctions"), make_role(f"{name}-machine", "states.amazonaws.com", statement)
    definition = json.dumps({"StartAt": "A", "States": {"A": state}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    # WHEN it is executed
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    ended = until(lambda: states.describe_execution(executionArn=execution), lambda e: e["status"] != "RUNNING")
    # THEN that version runs, if the machine's role may invoke versions
    if allowed:
        assert json.loads(ended["output"])["layer"] == "first"
    else:
        assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
        assert f"InvokeFunction on resource: {function}:1" in ended["cause"]
