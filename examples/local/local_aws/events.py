"""EventBridge: events of AWS services, and rules whose target is a pipeline."""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from local_aws.roles import Denied, NotTrusted, assume, require

log = logging.getLogger(__name__)


def mend() -> None:
    """Deliver to pipelines, as the target's role: ministack knows the target and drops the event."""
    invoke = eventbridge._invoke_target

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        arn = str(target.get("Arn", ""))
        if arn.split(":")[2:3] != ["codepipeline"]:
            return invoke(target, event, rule, view)
        from local_aws import codepipeline

        region, name = arn.split(":")[3], arn.rsplit(":", 1)[-1]
        try:
            rule_arn = rule.get("Arn") or f"arn:aws:events:{region}:{arn.split(':')[4]}:rule/{rule.get('Name')}"
            session = assume(str(target.get("RoleArn", "")), "events.amazonaws.com", "rule", rule_arn)
            require(session, "codepipeline:StartPipelineExecution", arn, region)
        except (Denied, NotTrusted) as error:
            # AWS drops the event, too, and counts a FailedInvocation.
            log.warning("the rule's target %s was not started: %s", name, error)
            return None
        return codepipeline.start(session.account, region, name)

    eventbridge._invoke_target = invoke_target


def emit(
    account: str, region: str, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
) -> None:
    """Put an event of an AWS service on the default bus."""
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": resources}
    with request_scope(account, region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
