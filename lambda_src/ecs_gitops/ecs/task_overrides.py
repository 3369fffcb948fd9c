"""The overrides with which a hook's command runs in a container. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ecs_gitops.model.types import Json

# Characters of all overrides of a task, with those that JSON needs.
OVERRIDES_AT_MOST = 8_192


def overrides(container: str, command: Sequence[str]) -> Json:
    """RunTask's ``overrides``."""
    return {"containerOverrides": [{"name": container, "command": list(command)}]}


def overrides_size(container: str, command: Sequence[str]) -> int:
    """Their size in characters."""
    return len(json.dumps(overrides(container, command), ensure_ascii=False, separators=(",", ":")))
