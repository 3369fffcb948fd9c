"""CodeBuild's builds: StartBuild runs the project's buildspec for real.

ministack has the projects, but keeps some of their members only, and its builds succeed without running anything.
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import codebuild

from local_aws.code.build import BuildRun
from local_aws.control.protocol import Data, Operation, Place, ServiceError, serve

_builds: dict[str, Data] = {}
_lock = threading.Lock()


def start() -> None:
    """Take builds over from ministack; projects stay with it, and keep every member."""
    operations: dict[str, Operation] = {
        "StartBuild": start_build,
        "BatchGetBuilds": _get,
        "StopBuild": _stop,
        "ListBuildsForProject": _list,
    }
    serve("codebuild", "CodeBuild_20161006", operations, instead_of=True)
    shape, delete = codebuild._project_shape, codebuild._delete_project
    codebuild._project_shape = lambda project: {**project, **shape(project)}
    codebuild._create_project = _keeping(codebuild._create_project)
    codebuild._update_project = _keeping(codebuild._update_project)
    # DeleteProject takes the ARN, too.
    codebuild._delete_project = lambda data: delete({"name": str(data.get("name", "")).rsplit("/", 1)[-1]})


def _keeping(change: Any) -> Any:
    def changed(data: Data) -> Any:
        answer = change(data)
        if answer[0] == 200:
            kept = codebuild._projects[data["name"]]
            kept.update(data)
            # UpdateProject takes the limit away with -1.
            if kept.get("concurrentBuildLimit") == -1:
                del kept["concurrentBuildLimit"]
        return answer

    return changed


def _get(_: Place, data: Data) -> Data:
    return {
        "builds": [_builds[build] for build in data["ids"] if build in _builds],
        "buildsNotFound": [build for build in data["ids"] if build not in _builds],
    }


def _list(_: Place, data: Data) -> Data:
    name = data.get("projectName")
    return {"ids": [number for number, build in reversed(_builds.items()) if build["projectName"] == name]}


def _stop(_: Place, data: Data) -> Data:
    build = _builds.get(data.get("id", ""))
    if build is None:
        raise ServiceError("ResourceNotFoundException", f"Build not found: {data.get('id')}")
    if not build["buildComplete"]:
        build["buildStatus"] = "STOPPED"
    return {"build": build}


def start_build(place: Place, data: Data, initiator: str | None = None) -> Data:
    """Start a build, as the operation StartBuild does. ``initiator``: a rule's name as ``rule/NAME``; else it is the
    caller."""
    with request_scope(place.account, place.region):
        project = copy.deepcopy(codebuild._projects.get(data.get("projectName", "").rsplit("/", 1)[-1]))
    if project is None:
        raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {data.get('projectName')}")
    if data.get("buildspecOverride"):
        project["source"]["buildspec"] = data["buildspecOverride"]
    _check_variables(project, data)
    with _lock:
        _check_limit(place, project)
        build = _record(place, project, data)
        build["initiator"] = initiator or _initiator()
        _builds[build["id"]] = build
    run = BuildRun(build, project, place.region, _source(data), _target(data))
    threading.Thread(target=run.run, daemon=True, name=f"build-{build['id']}").start()
    return {"build": copy.deepcopy(build)}


def _check_limit(place: Place, project: Data) -> None:
    """Builds of a project with a limit do not wait: those above it are refused.

    https://docs.aws.amazon.com/codebuild/latest/userguide/builds-working.html
    """
    limit, prefix = project.get("concurrentBuildLimit"), place.arn("codebuild", f"build/{project['name']}:")
    running = sum(1 for build in _builds.values() if build["arn"].startswith(prefix) and not build["buildComplete"])
    if limit and running >= limit:
        message = f"Cannot have more than {limit} active builds for the project {project['name']}"
        raise ServiceError("AccountLimitExceededException", message)


def _check_variables(project: Data, data: Data) -> None:
    given = [*(project["environment"].get("environmentVariables") or []), *data.get("environmentVariablesOverride", [])]
    for variable in given:
        if variable.get("type", "PLAINTEXT") != "PLAINTEXT":
            raise ServiceError("InvalidInputException", f"the local AWS plays no variables of type {variable['type']}")


def _record(place: Place, project: Data, data: Data) -> Data:
    name, now = project["name"], time.time()
    number = f"{name}:{uuid.uuid4()}"
    wanted = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
    stream = "/".join(part for part in (wanted.get("streamName"), number.split(":")[-1]) if part)
    variables = {v["name"]: v for v in (project["environment"].get("environmentVariables") or [])}
    variables.update({v["name"]: v for v in data.get("environmentVariablesOverride") or []})
    return {
        "id": number,
        "arn": place.arn("codebuild", f"build/{number}"),
        "buildNumber": 1 + sum(1 for other in _builds.values() if other["projectName"] == name),
        "projectName": name,
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "currentPhase": "SUBMITTED",
        "startTime": now,
        "sourceVersion": data.get("sourceVersion", ""),
        "serviceRole": project["serviceRole"],
        "timeoutInMinutes": project.get("timeoutInMinutes") or 60,
        "environment": {**project["environment"], "environmentVariables": list(variables.values())},
        "phases": [
            {"phaseType": phase, "phaseStatus": "SUCCEEDED", "startTime": now, "endTime": now, "durationInSeconds": 0}
            for phase in ("SUBMITTED", "QUEUED")
        ],
        "logs": {"groupName": wanted.get("groupName") or f"/aws/codebuild/{name}", "streamName": stream},
    }


def _source(data: Data) -> tuple[str, str, str] | None:
    bucket, _, key = str(data.get("sourceLocationOverride") or "").partition("/")
    return (bucket, key, str(data.get("sourceVersion") or "")) if key else None


def _target(data: Data) -> tuple[str, str] | None:
    override = data.get("artifactsOverride") or {}
    return (override["location"], override["path"]) if override.get("location") and override.get("path") else None


def _initiator() -> str:
    """``codepipeline/NAME`` when an execution of a pipeline started the build, else who did."""
    from local_aws.code import codepipeline

    caller = str(iam_evaluator.caller_arn())
    session = caller.rsplit("/", 1)[-1]
    for pipeline in codepipeline._pipelines.values():
        if any(execution.id.startswith(session) for execution in pipeline.executions):
            return f"codepipeline/{pipeline.name}"
    return caller.rsplit(":", 1)[-1].removeprefix("assumed-role/")
