"""The calls that read what a release refers to: images, secrets, parameters, alarms, roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecs_gitops.aws.calls import Calls, chunks
from ecs_gitops.model.errors import AwsRefused

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_IMAGES_PER_CALL = 100
# Every kind of manifest that container engines pull. If the index (an image for several architectures) is not accepted,
# ECR may answer with the manifest of one platform, which has another digest.
_MANIFESTS = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]
_ABSENT = ("ImageNotFound", "InvalidImageTag", "InvalidImageDigest", "ImageTagDoesNotMatchDigest")
_PARAMETERS_PER_CALL = 50
_ALARMS_PER_CALL = 100


class ReferenceCalls(Calls):
    """Calls that read what a release refers to, in the batch's account and in others. They change nothing."""

    def image_digests(
        self, account: str, region: str, repository: str, references: Sequence[str]
    ) -> dict[str, str | AwsRefused | None]:
        """The digest of each tag or digest (``sha256:…``) in an ECR repository. It is None for an image that does not
        exist, and ECR's error for one that ECR could not read.

        The digest of an image for several architectures is that of its index. It calls BatchGetImage: to pull an image
        needs the same permission, and ECR counts the call as a pull."""
        digests: dict[str, str | AwsRefused | None] = dict.fromkeys(references)
        for part in chunks(list(references), _IMAGES_PER_CALL):
            ids = [{"imageDigest": r} if ":" in r else {"imageTag": r} for r in part]
            answer = self._call(
                "ecr",
                "batch_get_image",
                in_region=region,
                registryId=account,
                repositoryName=repository,
                imageIds=ids,
                acceptedMediaTypes=_MANIFESTS,
            )
            for image in answer.get("images", []):
                image_id = image["imageId"]
                for reference in (image_id.get("imageTag"), image_id.get("imageDigest")):
                    if reference in digests:
                        digests[reference] = image_id["imageDigest"]
            for failure in answer.get("failures", []):
                code, image_id = str(failure.get("failureCode")), failure.get("imageId", {})
                if code not in _ABSENT:
                    refusal = AwsRefused("batch_get_image", code, str(failure.get("failureReason")))
                    digests[image_id.get("imageTag") or image_id.get("imageDigest") or ""] = refusal
        return digests

    def pull_through_prefixes(self, account: str, region: str) -> set[str]:
        """The prefixes of a registry's pull through cache rules: ECR fills such repositories when somebody pulls."""
        prefixes: set[str] = set()
        page: dict[str, str] = {}
        while True:
            answer = self._call(
                "ecr", "describe_pull_through_cache_rules", in_region=region, registryId=account, **page
            )
            prefixes |= {rule["ecrRepositoryPrefix"] for rule in answer.get("pullThroughCacheRules", [])}
            if not answer.get("nextToken"):
                return prefixes
            page = {"nextToken": answer["nextToken"]}

    def known_parameters(self, region: str | None, names: Sequence[str]) -> set[str]:
        """The ``names`` that exist in Parameter Store. No value is read."""
        known: set[str] = set()
        for part in chunks(list(names), _PARAMETERS_PER_CALL):
            filters = [{"Key": "Name", "Option": "Equals", "Values": part}]
            page: dict[str, str] = {}
            while True:
                answer = self._call(
                    "ssm", "describe_parameters", in_region=region, ParameterFilters=filters, MaxResults=50, **page
                )
                known |= {parameter["Name"] for parameter in answer.get("Parameters", [])}
                if not answer.get("NextToken"):
                    break
                page = {"NextToken": answer["NextToken"]}
        return known

    def describe_secret(self, region: str | None, secret: str) -> Json:
        """A secret's description, without its value. Raises :class:`AwsRefused` if it does not exist."""
        return self._call("secretsmanager", "describe_secret", in_region=region, SecretId=secret)

    def known_alarms(self, names: Sequence[str]) -> set[str]:
        """The ``names`` of alarms that exist. CloudWatch answers with metric alarms only, unless we name all types."""
        known: set[str] = set()
        for part in chunks(list(names), _ALARMS_PER_CALL):
            answer = self._call(
                "cloudwatch",
                "describe_alarms",
                AlarmNames=part,
                AlarmTypes=["MetricAlarm", "CompositeAlarm", "LogAlarm"],
                MaxRecords=_ALARMS_PER_CALL,
            )
            kinds = ("MetricAlarms", "CompositeAlarms", "LogAlarms")
            known |= {alarm["AlarmName"] for kind in kinds for alarm in answer.get(kind, [])}
        return known

    def may_pass(self, by: str, roles: Sequence[str], to: str) -> Mapping[str, bool]:
        """Whether the role ``by`` may pass each of ``roles`` to the service ``to``, by IAM's simulation. Roles that the
        simulation cannot decide are left out."""
        context = [{"ContextKeyName": "iam:PassedToService", "ContextKeyValues": [to], "ContextKeyType": "string"}]
        allowed: dict[str, bool] = {}
        page: dict[str, str] = {}
        while True:
            answer = self._call(
                "iam",
                "simulate_principal_policy",
                PolicySourceArn=by,
                ActionNames=["iam:PassRole"],
                ResourceArns=list(roles),
                ContextEntries=context,
                **page,
            )
            for result in answer.get("EvaluationResults", []):
                decisions = [(result.get("EvalResourceName"), result["EvalDecision"], result)]
                # With several resources, these are the decisions on each, and the one above is on all together.
                for each in result.get("ResourceSpecificResults", []):
                    decisions.append((each["EvalResourceName"], each["EvalResourceDecision"], each))
                for role, decision, details in decisions:
                    # With missing context values, a denial is not certain.
                    if role and (decision == "allowed" or not details.get("MissingContextValues")):
                        allowed[role] = decision == "allowed"
            if not answer.get("IsTruncated"):
                return allowed
            page = {"Marker": answer["Marker"]}
