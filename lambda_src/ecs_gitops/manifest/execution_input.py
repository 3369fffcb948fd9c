"""Render a checked manifest and its source as deployment.json, the state machine's input. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ecs_gitops.manifest import Manifest
from ecs_gitops.manifest.fields import SCHEMA_VERSION
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.source import Source

# StartExecution accepts 262,144 bytes of UTF-8 (Step Functions quotas). If InitConfig refuses the input, a state
# carries both the input and the error to the notice: the rest is room for the error.
INPUT_AT_MOST = 204_800
_WARN_FROM = 0.8


@dataclass(frozen=True, slots=True)
class Rendered:
    """``text`` is the file's content. ``warning`` is a message if its size is close to the limit."""

    text: str
    warning: str | None


def render(manifest: Manifest, source: Source, file: str) -> Rendered:
    """deployment.json. The same manifest and source give the same bytes.

    Raises :class:`InvalidManifest` if it has more than :data:`INPUT_AT_MOST` bytes."""
    data = {"schemaVersion": SCHEMA_VERSION, **manifest.to_json()}
    if source.to_json():
        data["source"] = source.to_json()
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"
    size = len(text.encode())
    message = f"deployment.json has {size:,} of the {INPUT_AT_MOST:,} bytes that a release can have"
    if size > INPUT_AT_MOST:
        raise InvalidManifest(file, [Problem(1, 1, "", message, "fewer items, or shared values moved to `defaults`")])
    return Rendered(text, message if size > _WARN_FROM * INPUT_AT_MOST else None)
