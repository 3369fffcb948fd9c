"""Images in Amazon ECR: the parts of a reference, and hosts that look like ECR but are not. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ecs_gitops.model import partition

_REGION = r"[a-z]{2,5}(?:-[a-z]+)+-[0-9]{1,2}"
# The port may be 443, the default of HTTPS.
_ECR = re.compile(
    r"(?P<host>(?P<account>[0-9]{12})\.(?P<kind>dkr[.-]ecr(?:-fips)?)"
    rf"\.(?P<region>{_REGION})\.(?P<domain>[a-z0-9.-]+))(?::443)?"
    r"/(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
# Amazon ECR Public: https://docs.aws.amazon.com/AmazonECR/latest/public/public-registries.html
_PUBLIC = ("public.ecr.aws", "ecr-public.aws.com")
# ECR API reference, CreateRepository.
_REPOSITORY_AT_LEAST = 2
# Domains of Amazon.
_AMAZON = ("aws", "aws.com", *(name for one in partition.PARTITIONS for name in (one.domain, one.dual_stack)))
_AMAZON_NAMES = ("amazonaws", "amazonwebservices")
# The similarity of "amazoanws" and of "amazon" to "amazonaws".
_NEAR = 0.8
_LABELS = re.compile(r"dkr|ecr|dkr-?ecr|(dkr-?)?ecr-?fips|ecr-?dkr")


@dataclass(frozen=True, slots=True)
class EcrImage:
    """An image in a private ECR repository. ``reference`` is its digest, or its tag if it has no digest."""

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
        """The image with ``digest`` in place of its tag."""
        return f"{self.name}@{digest}"


def ecr_image(image: str) -> EcrImage | None:
    """The parts of an image in the private ECR of any partition; None for an image in another registry."""
    parts = _ECR.fullmatch(image)
    if parts is None or (parts["kind"], parts["domain"]) not in partition.of_region(parts["region"]).registries:
        return None
    reference = parts["digest"] or parts["tag"] or "latest"
    name = image.partition("@")[0]
    return EcrImage(
        parts["account"],
        parts["region"],
        parts["repository"],
        reference,
        name[: -len(parts["tag"]) - 1] if parts["tag"] else name,
    )


def why_not_ecr(domain: str, repository: str) -> tuple[str, str] | None:
    """For an image whose registry looks like private ECR but is not: the reason, and what is accepted.

    None for an image in ECR, and for every other registry. ``domain`` is empty if the image has none."""
    if not domain:
        if not _looks_like_ecr(repository):
            return None
        return f"{repository} looks like Amazon ECR, and there is no repository", _accepted(repository)
    if ecr_image(f"{domain}/{repository}"):
        if len(repository) >= _REPOSITORY_AT_LEAST:
            return None
        return f"ECR has no repository '{repository}'", f"a name of {_REPOSITORY_AT_LEAST} or more characters"
    host, _, port = domain.lower().partition(":")
    if host in _PUBLIC or not _looks_like_ecr(host):
        return None
    return f"{domain} looks like Amazon ECR and is not{_why(domain, host, port)}", _accepted(host)


def _looks_like_ecr(host: str) -> bool:
    """Two of three: an account id at the beginning, a word such as ``dkr``, a domain like Amazon's."""
    labels = host.split(".")
    account = re.match(r"[0-9]{8}", labels[0].replace("-", "")) is not None
    words = any(_LABELS.fullmatch(label) or sorted(label) in (sorted("dkr"), sorted("ecr")) for label in labels)
    return (account and words) or ((account or words) and _is_nearly_amazon(host, labels))


def _is_nearly_amazon(host: str, labels: Sequence[str]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in _AMAZON) or any(
        SequenceMatcher(None, label, name).ratio() >= _NEAR for label in labels for name in _AMAZON_NAMES
    )


def _why(domain: str, host: str, port: str) -> str:
    """The first error in a host that has the form of ECR's hosts; empty for any other host."""
    parts = re.fullmatch(r"(?P<account>[^.]*)\.(?P<kind>dkr[.-]ecr(?:-fips)?)\.(?P<region>[^.]+)\.(?P<rest>.+)", host)
    if parts is None:
        return ""
    if not re.fullmatch(r"[0-9]{12}", parts["account"]):
        return f": '{domain.partition('.')[0]}' is no account id of 12 digits"
    if domain != domain.lower():
        return ": ECR's hosts are lower case"
    if not re.fullmatch(_REGION, parts["region"]):
        return f": '{parts['region']}' is no Region"
    registries = partition.of_region(parts["region"]).registries
    if (parts["kind"], parts["rest"]) in registries:
        return f": port {port} is not ECR's"
    expected = " or ".join(dict.fromkeys(rest for kind, rest in registries if kind == parts["kind"]))
    return f": {parts['kind']} of {parts['region']} is under {expected}, not {parts['rest']}"


def _accepted(host: str) -> str:
    match = re.search(rf"(?<![a-z0-9-]){_REGION}(?![a-z0-9-])", host)
    region = match[0] if match else "us-west-2"
    forms = [
        f"ACCOUNT.{kind}.{region}.{domain}"
        for kind, domain in partition.of_region(region).registries
        if not kind.endswith("-fips")
    ]
    return f"{' or '.join(forms)}, with an account id of 12 digits; {_PUBLIC[0]} for public images"
