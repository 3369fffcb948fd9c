"""Lambda: what a function sees, and how its errors are named."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from local_aws import LocalAws

_SOURCE = """
import importlib.util
import os


class OutOfStock(Exception):
    pass


def handler(event, context):
    if event.get("fail"):
        raise OutOfStock("no more")
    names = ("AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_ENDPOINT_URL")
    return {
        "environment": {name: os.environ.get(name) for name in names},
        "has_session": bool(os.environ.get("AWS_SESSION_TOKEN")),
        "sees_moto": importlib.util.find_spec("moto") is not None,
    }
"""


def _invoke(aws: LocalAws, function: str, event: dict[str, Any]) -> tuple[str | None, Any]:
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.load(answer["Payload"])


def test_a_layers_handler_sees_its_surroundings(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str]
) -> None:
    make_function(name, _SOURCE)
    error, seen = _invoke(aws, name, {})
    assert error is None
    assert seen["environment"] == {
        "AWS_REGION": "us-west-2",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_ENDPOINT_URL": aws.endpoint,
    }
    assert seen["has_session"]
    # As on AWS, what is installed beside the emulator is not there.
    assert not seen["sees_moto"]


def test_an_error_is_named_after_its_class(aws: LocalAws, name: str, make_function: Callable[[str, str], str]) -> None:
    make_function(name, _SOURCE)
    error, body = _invoke(aws, name, {"fail": True})
    assert error is not None
    assert (body["errorType"], body["errorMessage"]) == ("OutOfStock", "no more")


def test_a_layers_content_is_fetched_without_credentials(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str]
) -> None:
    make_function(name, _SOURCE)
    layer = aws.client("lambda").get_layer_version(LayerName=name, VersionNumber=1)
    by_arn = aws.client("lambda").get_layer_version_by_arn(Arn=layer["LayerVersionArn"])
    assert by_arn["Content"]["CodeSha256"] == layer["Content"]["CodeSha256"]
    with urllib.request.urlopen(by_arn["Content"]["Location"]) as answer:  # noqa: S310 - the address is the server's
        assert len(answer.read()) == by_arn["Content"]["CodeSize"]
