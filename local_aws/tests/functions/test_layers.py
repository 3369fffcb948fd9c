"""Layers: unpacked once for all functions that have them."""

from __future__ import annotations

import json
from collections.abc import Callable

from local_aws import LocalAws

_SOURCE = """
def handler(event, context):
    return {{"file": __file__, "layer": {layer!r}}}
"""


def test_functions_with_one_layer_read_one_folder(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str]
) -> None:
    # GIVEN two functions whose layers have the same content, and one whose layer has another
    sources = {f"{name}-{each}": _SOURCE.format(layer=layer) for each, layer in zip("abc", "112", strict=True)}
    arns = [make_function(each, source) for each, source in sources.items()]
    # WHEN they run
    answers = [json.load(aws.client("lambda").invoke(FunctionName=arn)["Payload"]) for arn in arns]
    # THEN each runs its own layer, and the same content is there once
    assert [answer["layer"] for answer in answers] == ["1", "1", "2"]
    first, second, other = [answer["file"] for answer in answers]
    assert first == second != other
