"""The three actions of a pipeline that are played, each with the calls that AWS makes, as the pipeline's role."""

from __future__ import annotations

import io
import json
import re
import subprocess
import time
import uuid
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from local_aws.code import codecommit
from local_aws.control.settings import settings
from local_aws.iam.roles import Denied, Session, require

if TYPE_CHECKING:
    from local_aws.code.codepipeline import Execution
    from local_aws.control.protocol import Data, Place

_LOOK_EVERY = 0.2
# StartExecution: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_INPUT_AT_MOST = 262_144


class ActionFailed(Exception):
    """The action did not succeed; the text is what the pipeline shows, ``begun`` the id of what it began outside."""

    def __init__(self, message: str, begun: str = "") -> None:
        super().__init__(message)
        self.begun = begun


def run_action(
    place: Place, declaration: Data, execution: Execution, action: Data, session: Session, entry: Data
) -> Data:
    """Run one action; its execution result (external id, summary). Raises :class:`ActionFailed`."""
    provider = action["actionTypeId"]["provider"]
    run = {"CodeCommit": _source, "CodeBuild": _build, "StepFunctions": _invoke}.get(provider)
    if run is None:
        raise ActionFailed(f"the local AWS plays no action of {provider}")
    try:
        return run(_Action(place, declaration, execution, action, session, entry))
    except ClientError as error:
        raise ActionFailed(str(error)) from None
    except Denied as error:
        raise ActionFailed(str(error)) from None


class _Action:
    def __init__(
        self, place: Place, declaration: Data, execution: Execution, action: Data, session: Session, entry: Data
    ) -> None:
        self.id = entry["actionExecutionId"]
        self.place, self.declaration, self.execution, self.action, self.session = (
            place,
            declaration,
            execution,
            action,
            session,
        )
        self.bucket = declaration["artifactStore"]["location"]
        self.configuration = {name: self._resolved(value) for name, value in action["configuration"].items()}

    def _resolved(self, text: str) -> str:
        """``#{Namespace.Variable}`` replaced by what an earlier action put out."""
        variables = self.execution.variables

        def value(match: re.Match[str]) -> str:
            try:
                return variables[match.group(1)][match.group(2)]
            except KeyError:
                raise ActionFailed(f"no variable {match.group(0)}") from None

        return re.sub(r"#\{([^.}]+)\.([^}]+)\}", value, text)

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=settings.endpoint,
            region_name=self.place.region,
            aws_access_key_id=self.session.access_key_id,
            aws_secret_access_key=self.session.secret_access_key,
            aws_session_token=self.session.session_token,
        )

    def new_key(self, artifact: str) -> str:
        """Where CodePipeline puts an artifact: shortened names of pipeline and artifact, a random end."""
        return f"{self.declaration['name'][:20]}/{artifact[:10]}/{uuid.uuid4().hex[:7]}"

    def read(self, artifact: str, file: str) -> str:
        bucket, key, version = self.execution.artifacts[artifact]
        body = self.client("s3").get_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
        with zipfile.ZipFile(io.BytesIO(body["Body"].read())) as archive:
            try:
                return archive.read(file).decode()
            except KeyError:
                raise ActionFailed(f"the artifact {artifact} has no file {file}") from None


def _source(action: _Action) -> Data:
    """The branch's commit as a zip in the artifact bucket, and the source variables.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html
    """
    name, branch = action.configuration["RepositoryName"], action.configuration["BranchName"]
    commits = action.client("codecommit")
    commit = commits.get_branch(repositoryName=name, branchName=branch)["branch"]["commitId"]
    told = commits.get_commit(repositoryName=name, commitId=commit)["commit"]
    arn = action.place.arn("codecommit", name)
    for needed in ("UploadArchive", "GetUploadArchiveStatus", "CancelUploadArchive"):
        # AWS makes the archive in calls that no SDK has; the permission is checked all the same.
        require(action.session, f"codecommit:{needed}", arn, action.place.region)
    s3 = action.client("s3")
    s3.get_bucket_versioning(Bucket=action.bucket)
    repository = codecommit.find(action.place, name)
    command = ["git", "--git-dir", str(repository.folder), "archive", "--format=zip", commit]
    body = subprocess.run(command, check=True, capture_output=True).stdout
    artifact = action.action["outputArtifacts"][0]["name"]
    key = action.new_key(artifact)
    version = s3.put_object(Bucket=action.bucket, Key=key, Body=body).get("VersionId", "")
    action.execution.artifacts[artifact] = (action.bucket, key, version)
    action.execution.variables[action.action.get("namespace", "Source")] = {
        "RepositoryName": name,
        "BranchName": branch,
        "CommitId": commit,
        "CommitMessage": told.get("message", ""),
    }
    return {"externalExecutionId": commit, "externalExecutionSummary": told.get("message", "")}


def _build(action: _Action) -> Data:
    """StartBuild with the artifact and the variables, then BatchGetBuilds until it is complete."""
    bucket, key, version = action.execution.artifacts[action.action["inputArtifacts"][0]["name"]]
    output = action.action["outputArtifacts"][0]["name"]
    target = action.new_key(output)
    variables = json.loads(action.configuration.get("EnvironmentVariables", "[]"))
    builds = action.client("codebuild")
    build = builds.start_build(
        projectName=action.configuration["ProjectName"],
        sourceTypeOverride="S3",
        sourceLocationOverride=f"{bucket}/{key}",
        sourceVersion=version,
        artifactsOverride={"type": "S3", "location": action.bucket, "path": target},
        environmentVariablesOverride=[{"name": v["name"], "value": v["value"], "type": "PLAINTEXT"} for v in variables],
    )["build"]
    while not build.get("buildComplete"):
        time.sleep(_LOOK_EVERY)
        build = builds.batch_get_builds(ids=[build["id"]])["builds"][0]
    if build["buildStatus"] != "SUCCEEDED":
        told = [c["message"] for phase in build["phases"] for c in phase.get("contexts", [])]
        raise ActionFailed(f"Build {build['id']} failed: {' '.join(told)}", build["id"])
    action.execution.artifacts[output] = (action.bucket, target, "")
    return {"externalExecutionId": build["id"]}


def _invoke(action: _Action) -> Data:
    """StartExecution with the file's content, then DescribeExecution until it is over.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-StepFunctions.html
    """
    machine = action.configuration["StateMachineArn"]
    states = action.client("stepfunctions")
    states.describe_state_machine(stateMachineArn=machine)
    data = action.read(action.action["inputArtifacts"][0]["name"], action.configuration["Input"])
    if len(data.encode()) > _INPUT_AT_MOST:
        raise ActionFailed(
            "ValidationException: 1 validation error detected: Value at 'input' failed to satisfy constraint: Member "
            f"must have length less than or equal to {_INPUT_AT_MOST}"
        )
    prefix = action.configuration.get("ExecutionNamePrefix")
    name = f"{prefix}-{action.id}" if prefix else action.id
    arn = states.start_execution(stateMachineArn=machine, name=name, input=data)["executionArn"]
    while True:
        told = states.describe_execution(executionArn=arn)
        if told["status"] != "RUNNING":
            break
        time.sleep(_LOOK_EVERY)
    if told["status"] != "SUCCEEDED":
        raise ActionFailed(f"Execution {told['status']}: {told.get('error', '')}: {told.get('cause', '')}", arn)
    return {"externalExecutionId": arn}
