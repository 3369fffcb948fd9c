"""A client's push to ECR without Docker, for tests and demos."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from local_aws.control.settings import ACCOUNT, REGION

if TYPE_CHECKING:
    from local_aws.control.client import LocalAws

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_REGISTRY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com$")


def image_uri(name: str, account: str = ACCOUNT, region: str = REGION) -> str:
    """The URI of ``repository:tag`` in the account's registry."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{name}"


def push_image(aws: LocalAws, image: str, content: str = "", account: str | None = None) -> str:
    """Push an image as its account's administrator, into a repository that is made when there is none; -> its digest.

    ``image``: ``REGISTRY/repository:tag``, or ``repository:tag`` of ``account``. ``content`` stands for what is in the
    image: the same content has the same digest. By default it is the image's name. A tag that is there moves.
    """
    ecr, repository, tag = _repository(aws, image, account)
    manifest = _manifest(content or image)
    with suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
    return str(answer["images"][0]["imageId"]["imageDigest"])


def push_index(aws: LocalAws, image: str, *contents: str) -> tuple[str, list[str]]:
    """Push an image for several platforms, one for each content; -> the digests of its index and of each platform's."""
    ecr, repository, tag = _repository(aws, image, None)
    digests = []
    for content in contents:
        put = ecr.put_image(
            repositoryName=repository, imageManifest=_manifest(content), imageManifestMediaType=_MANIFEST
        )
        digests.append(str(put["image"]["imageId"]["imageDigest"]))
    index = {
        "schemaVersion": 2,
        "mediaType": _INDEX,
        "manifests": [{"mediaType": _MANIFEST, "digest": digest} for digest in digests],
    }
    put = ecr.put_image(
        repositoryName=repository, imageManifest=json.dumps(index), imageManifestMediaType=_INDEX, imageTag=tag
    )
    return str(put["image"]["imageId"]["imageDigest"]), digests


def _repository(aws: LocalAws, image: str, account: str | None) -> tuple[Any, str, str]:
    """The client of the image's registry, its repository, made where there is none, and its tag."""
    registry, _, rest = image.rpartition(".amazonaws.com/")
    found = _REGISTRY.match(f"{registry}.amazonaws.com") if registry else None
    repository, _, tag = rest.partition(":")
    owner = account or (found["account"] if found else ACCOUNT)
    ecr = aws.client("ecr", owner, found["region"] if found else REGION)
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    return ecr, repository, tag or "latest"


def _manifest(content: str) -> str:
    config = hashlib.sha256(content.encode()).hexdigest()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": f"sha256:{config}"},
        "layers": [],
    }
    return json.dumps(manifest)
