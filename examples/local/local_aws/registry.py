"""A client's push to ECR without Docker, for tests and the demo."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from local_aws.state import ACCOUNT, REGION

if TYPE_CHECKING:
    from local_aws.client import LocalAws

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_REGISTRY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com$")


def image_uri(name: str, account: str = ACCOUNT, region: str = REGION) -> str:
    """The URI of ``repository:tag`` in the account's registry."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{name}"


def push_image(aws: LocalAws, image: str, content: str = "", account: str | None = None) -> str:
    """Push an image as its account's administrator, into a repository that is made when there is none; -> its digest.

    ``image``: ``REGISTRY/repository:tag``, or ``repository:tag`` of ``account``. ``content`` stands for what is in the
    image: the same content has the same digest. By default it is the image's name. A tag that is there moves.
    """
    registry, _, rest = image.rpartition(".amazonaws.com/")
    found = _REGISTRY.match(f"{registry}.amazonaws.com") if registry else None
    repository, _, tag = rest.partition(":")
    owner = account or (found["account"] if found else ACCOUNT)
    ecr = aws.client("ecr", owner, found["region"] if found else REGION)
    config = hashlib.sha256((content or image).encode()).hexdigest()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": f"sha256:{config}"},
        "layers": [],
    }
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    with suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=tag or "latest")
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag or "latest"}])
    return str(answer["images"][0]["imageId"]["imageDigest"])
