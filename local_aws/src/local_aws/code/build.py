"""Run one build: source, phases, artifacts, log, each with the service role."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import logging
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.exceptions import ClientError

from local_aws.code import buildspec, tools
from local_aws.code.build_log import BuildLog
from local_aws.code.buildspec import Buildspec, BuildspecError, Phase
from local_aws.code.shell import Shell
from local_aws.code.unpack import unpack
from local_aws.control.settings import settings
from local_aws.iam.roles import NotTrusted, Session, assume

log = logging.getLogger(__name__)

Data = dict[str, Any]
T = TypeVar("T")


class PhaseFailed(Exception):
    """A phase failed: CodeBuild's status code, its message, and the status of phase and build."""

    def __init__(self, code: str, message: str, status: str = "FAILED") -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class BuildRun:
    """One run. ``build`` is the record that BatchGetBuilds shows; it is kept up to date as the run goes on.

    ``source`` is bucket, key and version of the zip to build from (None for a project that has its source in no
    artifact), ``target`` bucket and key of the artifact to make (None for none).
    """

    def __init__(
        self,
        build: Data,
        project: Data,
        region: str,
        source: tuple[str, str, str] | None,
        target: tuple[str, str] | None,
    ) -> None:
        self._build, self._project, self._region = build, project, region
        self._from, self._to = source, target
        self._folder = settings.folder / "builds" / build["id"].replace(":", "-")
        self._source = self._folder / "src"
        self._deadline = time.monotonic() + 60 * int(build["timeoutInMinutes"])
        self._log: BuildLog | None = None
        self._session: Session | None = None

    def run(self) -> None:
        """Run to the end. Never raises: the record tells how it went."""
        status = "SUCCEEDED"
        try:
            self._source.mkdir(parents=True)
            self._phase("PROVISIONING", self._provision)
            specification = self._phase("DOWNLOAD_SOURCE", self._download)
            self._run_phases(specification)
            self._phase("UPLOAD_ARTIFACTS", lambda: self._upload(specification))
        except PhaseFailed as error:
            status = error.status
        except Exception:
            log.exception("build %s broke", self._build["id"])
            status = "FAULT"
        if self._log:
            self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._build["phases"].append({"phaseType": "COMPLETED", "startTime": time.time()})
        is_stopped = self._build["buildStatus"] == "STOPPED"
        self._build.update(
            currentPhase="COMPLETED", endTime=time.time(), buildStatus="STOPPED" if is_stopped else status
        )
        self._build["buildComplete"] = True

    def _phase(self, name: str, act: Callable[[], T]) -> T:
        if self._build["buildStatus"] == "STOPPED":
            raise PhaseFailed("STOPPED", "The build was stopped.", "STOPPED")
        entry: Data = {"phaseType": name, "startTime": time.time()}
        self._build["phases"].append(entry)
        self._build["currentPhase"] = name
        try:
            result = act()
            entry["phaseStatus"] = "SUCCEEDED"
            return result
        except PhaseFailed as error:
            entry["phaseStatus"] = error.status
            entry["contexts"] = [{"statusCode": error.code, "message": error.message}]
            self._note(f"Phase context status code: {error.code} Message: {error.message}")
            raise
        finally:
            entry["endTime"] = time.time()
            entry["durationInSeconds"] = round(entry["endTime"] - entry["startTime"])
            self._note(f"Phase complete: {name} State: {entry.get('phaseStatus', 'FAULT')}")

    def _note(self, text: str) -> None:
        if self._log:
            self._log.note(text)

    def _provision(self) -> None:
        role, where = self._project["serviceRole"], self._build["logs"]
        try:
            name = f"AWSCodeBuild-{self._build['id'].split(':')[-1]}"
            self._session = assume(role, "codebuild.amazonaws.com", name, self._build["arn"])
            self._log = BuildLog(self._client("logs"), self._build["id"], where["groupName"], where["streamName"])
        except NotTrusted as error:
            raise PhaseFailed("ACCESS_DENIED", f"CodeBuild is not authorized to assume the role: {error}") from error
        except ClientError as error:
            raise PhaseFailed("ACCESS_DENIED", f"Service role {role} does not allow: {error}") from error

    def _client(self, service: Any) -> Any:
        if self._session is None:
            raise PhaseFailed("INTERNAL_SERVICE_ERROR", "the build has no credentials")
        return boto3.client(
            service,
            endpoint_url=settings.endpoint,
            region_name=self._region,
            aws_access_key_id=self._session.access_key_id,
            aws_secret_access_key=self._session.secret_access_key,
            aws_session_token=self._session.session_token,
        )

    def _download(self) -> Buildspec:
        if self._from:
            bucket, key, version = self._from
            try:
                chosen = {"VersionId": version} if version else {}
                answer = self._client("s3").get_object(Bucket=bucket, Key=key, **chosen)
            except ClientError as error:
                raise PhaseFailed("CLIENT_ERROR", f"{error} for primary source {bucket}/{key}") from error
            revision = answer["Metadata"].get("revision")
            if revision:
                self._build["resolvedSourceVersion"] = revision
            with zipfile.ZipFile(io.BytesIO(answer["Body"].read())) as archive:
                unpack(archive, self._source)
        text = str(self._project["source"].get("buildspec") or "buildspec.yml")
        if "\n" not in text:
            file = self._source / text
            if not file.is_file():
                raise PhaseFailed("YAML_FILE_ERROR", f"YAML file does not exist: {text}")
            text = file.read_text(encoding="utf-8")
        try:
            return buildspec.parse(text)
        except BuildspecError as error:
            raise PhaseFailed("YAML_FILE_ERROR", str(error)) from error

    def _environment(self, specification: Buildspec) -> dict[str, str]:
        """What CodeBuild sets, and nothing of what the server itself runs with."""
        build = self._build
        given = {v["name"]: str(v["value"]) for v in build["environment"].get("environmentVariables", [])}
        temporary = self._folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            "PATH": tools.search_path(),
            "HOME": str(self._folder),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "CI": "true",
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_ENDPOINT_URL": settings.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CODEBUILD_CI": "true",
            "CODEBUILD_BUILD_ID": build["id"],
            "CODEBUILD_BUILD_ARN": build["arn"],
            "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
            "CODEBUILD_BUILD_IMAGE": str(build["environment"].get("image", "")),
            "CODEBUILD_BUILD_SUCCEEDING": "1",
            "CODEBUILD_INITIATOR": build["initiator"],
            "CODEBUILD_LOG_PATH": build["logs"]["streamName"],
            "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion", ""),
            "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion", ""),
            "CODEBUILD_SRC_DIR": str(self._source),
            "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
            **tools.git_settings(self._region, specification.has_credential_helper),
            **specification.variables,
            **given,
            **(self._session.environment() if self._session else {}),
        }

    def _run_phases(self, specification: Buildspec) -> None:
        scripts = self._folder / "shell"
        scripts.mkdir()
        tell = self._log.line if self._log else log.info
        shell = Shell(scripts, self._source, self._environment(specification), tell)
        failed: PhaseFailed | None = None
        for name in buildspec.PHASES:
            phase = specification.phases[name]
            try:
                self._phase(name.upper(), lambda phase=phase: self._run_commands(shell, phase))  # type: ignore[misc]
            except PhaseFailed as error:
                if phase.on_failure == "CONTINUE":
                    continue
                failed = failed or error
                # POST_BUILD follows a BUILD that failed; no other phase follows one that failed.
                if name != "build" or phase.on_failure == "ABORT" or error.status != "FAILED":
                    break
                shell.run("export CODEBUILD_BUILD_SUCCEEDING=0", self._deadline)
        exported = [{"name": name, "value": shell.variable(name, self._deadline)} for name in specification.exported]
        self._build["exportedEnvironmentVariables"] = exported
        shell.close()
        if failed:
            raise failed

    def _run_commands(self, shell: Shell, phase: Phase) -> None:
        try:
            self._run_each(shell, phase.commands)
        except PhaseFailed:
            with contextlib.suppress(PhaseFailed):
                self._run_each(shell, phase.finally_)
            raise
        self._run_each(shell, phase.finally_)

    def _run_each(self, shell: Shell, commands: tuple[str, ...]) -> None:
        for command in commands:
            self._note(f"Running command {command}")
            try:
                code = shell.run(command, self._deadline)
            except TimeoutError as error:
                raise PhaseFailed("BUILD_TIMED_OUT", "Build has timed out.", "TIMED_OUT") from error
            if code != 0:
                self._note(f"Command did not exit successfully {command} exit status {code}")
                message = f"Error while executing command: {command}. Reason: exit status {code}"
                raise PhaseFailed("COMMAND_EXECUTION_ERROR", message)

    def _upload(self, specification: Buildspec) -> None:
        if self._to is None:
            return
        base = self._source / specification.base_directory
        found = [file for file in sorted(base.rglob("*")) if file.is_file() and _is_wanted(file, base, specification)]
        if not found:
            names = ", ".join(specification.files)
            raise PhaseFailed("CLIENT_ERROR", f"no matching artifact paths found: {names}")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in found:
                archive.write(file, file.name if specification.discard_paths else file.relative_to(base))
        bucket, key = self._to
        try:
            self._client("s3").put_object(Bucket=bucket, Key=key, Body=packed.getvalue())
        except ClientError as error:
            raise PhaseFailed("CLIENT_ERROR", f"Error while uploading artifacts: {error}") from error


def _is_wanted(file: Path, base: Path, specification: Buildspec) -> bool:
    name = file.relative_to(base).as_posix()
    return any(pattern == "**/*" or fnmatch.fnmatch(name, pattern) for pattern in specification.files)
