"""CodePipeline V2: the control plane that Terraform needs, and executions that really run their stages.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from local_aws.code.actions import ActionFailed, run_action
from local_aws.control import clock
from local_aws.control.protocol import Data, Place, ServiceError, Tags, serve
from local_aws.control.trace import trace
from local_aws.events.bus import emit
from local_aws.iam.roles import NotTrusted, assume


@dataclass(slots=True)
class Execution:
    """One run of a pipeline. ``artifacts`` are name to bucket, key and version; ``variables`` namespace to values."""

    id: str
    number: int
    status: str = "InProgress"
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    actions: list[Data] = field(default_factory=list)
    artifacts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    trigger: str = "StartPipelineExecution"


@dataclass(slots=True)
class Pipeline:
    place: Place
    declaration: Data
    created: float = field(default_factory=time.time)
    executions: list[Execution] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        return str(self.declaration["name"])

    @property
    def arn(self) -> str:
        return self.place.arn("codepipeline", self.name)


_pipelines: dict[tuple[Place, str], Pipeline] = {}
_tags = Tags()


def serve_codepipeline() -> None:
    """Put CodePipeline behind the server's router."""
    serve(
        "codepipeline",
        "CodePipeline_20150709",
        {
            "CreatePipeline": _create,
            "GetPipeline": _get,
            "UpdatePipeline": _update,
            "DeletePipeline": lambda place, data: (_pipelines.pop((place, data["name"]), None), {})[1],
            "ListPipelines": lambda place, _: {
                "pipelines": [{"name": name} for where, name in sorted(_pipelines, key=str) if where == place]
            },
            "StartPipelineExecution": lambda place, data: start(place.account, place.region, data["name"]),
            "GetPipelineExecution": _get_execution,
            "ListPipelineExecutions": _list_executions,
            "ListActionExecutions": _list_actions,
            "ListTagsForResource": lambda _, data: {"tags": _tags.listed(data["resourceArn"])},
            "TagResource": lambda _, data: _tags.put(data["resourceArn"], data["tags"]),
            "UntagResource": lambda _, data: _tags.remove(data["resourceArn"], data["tagKeys"]),
        },
    )


def _find(place: Place, name: str) -> Pipeline:
    found = _pipelines.get((place, name))
    if found is None:
        raise ServiceError("PipelineNotFoundException", f"Account '{place.account}' has no pipeline '{name}'")
    return found


def _create(place: Place, data: Data) -> Data:
    declaration = data["pipeline"]
    if (place, declaration["name"]) in _pipelines:
        raise ServiceError("PipelineNameInUseException", f"{declaration['name']} exists")
    made = Pipeline(place, _completed(declaration, 1))
    _pipelines[place, made.name] = made
    _tags.put(made.arn, data.get("tags"))
    return {"pipeline": made.declaration, "tags": _tags.listed(made.arn)}


def _completed(declaration: Data, version: int) -> Data:
    """What AWS fills in: order of actions, empty lists, the version."""
    stages = [
        {
            **stage,
            "actions": [{"runOrder": 1, "inputArtifacts": [], "outputArtifacts": [], **a} for a in stage["actions"]],
        }
        for stage in declaration["stages"]
    ]
    return {"executionMode": "SUPERSEDED", "pipelineType": "V1", **declaration, "stages": stages, "version": version}


def _get(place: Place, data: Data) -> Data:
    found = _find(place, data["name"])
    metadata = {"pipelineArn": found.arn, "created": found.created, "updated": found.created}
    return {"pipeline": found.declaration, "metadata": metadata}


def _update(place: Place, data: Data) -> Data:
    found = _find(place, data["pipeline"]["name"])
    found.declaration = _completed(data["pipeline"], int(found.declaration["version"]) + 1)
    return {"pipeline": found.declaration}


def _get_execution(place: Place, data: Data) -> Data:
    pipeline = _find(place, data["pipelineName"])
    found = next((e for e in pipeline.executions if e.id == data["pipelineExecutionId"]), None)
    if found is None:
        raise ServiceError("PipelineExecutionNotFoundException", data["pipelineExecutionId"])
    return {"pipelineExecution": _summary(found) | {"pipelineName": pipeline.name, "pipelineVersion": 1}}


def _list_executions(place: Place, data: Data) -> Data:
    executions = reversed(_find(place, data["pipelineName"]).executions)
    return {"pipelineExecutionSummaries": [_summary(execution) for execution in executions]}


def _summary(execution: Execution) -> Data:
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "startTime": execution.started,
        "lastUpdateTime": execution.updated,
        "trigger": {"triggerType": execution.trigger},
    }


def _list_actions(place: Place, data: Data) -> Data:
    wanted = (data.get("filter") or {}).get("pipelineExecutionId")
    found = [
        {"pipelineExecutionId": execution.id, **action}
        for execution in _find(place, data["pipelineName"]).executions
        for action in execution.actions
        if wanted in (None, execution.id)
    ]
    return {"actionExecutionDetails": list(reversed(found))}


def start(account: str, region: str, name: str) -> Data:
    """Start an execution; its mode says what becomes of one that is going on."""
    pipeline = _find(Place(account, region), name)
    execution = Execution(str(uuid.uuid4()), len(pipeline.executions) + 1)
    pipeline.executions.append(execution)
    threading.Thread(target=_run, args=(pipeline, execution), daemon=True).start()
    return {"pipelineExecutionId": execution.id}


def _run(pipeline: Pipeline, execution: Execution) -> None:
    mode = pipeline.declaration["executionMode"]
    if mode == "PARALLEL":
        _stages(pipeline, execution)
        return
    with pipeline.turn:
        waiting = [e for e in pipeline.executions if e.status == "InProgress" and e.number > execution.number]
        if mode == "SUPERSEDED" and waiting:
            _set_status(pipeline, execution, "Superseded")
            return
        _stages(pipeline, execution)


def _stages(pipeline: Pipeline, execution: Execution) -> None:
    _set_status(pipeline, execution, "InProgress")
    for stage in pipeline.declaration["stages"]:
        for action in sorted(stage["actions"], key=lambda a: a["runOrder"]):
            if not _action(pipeline, execution, stage["name"], action):
                _set_status(pipeline, execution, "Failed")
                return
    _set_status(pipeline, execution, "Succeeded")


def _action(pipeline: Pipeline, execution: Execution, stage: str, action: Data) -> bool:
    entry: Data = {
        "actionExecutionId": str(uuid.uuid4()),
        "stageName": stage,
        "actionName": action["name"],
        "status": "InProgress",
        "startTime": time.time(),
        "input": {"actionTypeId": action["actionTypeId"], "configuration": action["configuration"]},
    }
    execution.actions.append(entry)
    _tell_action(pipeline, execution, entry, action, "STARTED")
    try:
        session = assume(pipeline.declaration["roleArn"], "codepipeline.amazonaws.com", execution.id[:12], pipeline.arn)
        result = run_action(pipeline.place, pipeline.declaration, execution, action, session, entry)
        entry.update(status="Succeeded", output={"executionResult": result})
    except (ActionFailed, NotTrusted) as error:
        failure = {"code": "JobFailed", "message": str(error)[:2000]}
        # What was begun outside before it failed is named.
        begun = {"externalExecutionId": error.begun} if isinstance(error, ActionFailed) and error.begun else {}
        entry.update(status="Failed", output={"executionResult": {**begun, "errorDetails": failure}})
    entry["lastUpdateTime"] = execution.updated = time.time()
    _tell_action(pipeline, execution, entry, action, str(entry["status"]).upper())
    return bool(entry["status"] == "Succeeded")


def _set_status(pipeline: Pipeline, execution: Execution, status: str) -> None:
    execution.status, execution.updated = status, time.time()
    detail = {
        "pipeline": pipeline.name,
        "execution-id": execution.id,
        "state": "STARTED" if status == "InProgress" else status.upper(),
        "version": pipeline.declaration["version"],
    }
    trace.add("pipeline", pipeline=pipeline.name, execution=execution.id, status=status)
    _emit(pipeline, "CodePipeline Pipeline Execution State Change", detail)


def _tell_action(pipeline: Pipeline, execution: Execution, entry: Data, action: Data, status: str) -> None:
    """The event of an action, with the members that AWS's has.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html"""
    detail = {
        "pipeline": pipeline.name,
        "execution-id": execution.id,
        "action-execution-id": entry["actionExecutionId"],
        "start-time": clock.written(entry["startTime"]),
        "stage": entry["stageName"],
        "action": entry["actionName"],
        "state": status,
        "region": pipeline.place.region,
        "type": {k: action["actionTypeId"][k] for k in ("owner", "category", "provider", "version")},
        "version": pipeline.declaration["version"],
    }
    result = (entry.get("output") or {}).get("executionResult") or {}
    failure = result.get("errorDetails")
    if result:
        told = {
            "external-execution-id": result.get("externalExecutionId"),
            "external-execution-summary": result.get("externalExecutionSummary") or (failure or {}).get("message"),
            "error-code": (failure or {}).get("code"),
        }
        detail["execution-result"] = {name: value for name, value in told.items() if value}
    trace.add(
        "action",
        pipeline=pipeline.name,
        execution=execution.id,
        stage=entry["stageName"],
        status=status,
        message=(failure or {}).get("message"),
    )
    _emit(pipeline, "CodePipeline Action Execution State Change", detail)


def _emit(pipeline: Pipeline, detail_type: str, detail: dict[str, Any]) -> None:
    emit(pipeline.place.account, pipeline.place.region, "aws.codepipeline", detail_type, detail, [pipeline.arn])
