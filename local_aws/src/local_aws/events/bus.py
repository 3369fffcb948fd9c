"""EventBridge: events of AWS services, and rules whose target is a pipeline, a function or a CodeBuild project.

AWS: a bus is named by its name or its ARN, and the targets of a rule that is not there are ResourceNotFoundException;
ministack takes the name alone, and gives no targets.
"""

from __future__ import annotations

import contextvars
import fnmatch
import json
import logging
import threading
from typing import Any

from ministack.core.responses import error_response_json, request_scope
from ministack.services import eventbridge, lambda_svc

from local_aws.control import clock
from local_aws.control.trace import trace
from local_aws.events import builds
from local_aws.iam.roles import Denied, NotTrusted, assume, require

log = logging.getLogger(__name__)


def mend() -> None:
    """Deliver to pipelines, as the target's role: ministack knows the target and drops the event. Deliver to functions
    as AWS does: :func:`_invoke_function`."""
    invoke, listed, key = eventbridge._invoke_target, eventbridge._list_targets_by_rule, eventbridge._rule_key
    eventbridge._dispatch_to_lambda = _invoke_function
    eventbridge._rule_key = lambda rule, bus: key(rule, bus.rsplit(":event-bus/", 1)[-1])

    def list_targets_by_rule(data: Any) -> Any:
        name = data.get("Rule")
        if eventbridge._rule_key(name, data.get("EventBusName", "default")) not in eventbridge._rules:
            return error_response_json("ResourceNotFoundException", f"Rule {name} does not exist.", 400)
        return listed(data)

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        arn = str(target.get("Arn", ""))
        service, region, account = ([*arn.split(":"), "", "", "", ""])[2:5]
        rule_arn = rule.get("Arn") or f"arn:aws:events:{region}:{account}:rule/{rule.get('Name')}"
        if service == "lambda" and not _may_invoke(arn, rule_arn):
            # AWS drops the event, and counts a FailedInvocation.
            log.warning("the rule's target %s was not invoked: its policy does not let %s", arn, rule_arn)
            return None
        if service == "codebuild":
            return builds.start_build(target, event, rule, rule_arn, view)
        if service != "codepipeline":
            return invoke(target, event, rule, view)
        from local_aws.code import codepipeline

        name = arn.rsplit(":", 1)[-1]
        try:
            session = assume(str(target.get("RoleArn", "")), "events.amazonaws.com", "rule", rule_arn)
            require(session, "codepipeline:StartPipelineExecution", arn, region)
        except (Denied, NotTrusted) as error:
            # AWS drops the event, too, and counts a FailedInvocation.
            log.warning("the rule's target %s was not started: %s", name, error)
            return None
        return codepipeline.start(session.account, region, name)

    eventbridge._invoke_target, eventbridge._list_targets_by_rule = invoke_target, list_targets_by_rule


def _may_invoke(function: str, rule: str) -> bool:
    """Whether the function's policy lets EventBridge invoke it for the rule. A statement is for the function without a
    version or for one version; ministack keeps those of all in one document.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-lambda-permissions"""
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    for statement in ((record or {}).get("policy") or {}).get("Statement", ()):
        principal, condition = statement.get("Principal"), statement.get("Condition") or {}
        sources = [
            value for test in condition.values() for key, value in test.items() if key.lower() == "aws:sourcearn"
        ]
        is_for_events = principal == {"Service": "events.amazonaws.com"}
        is_for_rule = all(fnmatch.fnmatchcase(rule, source) for source in sources)
        is_invocation = statement.get("Action") == "lambda:InvokeFunction" and statement.get("Resource") == function
        if is_for_events and is_for_rule and is_invocation:
            return True
    return False


def _invoke_function(arn: str, payload: str) -> None:
    """Invoke a function asynchronously: one that fails is invoked again after a minute, and after two more.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
    record, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if not record or not config:
        log.warning("the rule's target %s is not there", arn)
        return
    function = lambda_svc._execution_record_for_config(record, config)

    def invoke() -> None:
        for pause in (60, 120, None):
            result = lambda_svc._execute_function_with_config_scope(function, json.loads(payload))
            trace.add("invoked-by-rule", function=arn.partition(":function:")[2], result=result.get("body"))
            if not result.get("error") or pause is None:
                return
            clock.sleep(pause)

    threading.Thread(target=contextvars.copy_context().run, args=(invoke,), daemon=True).start()


def emit(
    account: str, region: str, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
) -> None:
    """Put an event of an AWS service on the default bus."""
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": resources}
    with request_scope(account, region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
