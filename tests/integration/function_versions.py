"""Settings of a function that ships, changed as an apply changes them: a new version, which the state machine names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playground.stack import Stack


@contextmanager
def changed_environment(stack: Stack, function: str) -> Iterator[Callable[..., None]]:
    """Call what is given with variables of the environment to change: releases that start from then on see them, those
    that run do not. At the end the variables are as before."""
    functions = stack.aws.client("lambda")
    before = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    yield lambda **variables: _publish(stack, function, {**before, **variables})
    _publish(stack, function, before)


def _publish(stack: Stack, function: str, variables: dict[str, str]) -> None:
    functions, states = stack.aws.client("lambda"), stack.aws.client("stepfunctions")
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
    version, machine = functions.publish_version(FunctionName=function), stack.outputs["state_machine_arn"]
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    renamed, found = re.subn(rf":{function}:\d+\"", f':{function}:{version["Version"]}"', definition)
    assert found, f"the state machine names no version of {function}"
    states.update_state_machine(stateMachineArn=machine, definition=renamed)
