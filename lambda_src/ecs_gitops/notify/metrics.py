"""A release's CloudWatch metrics, as one line of the log in the embedded metric format. Pure.

CloudWatch reads the metrics from the log, so no call and no permission is needed. Format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_gitops.model.status import ReleaseStatus, Status

if TYPE_CHECKING:
    from ecs_gitops.flow.outcome import Outcome
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

NAMESPACE = "EcsGitops"
DIMENSION = "StateMachine"
# A metric is billed for each value of its dimensions. So there is one dimension; the commit is a property, and free.
ITEMS = {
    "Deployed": Status.DEPLOYED,
    "Unchanged": Status.UNCHANGED,
    "FailedItems": Status.FAILED,
    "RolledBackItems": Status.ROLLED_BACK,
    "SkippedItems": Status.SKIPPED,
    "HeldItems": Status.HELD,
}
UNITS = {"Releases": "Count", "FailedReleases": "Count", "Duration": "Seconds"} | dict.fromkeys(ITEMS, "Count")


def document(release: Release, outcome: Outcome, now: float, level: str = "INFO") -> Json:
    """The metrics of a release that ended ``now`` (epoch seconds), as the root node of the embedded metric format.

    ``Duration`` is left out where the start is not known: a release that InitConfig could not plan. ``level`` and
    ``timestamp`` are for Lambda, see :func:`ecs_gitops.release.report.write_metrics`.
    """
    values: dict[str, float] = {
        "Releases": 1,
        "FailedReleases": 0 if outcome.status is ReleaseStatus.SUCCEEDED else 1,
        **{name: outcome.counts.get(status, 0) for name, status in ITEMS.items()},
    }
    if 0 < release.started_at < math.inf:
        values["Duration"] = round(max(0.0, now - release.started_at), 3)
    known = {
        "release": release.release,
        "commitId": release.source.commit_id,
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
