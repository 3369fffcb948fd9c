"""DescribeServiceDeployments' shape of a record."""

from __future__ import annotations

from typing import Any

from local_aws.ecs import records
from local_aws.ecs.records import FAILED_REASON, Record

Data = dict[str, Any]


def full(record: Record) -> Data:
    """The record as DescribeServiceDeployments gives it."""
    is_native = record.strategy != "ROLLING"
    target: Data = {
        "arn": record.revision_arn,
        "requestedTaskCount": record.desired,
        "runningTaskCount": record.running,
        "pendingTaskCount": record.pending,
    }
    shown: Data = {
        "serviceDeploymentArn": record.arn,
        "serviceArn": record.service_arn,
        "clusterArn": record.cluster_arn,
        "createdAt": record.created,
        "startedAt": record.created,
        "updatedAt": record.updated,
        "status": record.status,
        "statusReason": record.reason,
        "targetServiceRevision": target,
        "sourceServiceRevisions": [],
        "deploymentConfiguration": record.configuration,
        "deploymentCircuitBreaker": _breaker(record),
        "alarms": _alarms(record),
    }
    if record.source:
        source: Data = {"arn": record.source.revision_arn, "runningTaskCount": record.source.running}
        shown["sourceServiceRevisions"] = [source]
        if is_native:
            source["requestedProductionTrafficWeight"] = 100.0 - record.weight
    if is_native:
        target["requestedProductionTrafficWeight"] = record.weight
        shown["lifecycleStage"] = record.stage
    if record.hooks:
        shown["lifecycleHookDetails"] = [dict(hook) for hook in record.hooks]
    if record.rollback_started:
        to = records.by_deployment(record.rolls_back_to)
        shown["rollback"] = {
            "reason": record.rollback_reason,
            "startedAt": record.rollback_started,
            "serviceRevisionArn": to.revision_arn if to else "",
        }
    if not record.is_going_on:
        shown["finishedAt"] = record.updated
    return shown


def _breaker(record: Record) -> Data:
    breaker = record.configuration.get("deploymentCircuitBreaker") or {}
    if FAILED_REASON in (record.reason, record.rollback_reason):
        status = "TRIGGERED"
    elif not breaker.get("enable"):
        status = "DISABLED"
    else:
        status = "MONITORING" if record.is_going_on else "MONITORING_COMPLETE"
    return {"status": status, "failureCount": record.failed}


def _alarms(record: Record) -> Data:
    alarms = record.configuration.get("alarms") or {}
    if not record.watches_alarms:
        return {"status": "DISABLED"}
    status = "TRIGGERED" if record.triggered_alarms else "MONITORING" if record.is_going_on else "MONITORING_COMPLETE"
    names, triggered = alarms.get("alarmNames", []), record.triggered_alarms
    return {"status": status, "alarmNames": names, "triggeredAlarmNames": triggered}
