"""What the parts of the local AWS share: settings that can be changed while it runs, its folder, and its address."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "111111111111"
REGION = "us-west-2"


@dataclass(slots=True)
class Settings:
    """``rollout_seconds``: how long an image takes until it runs, in simulated seconds. ``minute_seconds``: how many
    simulated seconds a minute of bake time takes; None is AWS's 60 where seconds are scaled, and 1 where they are not,
    so that nobody waits for minutes. ``wait_scale``: a factor on Step Functions' pauses alone, beside the clock's.
    ``instance_mib``: memory of each instance of a cluster. ``faults``: see :mod:`local_aws.functions.faults`.

    ``folder``: where repositories, builds and passwords are kept. ``endpoint``: where the server answers."""

    rollout_seconds: float = 2.0
    minute_seconds: float | None = None
    wait_scale: float = 1.0
    instance_mib: int = 16_384
    faults: dict[str, Any] | None = None
    folder: Path = field(default_factory=Path)
    endpoint: str = ""


settings = Settings()
