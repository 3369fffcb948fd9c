"""CodeBuild: runs a project's buildspec for real, in a folder of its own, with the service role's credentials.

ministack has the projects; its builds succeed without running anything. Played of a buildspec (version 0.2): the
commands of all phases in one shell, environment variables, ``artifacts.files``, the log in CloudWatch Logs.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.exceptions import ClientError
from ministack.core.responses import request_scope
from ministack.services import codebuild

from local_aws import state
from local_aws.protocol import Data, Place, ServiceError, serve
from local_aws.roles import NotTrusted, Session, assume

_PHASES = ("install", "pre_build", "build", "post_build")
_builds: dict[str, Data] = {}


def start() -> None:
    """Take builds over from ministack; projects stay with it."""
    serve(
        "codebuild",
        "CodeBuild_20161006",
        {"StartBuild": _start, "BatchGetBuilds": _get},
        instead_of=True,
    )
    shape, create, update, delete = (
        codebuild._project_shape,
        codebuild._create_project,
        codebuild._update_project,
        codebuild._delete_project,
    )

    def keeping(change: Any) -> Any:
        """CreateProject and UpdateProject keep every member; ministack keeps the ones that it knows."""

        def changed(data: Data) -> Any:
            answer = change(data)
            if answer[0] == 200:
                codebuild._projects[data["name"]].update(data)
            return answer

        return changed

    codebuild._project_shape = lambda project: {**project, **shape(project)}
    codebuild._create_project, codebuild._update_project = keeping(create), keeping(update)
    # DeleteProject takes the ARN, too.
    codebuild._delete_project = lambda data: delete({"name": str(data.get("name", "")).rsplit("/", 1)[-1]})


def _get(_: Place, data: Data) -> Data:
    return {
        "builds": [_builds[build] for build in data["ids"] if build in _builds],
        "buildsNotFound": [build for build in data["ids"] if build not in _builds],
    }


def _start(place: Place, data: Data) -> Data:
    with request_scope(place.account, place.region):
        project = codebuild._projects.get(data.get("projectName", ""))
    if project is None:
        raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {data.get('projectName')}")
    number = f"{project['name']}:{uuid.uuid4()}"
    group = ((project.get("logsConfig") or {}).get("cloudWatchLogs") or {}).get("groupName")
    build: Data = {
        "id": number,
        "arn": place.arn("codebuild", f"build/{number}"),
        "projectName": project["name"],
        "buildStatus": "IN_PROGRESS",
        "currentPhase": "SUBMITTED",
        "buildComplete": False,
        "startTime": time.time(),
        "phases": [],
        "logs": {"groupName": group or f"/aws/codebuild/{project['name']}", "streamName": number.split(":")[1]},
    }
    _builds[number] = build
    threading.Thread(target=_Run(place, project, build, data).run, daemon=True).start()
    return {"build": dict(build)}


class _Run:
    """One build, in a thread."""

    def __init__(self, place: Place, project: Data, build: Data, request: Data) -> None:
        self.place, self.project, self.build, self.request = place, project, build, request
        self.folder = Path(tempfile.mkdtemp(prefix="build-", dir=state.folder))
        self.source = self.folder / "src"
        self.lines: list[str] = []

    def run(self) -> None:
        try:
            succeeded = self._phases()
        except (NotTrusted, ClientError, OSError, yaml.YAMLError, KeyError) as error:
            self._log(f"[Container] the build could not run: {error}")
            self._phase("DOWNLOAD_SOURCE", succeeded=False, message=str(error))
            succeeded = False
        self.build.update(
            buildStatus="SUCCEEDED" if succeeded else "FAILED",
            currentPhase="COMPLETED",
            endTime=time.time(),
            buildComplete=True,
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def _phases(self) -> bool:
        session = assume(
            self.project["serviceRole"], "codebuild.amazonaws.com", self.project["name"], self.build["arn"]
        )
        self.session = session
        bucket, key = _location(self.request.get("sourceLocationOverride"))
        version = {"VersionId": self.request["sourceVersion"]} if self.request.get("sourceVersion") else {}
        body = self._client("s3").get_object(Bucket=bucket, Key=key, **version)["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            archive.extractall(self.source)
        self._phase("DOWNLOAD_SOURCE")
        specification = yaml.safe_load(self.project["source"]["buildspec"])
        status = self._shell(specification, session)
        if status == 0:
            self._upload(specification)
        self._write_log()
        return status == 0

    def _shell(self, specification: Data, session: Session) -> int:
        """All commands in one shell that ends at the first that fails, as CodeBuild does for version 0.2."""
        script = []
        for phase in _PHASES:
            for command in ((specification.get("phases") or {}).get(phase) or {}).get("commands") or []:
                script += [f"printf '%s\\n' {_quoted('[Container] Running command ' + command)}"]
                script += [command, f"status=$?; [ $status -eq 0 ] || {{ echo '[Container] Command did not exit "
                           f"successfully, exit status '$status; exit $status; }}"]
        process = subprocess.Popen(
            ["bash", "-c", "\n".join(script)],
            cwd=self.source,
            env=self._environment(session),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        for line in process.stdout:
            self._log(line.rstrip("\n"))
        status = process.wait()
        told = [line for line in self.lines if not line.startswith("[Container]")]
        self._phase("BUILD", succeeded=status == 0, message="" if status == 0 else "\n".join(told[-5:]))
        return status

    def _environment(self, session: Session) -> dict[str, str]:
        """What CodeBuild sets, and nothing of the server's own Python paths."""
        configured = list((self.project.get("environment") or {}).get("environmentVariables") or [])
        given = {v["name"]: v["value"] for v in configured + list(self.request.get("environmentVariablesOverride") or [])}
        tools = [str(Path(sys.executable).parent), *os.environ["PATH"].split(os.pathsep)]
        return {
            "PATH": os.pathsep.join(tools),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": state.endpoint,
            "AWS_REGION": self.place.region,
            "AWS_DEFAULT_REGION": self.place.region,
            **session.environment(),
            "CODEBUILD_BUILD_ID": self.build["id"],
            "CODEBUILD_BUILD_ARN": self.build["arn"],
            "CODEBUILD_SRC_DIR": str(self.source),
            "CODEBUILD_INITIATOR": self.request.get("_initiator", "local"),
            "CODEBUILD_RESOLVED_SOURCE_VERSION": self.request.get("_revision", ""),
            **given,
        }

    def _upload(self, specification: Data) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name in (specification.get("artifacts") or {}).get("files") or []:
                archive.write(self.source / name, name)
        where = _location(self.request.get("_outputLocation"))
        self._client("s3").put_object(Bucket=where[0], Key=where[1], Body=out.getvalue())
        self._phase("UPLOAD_ARTIFACTS")

    def _write_log(self) -> None:
        logs, place = self._client("logs"), {
            "logGroupName": self.build["logs"]["groupName"],
            "logStreamName": self.build["logs"]["streamName"],
        }
        at = int(time.time() * 1000)
        logs.create_log_stream(**place)
        events = [{"timestamp": at, "message": line or " "} for line in self.lines]
        if events:
            logs.put_log_events(**place, logEvents=events)

    def _client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=state.endpoint,
            region_name=self.place.region,
            aws_access_key_id=self.session.access_key_id,
            aws_secret_access_key=self.session.secret_access_key,
            aws_session_token=self.session.session_token,
        )

    def _log(self, line: str) -> None:
        self.lines.append(line)
        state.trace.add("build-log", build=self.build["id"], line=line)

    def _phase(self, name: str, *, succeeded: bool = True, message: str = "") -> None:
        status = "SUCCEEDED" if succeeded else "FAILED"
        entry: Data = {"phaseType": name, "phaseStatus": status, "startTime": time.time(), "endTime": time.time()}
        if message:
            entry["contexts"] = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": message}]
        self.build["phases"].append(entry)
        self.build["currentPhase"] = name


def _location(value: Any) -> tuple[str, str]:
    """Bucket and key of ``BUCKET/KEY``."""
    bucket, _, key = str(value or "").partition("/")
    return bucket, key


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
