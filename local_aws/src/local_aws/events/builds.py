"""A CodeBuild project as the target of a rule: what the target gets is the input of StartBuild.

Without ``Input`` or ``InputTransformer`` that is the whole event, of which no member means anything to StartBuild. What
a transformer puts in is not escaped: a value with a quotation mark in it makes the input no JSON, and then nothing is
started. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator
from ministack.services import eventbridge

from local_aws.control.protocol import Place, ServiceError
from local_aws.control.trace import trace
from local_aws.iam.roles import Denied, NotTrusted, assume, require

log = logging.getLogger(__name__)


def start_build(target: Any, event: Any, rule: Any, rule_arn: str, view: Any = None) -> None:
    """Start a build as the target's role. What AWS does not start it drops, and counts a FailedInvocation."""
    arn = str(target.get("Arn", ""))
    place, project = Place(arn.split(":")[4], arn.split(":")[3]), arn.rsplit("/", 1)[-1]
    from local_aws.code import codebuild

    name = rule_arn.rsplit("/", 1)[-1]
    try:
        given = _input(_payload(target, event, rule, view))
        session = assume(str(target.get("RoleArn") or "::::"), "events.amazonaws.com", "rule", rule_arn)
        require(session, "codebuild:StartBuild", arn, place.region)
        answer = codebuild.start_build(place, {**given, "projectName": project}, f"rule/{name}")
    except (Denied, NotTrusted, ServiceError, ValueError) as error:
        log.warning("the rule %s did not start %s: %s", name, project, error)
        trace.add("rule-failed", rule=name, target=arn, why=f"{type(error).__name__}: {error}")
        return
    trace.add("started-by-rule", rule=name, build=answer["build"]["id"])


def _payload(target: Any, event: Any, rule: Any, view: Any) -> str:
    view = view or eventbridge._pattern_event_view(event)
    if target.get("InputTransformer"):
        return str(eventbridge._apply_input_transformer(target["InputTransformer"], rule, view))
    if target.get("Input"):
        return str(target["Input"])
    found = whole = view.event_with_detail()
    for part in filter(None, str(target.get("InputPath") or "").strip("$.").split(".")):
        found = found.get(part, whole) if isinstance(found, dict) else whole
    return json.dumps(found)


def _input(payload: str) -> dict[str, Any]:
    """The members of StartBuild in a payload. Raises :class:`ValueError` if one of them is wrong."""
    data = json.loads(payload)
    shape = _shape()
    known = {name: value for name, value in data.items() if name in shape.members} if isinstance(data, dict) else {}
    report = ParamValidator().validate({**known, "projectName": "any"}, shape)
    if report.has_errors():
        raise ValueError(report.generate_report())
    return known


@cache
def _shape() -> Any:
    model = ServiceModel(Loader().load_service_model("codebuild", "service-2"), "codebuild")
    shape: Shape | None = model.operation_model("StartBuild").input_shape
    return shape
