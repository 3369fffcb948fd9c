"""What an image reference stands for: its digest, its tag, and whether it can be pulled.

A digest is ECR's where the reference names a repository of the local ECR, else one of our own, made from the
reference. A reference by digest means the same as the tag that the digest came from.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ministack.services import ecr

_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[^:@]+)")
_tags: dict[str, str] = {}


def tag_of(image: str) -> str:
    """The tag of an image; of one by digest, the tag that the digest came from, else all tags that ECR knows."""
    reference, _, digest = image.partition("@")
    if not digest:
        return reference.rsplit("/", 1)[-1].partition(":")[2]
    stored = next((each for each in _in_ecr(image) or [] if each["imageDigest"] == digest), {})
    return _tags.get(digest) or " ".join(stored.get("imageTags", []))


def digest_of(image: str) -> str:
    """The manifest's digest, which from now on stands for the image's tag."""
    reference, _, digest = image.partition("@")
    if digest:
        return digest
    tag = tag_of(reference)
    in_ecr = (each["imageDigest"] for each in _in_ecr(image) or [] if (tag or "latest") in each.get("imageTags", []))
    found = str(next(in_ecr, f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"))
    _tags[found] = tag
    return found


def pull_error(image: str) -> str:
    """Why the image cannot be pulled, or an empty text."""
    stored, (_, _, digest), tag = _in_ecr(image), image.partition("@"), tag_of(image)
    is_missing = stored is not None and not any(
        each["imageDigest"] == digest if digest else (tag or "latest") in each.get("imageTags", []) for each in stored
    )
    if "broken" in tag or is_missing:
        return f"pull image manifest has been retried 1 time(s): {image}: not found"
    return ""


def _in_ecr(image: str) -> list[dict[str, Any]] | None:
    """The images of the ECR repository that the reference names; None when it is not one of the local ECR."""
    named = _ECR.match(image)
    if named is None:
        return None
    account, region, name = named.group("account", "region", "name")
    if ecr._repositories.get_scoped(account, region, name) is None:
        return None
    return list(ecr._images.get_scoped(account, region, name) or [])
