"""From a checked manifest and its source to deployment.json, the state machine's input. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ecs_gitops.manifest import Manifest
from ecs_gitops.manifest.fields import SCHEMA_VERSION
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.source import Source

# StartExecution takes 262,144 bytes of input, in UTF-8 (Step Functions quotas). Beside the input a state has to carry
# why it was refused, so that there is a notice of that as well.
INPUT_AT_MOST = 204_800
_WARN_FROM = 0.8


@dataclass(frozen=True, slots=True)
class Rendered:
    """``text`` is the file's content; ``warning`` tells when it comes close to the limit."""

    text: str
    warning: str | None


def render(manifest: Manifest, source: Source, file: str) -> Rendered:
    """deployment.json: the same manifest and source give the same bytes. Raises :class:`InvalidManifest` when it is
    larger than Step Functions takes."""
    data = {"schemaVersion": SCHEMA_VERSION, **manifest.to_json()}
    if source.to_json():
        data["source"] = source.to_json()
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"
    size = len(text.encode())
    told = f"deployment.json has {size:,} of the {INPUT_AT_MOST:,} bytes that a release can have"
    if size > INPUT_AT_MOST:
        raise InvalidManifest(file, [Problem(1, 1, "", told, "fewer items, or shared values moved to `defaults`")])
    return Rendered(text, told if size > _WARN_FROM * INPUT_AT_MOST else None)
