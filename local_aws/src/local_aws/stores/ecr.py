"""ECR: images by tag and digest, also from another account's registry.

ministack looks into the caller's own registry whatever ``registryId`` says, answers with a tag of the image that need
not be the one that was asked for, and knows no pull-through cache rules.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.services import ecr

from local_aws.iam.resources import data_of

Data = dict[str, Any]

# An image for several platforms: a list of manifests, one for each.
_INDEXES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)


def mend() -> None:
    """Apply every mend of this module."""
    own_policy, put_image = ecr.repository_policy_for_arn, ecr._put_image

    def repository_policy(arn: str) -> Any:
        # Another account's policy is asked where the call is answered, and must allow what the identity's allows.
        return own_policy(arn) if arn.split(":")[4] == get_account_id() else None

    ecr.repository_policy_for_arn = repository_policy
    ecr._batch_get_image = _batch_get_image
    ecr._put_image = lambda data: _already_there(data) or put_image(data)
    app.SERVICE_HANDLERS["ecr"] = _in_any_registry(app.SERVICE_HANDLERS["ecr"])


def _in_any_registry(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """``registryId`` names the registry; that of another account is open to whom its repository's policy lets in."""

    async def answer(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        data = data_of(body)
        rules = _pull_through(str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1], data)
        if rules is not None:
            return rules
        owner, name, region = str(data.get("registryId") or ""), str(data.get("repositoryName", "")), get_region()
        if owner in ("", get_account_id()):
            return await handler(method, path, headers, body, query)
        action = str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1]
        refusal = _refusal(owner, region, name, action)
        if refusal:
            return refusal
        with request_scope(owner, region):
            return await handler(method, path, headers, body, query)

    return answer


_rules: dict[tuple[str, str], list[Data]] = {}


def _pull_through(action: str, data: Data) -> Any:
    """Rules of pull-through caches are made and described, in the caller's own registry; nothing is pulled."""
    own = _rules.setdefault((get_account_id(), get_region()), [])
    if action == "CreatePullThroughCacheRule":
        own.append({name: data[name] for name in ("ecrRepositoryPrefix", "upstreamRegistryUrl")})
        return json_response(own[-1])
    if action == "DescribePullThroughCacheRules":
        return json_response({"pullThroughCacheRules": own})
    return None


def _refusal(owner: str, region: str, name: str, action: str) -> Any:
    who, caller = iam_evaluator.caller_arn(), get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=who,
        principal_type="AssumedRole" if ":assumed-role/" in who else "Root",
        principal_account=caller,
        action=f"ecr:{action}",
        resource_arn=f"arn:aws:ecr:{region}:{owner}:repository/{name}",
        region=region,
    )
    with request_scope(owner, region):
        if name not in ecr._repositories:
            return _not_found(name, owner)
        policy = ecr._repo_policies.get(name)
    decision = iam_evaluator.evaluate_resource_policy(policy, context).decision
    if decision == "Allow":
        return None
    why = "with an explicit deny in a" if decision == "Deny" else "because no"
    end = "" if decision == "Deny" else f" allows the ecr:{action} action"
    message = (
        f"User: {who} is not authorized to perform: ecr:{action} on resource: {context.resource_arn} "
        f"{why} resource-based policy{end}"
    )
    return error_response_json("AccessDeniedException", message, 400)


def _batch_get_image(data: Data) -> Any:
    """An image comes with the tag that was asked for, and its digest; what is not there is a failure of its own.

    An index comes as such to whom takes its media type. To anybody else AWS may send the manifest of one platform, with
    that one's digest; here it always does."""
    name, wanted = str(data.get("repositoryName", "")), data.get("imageIds", [])
    if name not in ecr._repositories:
        return _not_found(name, get_account_id())
    if len(wanted) > 100:
        return error_response_json("InvalidParameterException", "At most 100 images can be asked for at once.", 400)
    images, failures = [], []
    for image_id in wanted:
        digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
        found = next(
            (
                image
                for image in ecr._images[name]
                if (tag is None or tag in image["imageTags"]) and digest in (None, image["imageDigest"])
            ),
            None,
        )
        if found is None or (digest is None and tag is None):
            code, why = _failure(ecr._find_image(name, {"imageTag": tag}) is not None, digest, tag)
            failures.append({"imageId": image_id, "failureCode": code, "failureReason": why})
            continue
        if found["imageManifestMediaType"] in _INDEXES:
            found = _taken(name, found, data.get("acceptedMediaTypes") or [])
        images.append(
            {
                "registryId": get_account_id(),
                "repositoryName": name,
                "imageId": {**image_id, "imageDigest": found["imageDigest"]},
                "imageManifest": found["imageManifest"],
                "imageManifestMediaType": found["imageManifestMediaType"],
            }
        )
    return json_response({"images": images, "failures": failures})


def _taken(name: str, index: Data, accepted: list[str]) -> Data:
    """The index itself, or its first platform's manifest where the caller does not take an index."""
    if index["imageManifestMediaType"] in accepted:
        return index
    digest = json.loads(index["imageManifest"])["manifests"][0]["digest"]
    return dict(next(image for image in ecr._images[name] if image["imageDigest"] == digest))


def _failure(tag_is_there: bool, digest: str | None, tag: str | None) -> tuple[str, str]:
    if digest is None and tag is None:
        return "MissingDigestAndTag", "Neither imageDigest nor imageTag was given"
    if digest is not None and tag_is_there:
        return "ImageTagDoesNotMatchDigest", "The image tag and the image digest are of different images"
    return "ImageNotFound", "Requested image not found"


def _already_there(data: Data) -> Any:
    """The same image under the same tag is not put twice."""
    name, tag = str(data.get("repositoryName", "")), data.get("imageTag")
    there = ecr._find_image(name, {"imageTag": tag}) if tag else None
    if there is None or there["imageManifest"] != data.get("imageManifest"):
        return None
    message = (
        f"Image with digest '{there['imageDigest']}' and tag '{tag}' already exists in the repository with name "
        f"'{name}' in registry with id '{get_account_id()}'"
    )
    return error_response_json("ImageAlreadyExistsException", message, 400)


def _not_found(name: str, owner: str) -> Any:
    message = f"The repository with name '{name}' does not exist in the registry with id '{owner}'"
    return error_response_json("RepositoryNotFoundException", message, 400)
