"""A release's CloudWatch metrics: one line of the log in the embedded metric format, from which CloudWatch makes them.

No call is made and no right is needed for it. Format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_gitops.flow.outcome import SUCCEEDED
from ecs_gitops.model import items

if TYPE_CHECKING:
    from ecs_gitops.ecs.provenance import Release
    from ecs_gitops.flow.outcome import Outcome
    from ecs_gitops.model.types import Json

NAMESPACE = "EcsGitops"
DIMENSION = "StateMachine"
# A metric is billed for each value of its dimensions: these are few, and the commit is a property, which costs nothing.
ITEMS = {
    "Deployed": items.DEPLOYED,
    "Unchanged": items.UNCHANGED,
    "FailedItems": items.FAILED,
    "RolledBackItems": items.ROLLED_BACK,
    "SkippedItems": items.SKIPPED,
    "HeldItems": items.HELD,
}
UNITS = {"Releases": "Count", "FailedReleases": "Count", "Duration": "Seconds"} | dict.fromkeys(ITEMS, "Count")

log = logging.getLogger(__name__)


def document(release: Release, outcome: Outcome, now: float, level: str = "INFO") -> Json:
    """The metrics of a release that ended ``now`` (epoch seconds), as the root node of the embedded metric format.

    ``Duration`` is left out where the start is not known: a release that InitConfig could not plan. ``level`` and
    ``timestamp`` are for Lambda, see :func:`emit`.
    """
    values: dict[str, float] = {
        "Releases": 1,
        "FailedReleases": 0 if outcome.status == SUCCEEDED else 1,
        **{name: outcome.counts.get(status, 0) for name, status in ITEMS.items()},
    }
    if 0 < release.started_at < math.inf:
        values["Duration"] = round(max(0.0, now - release.started_at), 3)
    known = {
        "release": release.release,
        "commitId": release.commit_id,
        "execution": release.execution_name,
        "status": outcome.status,
    }
    return {
        "_aws": {
            "Timestamp": int(now * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [[DIMENSION]],
                    "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
                }
            ],
        },
        "level": level,
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        DIMENSION: release.mark.partition(":")[0],
        **{key: value for key, value in known.items() if value is not None},
        **values,
    }


def emit(release: Release, outcome: Outcome) -> None:
    """Write the metrics of a release that ended to the function's log, unless they are switched off
    (``ECS_GITOPS_METRICS`` is ``false``). Never raises: a report without metrics is one.

    To stdout, past ``logging``: CloudWatch takes a log event whose whole message is the document, and Lambda's JSON
    format puts a logged text into a member ``message`` of its own object, whereas it hands on a line of stdout as it
    is. It filters such a line like any other, by its members ``level`` and ``timestamp``, and takes it for INFO where
    they are absent; with the level that the function lets through, the metrics are not lost at ``log_level`` ERROR.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    if os.environ.get("ECS_GITOPS_METRICS") == "false":
        return
    try:
        made = document(release, outcome, time.time(), os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"))
        # In one write: the runtime flushes after each, and print() writes the end of the line apart.
        sys.stdout.write(json.dumps(made, separators=(",", ":"), allow_nan=False) + "\n")
    except Exception:
        log.exception("the release's metrics could not be written")
