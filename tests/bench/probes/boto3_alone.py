"""What a cold start cannot do without: boto3, and clients of the three services that DeployEcs calls first."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from bench.probes import sandbox


def measured(_given: Mapping[str, Any]) -> dict[str, Any]:
    """``importMs`` of CPU, without anything of the package."""
    sandbox.set_environment()
    began = time.process_time()
    from boto3.session import Session

    session = Session(region_name=sandbox.REGION)
    for name in ("sts", "ecs", "s3"):
        session.client(name)
    return {"importMs": (time.process_time() - began) * 1000}
