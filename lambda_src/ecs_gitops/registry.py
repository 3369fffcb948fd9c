"""Images in Amazon ECR: what a reference names, and what a tag means. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html#registry_auth
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr(?:\.ecr|-ecr)(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)"
    r"/(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class EcrImage:
    """An image in a private ECR repository. ``reference`` is its digest, or else its tag."""

    account: str
    region: str
    repository: str
    reference: str
    name: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Account, Region and repository."""
        return self.account, self.region, self.repository

    def pinned(self, digest: str) -> str:
        """The image by its digest."""
        return f"{self.name}@{digest}"


def ecr_image(image: str) -> EcrImage | None:
    """What ``image`` names in ECR; None for an image of another registry."""
    found = _ECR.fullmatch(image)
    if found is None:
        return None
    reference = found["digest"] or found["tag"] or "latest"
    name = image.partition("@")[0]
    return EcrImage(
        found["account"],
        found["region"],
        found["repository"],
        reference,
        name[: -len(found["tag"]) - 1] if found["tag"] else name,
    )
