"""Layers: unpacked once for all processes of functions that have them."""

from __future__ import annotations

import json
from collections.abc import Callable

from local_aws import LocalAws

_SOURCE = """
import os


def handler(event, context):
    return {{"file": __file__, "process": os.getpid(), "layer": {layer!r}}}
"""


def test_processes_with_one_layer_read_one_folder(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str]
) -> None:
    # GIVEN a function and its version, which run in processes of their own, and a function with another layer
    functions = aws.client("lambda")
    ours, other = (make_function(f"{name}-{layer}", _SOURCE.format(layer=layer)) for layer in "12")
    version = functions.publish_version(FunctionName=ours)["FunctionArn"]
    # WHEN they run
    answers = [json.load(functions.invoke(FunctionName=arn)["Payload"]) for arn in (ours, version, other)]
    # THEN each runs its own layer, and one layer is there once
    assert [answer["layer"] for answer in answers] == ["1", "1", "2"]
    assert len({answer["process"] for answer in answers}) == 3
    first, second, third = [answer["file"] for answer in answers]
    assert first == second != third
