"""ECR: tags, digests, and another account's registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from local_aws import LocalAws
from local_aws.stores.push import image_uri, push_image, push_index
from support.policies import allow, denied

As = Callable[..., Callable[[str], Any]]
_OTHER = "222222222222"


def _get(ecr: Any, name: str, *image_ids: dict[str, str], **members: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ecr.batch_get_image(repositoryName=name, imageIds=list(image_ids), **members)
    return answer


def test_a_tag_has_a_digest_and_moves(aws: LocalAws, name: str) -> None:
    # GIVEN a pushed image
    image, ecr = image_uri(f"{name}:1"), aws.client("ecr")
    first = push_image(aws, image, "one")
    assert image == f"111111111111.dkr.ecr.us-west-2.amazonaws.com/{name}:1"
    assert _get(ecr, name, {"imageTag": "1"})["images"][0]["imageId"] == {"imageTag": "1", "imageDigest": first}

    # WHEN other content is pushed under the tag, and the first one under another
    second = push_image(aws, image, "two")
    assert push_image(aws, image_uri(f"{name}:2"), "one") == first != second

    # THEN each tag stands for what was pushed last, and the digests stay
    found = _get(ecr, name, {"imageTag": "1"}, {"imageTag": "2"}, {"imageDigest": first})
    digests = [each["imageId"]["imageDigest"] for each in found["images"]]
    assert (digests, found["failures"]) == ([second, first, first], [])
    assert found["images"][0]["registryId"] == "111111111111"


def test_an_image_for_several_platforms_comes_as_its_index_to_whom_takes_one(aws: LocalAws, name: str) -> None:
    # GIVEN an image for two platforms
    image, ecr = image_uri(f"{name}:1"), aws.client("ecr")
    index, platforms = push_index(aws, image, "amd64", "arm64")
    assert len({index, *platforms}) == 3

    # WHEN it is asked for by somebody who does not say what they take, THEN it may come as one platform's
    (plain,) = _get(ecr, name, {"imageTag": "1"})["images"]
    assert plain["imageId"] == {"imageTag": "1", "imageDigest": platforms[0]}

    # WHEN an index is taken, THEN the tag's own digest comes
    (own,) = _get(ecr, name, {"imageTag": "1"}, acceptedMediaTypes=["application/vnd.oci.image.index.v1+json"])[
        "images"
    ]
    assert own["imageId"] == {"imageTag": "1", "imageDigest": index}


def test_what_is_not_there_is_a_failure(aws: LocalAws, name: str) -> None:
    # GIVEN a repository with one image
    digest, ecr = push_image(aws, image_uri(f"{name}:1")), aws.client("ecr")
    wanted: list[dict[str, str]] = [
        {"imageTag": "2"},
        {"imageDigest": f"sha256:{'0' * 64}"},
        {"imageTag": "1", "imageDigest": f"sha256:{'0' * 64}"},
        {"imageTag": "1", "imageDigest": digest},
    ]

    # WHEN it is asked for and others are
    found = _get(ecr, name, *wanted)

    # THEN the others are failures, each with what was asked for
    assert [(each["imageId"], each["failureCode"]) for each in found["failures"]] == [
        (wanted[0], "ImageNotFound"),
        (wanted[1], "ImageNotFound"),
        (wanted[2], "ImageTagDoesNotMatchDigest"),
    ]
    assert [each["imageId"] for each in found["images"]] == [wanted[3]]
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException, match=f"'{name}x' does not exist in the registry"):
        _get(ecr, f"{name}x", {"imageTag": "1"})


def test_images_are_read_by_repository(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN permission on one repository
    push_image(aws, image_uri(f"{name}/api:1"))
    arn = f"arn:aws:ecr:us-west-2:111111111111:repository/{name}/api"
    ecr = as_role(allow("ecr:BatchGetImage", arn))("ecr")

    # WHEN it is read, also with its registry's id, THEN it is given; another one is not
    assert _get(ecr, f"{name}/api", {"imageTag": "1"})["images"]
    assert _get(ecr, f"{name}/api", {"imageTag": "1"}, registryId="111111111111")["images"]
    assert f"ecr:BatchGetImage on resource: {arn}x" in denied(lambda: _get(ecr, f"{name}/apix", {"imageTag": "1"}))


def test_another_accounts_repository_has_to_let_one_in(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN an image in another account, and a role here that may read it
    digest = push_image(aws, image_uri(f"{name}:1", _OTHER))
    arn = f"arn:aws:ecr:us-west-2:{_OTHER}:repository/{name}"
    ecr = as_role(allow("ecr:BatchGetImage", arn))("ecr")

    def get(reader: Any) -> dict[str, Any]:
        return _get(reader, name, {"imageTag": "1"}, registryId=_OTHER)

    # WHEN the repository has no policy, THEN nobody from here reads it, not even an administrator
    for reader in (ecr, aws.client("ecr")):
        told = denied(lambda reader=reader: get(reader))
        assert f"ecr:BatchGetImage on resource: {arn} because no resource-based policy" in told

    # WHEN its policy names this account, THEN both policies have to allow it
    _let_in(aws, name, {"AWS": "arn:aws:iam::111111111111:root"}, ["ecr:BatchGetImage"])
    image = get(ecr)["images"][0]
    assert (image["imageId"]["imageDigest"], image["registryId"]) == (digest, _OTHER)
    own = as_role(allow("ecr:BatchGetImage", f"arn:aws:ecr:us-west-2:111111111111:repository/{name}"))("ecr")
    assert "because no identity-based policy" in denied(lambda: get(own))

    # WHEN it names another action or account, THEN it is closed again
    for principal, action in (("111111111111", "ecr:DescribeImages"), ("333333333333", "ecr:BatchGetImage")):
        _let_in(aws, name, {"AWS": principal}, [action])
        denied(lambda: get(ecr))
    admin = aws.client("ecr")
    with pytest.raises(admin.exceptions.RepositoryNotFoundException):
        _get(admin, f"{name}x", {"imageTag": "1"}, registryId=_OTHER)


def test_another_accounts_repository_can_name_a_role(aws: LocalAws, make_role: Callable[..., str], name: str) -> None:
    # GIVEN two roles of one account, and a repository of another one that names the first
    push_image(aws, image_uri(f"{name}:1"))
    roles = [
        make_role(f"{name}-{number}", _OTHER, allow("ecr:BatchGetImage", "*"), account=_OTHER) for number in range(2)
    ]
    _let_in(aws, name, {"AWS": roles[0]}, ["ecr:BatchGetImage"], account="111111111111")

    # WHEN each reads it, THEN the first one may
    for number, role in enumerate(roles):
        keys = aws.client("sts", _OTHER).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        ecr = boto3.client(
            "ecr",
            endpoint_url=aws.endpoint,
            region_name="us-west-2",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

        def act(ecr: Any = ecr) -> Any:
            return _get(ecr, name, {"imageTag": "1"}, registryId="111111111111")

        assert act()["images"] if number == 0 else denied(act)


def _let_in(aws: LocalAws, name: str, principal: Any, actions: list[str], account: str = _OTHER) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("ecr", account).set_repository_policy(repositoryName=name, policyText=policy)
