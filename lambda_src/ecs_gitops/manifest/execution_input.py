"""Render a checked manifest and its source as deployment.json, the state machine's input. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.manifest import Manifest
from ecs_gitops.manifest.fields import SCHEMA_VERSION
from ecs_gitops.manifest.node import MAX_BYTES
from ecs_gitops.manifest.stored_input import MEMBER, StoredInput
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.source import Source

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# StartExecution accepts 262,144 bytes of UTF-8 (Step Functions quotas). If InitConfig refuses the input, a state
# carries both the input and the error to the notice: the rest is room for the error.
INPUT_AT_MOST = 204_800
_WARN_FROM = 0.8
_FEWER = "fewer items, or shared values moved to `defaults`"


@dataclass(frozen=True, slots=True)
class Rendered:
    """``text`` is the content of deployment.json. ``warning`` is a message if the input is close to the limit.

    ``large`` is the whole input if that is too large for an execution: it belongs in the ledger at ``stored``, and
    ``text`` points to it."""

    text: str
    warning: str | None
    large: str | None = None
    stored: StoredInput | None = None


def render(manifest: Manifest, source: Source, file: str) -> Rendered:
    """deployment.json. The same manifest and source give the same bytes.

    Raises :class:`InvalidManifest` if the input has more than :data:`MAX_BYTES` bytes."""
    origin = {"source": source.to_json()} if source.to_json() else {}
    text = _written({**manifest.to_json(), **origin})
    size = len(text.encode())
    message = f"the release's input has {size:,} of the {MAX_BYTES:,} bytes that it can have"
    if size > MAX_BYTES:
        raise InvalidManifest(file, [Problem(1, 1, "", message, _FEWER)])
    warning = message if size > _WARN_FROM * MAX_BYTES else None
    if size <= INPUT_AT_MOST:
        return Rendered(text, warning)
    stored = StoredInput.of(text)
    named = {"release": manifest.release} if manifest.release is not None else {}
    return Rendered(_written({**named, **origin, MEMBER: stored.to_json()}), warning, text, stored)


def not_stored(file: str, size: int) -> InvalidManifest:
    """The error where an input of this many bytes has to be in deployment.json itself."""
    message = f"deployment.json has {size:,} of the {INPUT_AT_MOST:,} bytes that an execution's input can have"
    return InvalidManifest(file, [Problem(1, 1, "", message, f"{_FEWER}; or --large, as in the pipeline's build")])


def _written(data: Json) -> str:
    whole = {"schemaVersion": SCHEMA_VERSION, **data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"
