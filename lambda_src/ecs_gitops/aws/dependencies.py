"""The calls that only look: images, secrets, parameters, alarms, and what may be passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecs_gitops.aws.calls import Calls, parts
from ecs_gitops.model.errors import AwsRefused

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_IMAGES_PER_CALL = 100
# Every kind of manifest that an engine pulls. Without them ECR may answer the tag of an index (an image for several
# architectures) with the manifest of one platform, whose digest is not the tag's.
_MANIFESTS = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]
_NOT_THERE = ("ImageNotFound", "InvalidImageTag", "InvalidImageDigest", "ImageTagDoesNotMatchDigest")
_PARAMETERS_PER_CALL = 50
_ALARMS_PER_CALL = 100


class Lookups(Calls):
    """What a release refers to, in the batch's account and elsewhere."""

    def image_digests(
        self, account: str, region: str, repository: str, references: Sequence[str]
    ) -> dict[str, str | AwsRefused | None]:
        """The digest of each tag or digest (``sha256:…``) in an ECR repository; None for one that is not there, and a
        refusal for one that ECR could not look at.

        The digest of an image for several architectures is that of its index. Reads manifests (BatchGetImage), which
        is what pulling needs too, and which ECR counts as a pull."""
        found: dict[str, str | AwsRefused | None] = dict.fromkeys(references)
        for part in parts(list(references), _IMAGES_PER_CALL):
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
                told = image["imageId"]
                for reference in (told.get("imageTag"), told.get("imageDigest")):
                    if reference in found:
                        found[reference] = told["imageDigest"]
            for failure in answer.get("failures", []):
                code, told = str(failure.get("failureCode")), failure.get("imageId", {})
                if code not in _NOT_THERE:
                    refusal = AwsRefused("batch_get_image", code, str(failure.get("failureReason")))
                    found[told.get("imageTag") or told.get("imageDigest") or ""] = refusal
        return found

    def pull_through_prefixes(self, account: str, region: str) -> set[str]:
        """The beginnings of names of repositories that a registry fills from another one when they are asked for."""
        found: set[str] = set()
        page: dict[str, str] = {}
        while True:
            answer = self._call(
                "ecr", "describe_pull_through_cache_rules", in_region=region, registryId=account, **page
            )
            found |= {rule["ecrRepositoryPrefix"] for rule in answer.get("pullThroughCacheRules", [])}
            if not answer.get("nextToken"):
                return found
            page = {"nextToken": answer["nextToken"]}

    def known_parameters(self, region: str | None, names: Sequence[str]) -> set[str]:
        """Those of ``names`` that are parameters; no value is read."""
        known: set[str] = set()
        for part in parts(list(names), _PARAMETERS_PER_CALL):
            wanted = [{"Key": "Name", "Option": "Equals", "Values": part}]
            page: dict[str, str] = {}
            while True:
                answer = self._call(
                    "ssm", "describe_parameters", in_region=region, ParameterFilters=wanted, MaxResults=50, **page
                )
                known |= {parameter["Name"] for parameter in answer.get("Parameters", [])}
                if not answer.get("NextToken"):
                    break
                page = {"NextToken": answer["NextToken"]}
        return known

    def describe_secret(self, region: str | None, secret: str) -> Json:
        """A secret's description, without its value; refused when it does not exist."""
        return self._call("secretsmanager", "describe_secret", in_region=region, SecretId=secret)

    def known_alarms(self, names: Sequence[str]) -> set[str]:
        """Those of ``names`` that exist. AWS tells of metric alarms alone unless it is asked for the others."""
        known: set[str] = set()
        for part in parts(list(names), _ALARMS_PER_CALL):
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
        """Whether the role ``by`` may pass each of ``roles`` to the service ``to``, as IAM simulates it; what it leaves
        open is left out."""
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
                told = [(result.get("EvalResourceName"), result["EvalDecision"], result)]
                # Of several resources, the decision on each; the one above is then on all of them.
                for each in result.get("ResourceSpecificResults", []):
                    told.append((each["EvalResourceName"], each["EvalResourceDecision"], each))
                for role, decision, details in told:
                    # A condition on what the simulation does not know leaves it open.
                    if role and (decision == "allowed" or not details.get("MissingContextValues")):
                        allowed[role] = decision == "allowed"
            if not answer.get("IsTruncated"):
                return allowed
            page = {"Marker": answer["Marker"]}
