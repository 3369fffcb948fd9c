"""What a task definition refers to outside of itself: what the check looks up, and what it can only name. Pure.

Paths are members of RegisterTaskDefinition, ``[]`` for each entry of a list.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_gitops.model.item import listed

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# A secret or parameter by its ARN, or a parameter by its name.
SECRETS = (
    "containerDefinitions[].secrets[].valueFrom",
    "containerDefinitions[].logConfiguration.secretOptions[].valueFrom",
    "volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter",
)
# A secret by its ARN or its name.
PULL_SECRETS = ("containerDefinitions[].repositoryCredentials.credentialsParameter",)
# ``credentialspec:ARN`` and ``credentialspecdomainless:ARN`` of a parameter or an object in S3; a docker security
# option may be that, or anything else.
CREDENTIAL_SPECS = ("containerDefinitions[].credentialSpecs[]", "containerDefinitions[].dockerSecurityOptions[]")
# Objects in S3.
ENVIRONMENT_FILES = ("containerDefinitions[].environmentFiles[].value",)
FIRELENS_OPTIONS = "containerDefinitions[].firelensConfiguration.options"
FILE_SYSTEMS = (
    "volumes[].efsVolumeConfiguration.fileSystemId",
    "volumes[].efsVolumeConfiguration.authorizationConfig.accessPointId",
    "volumes[].fsxWindowsFileServerVolumeConfiguration.fileSystemId",
    "volumes[].s3filesVolumeConfiguration.fileSystemArn",
    "volumes[].s3filesVolumeConfiguration.accessPointArn",
)
# Names the containers that may run, in a form that only the sandbox verifies.
ATTESTATION = "trustedExecutionConfiguration.attestationPolicy"

# The same for every item, so that a notice has it once.
KEYS_NOT_CHECKED = (
    "JSON keys and versions of secrets, versions and labels of parameters: the values would have to be read, which the "
    "deploy role may not"
)
_SHOWN = 5
_SPECS = ("credentialspec", "credentialspecdomainless")


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A secret or parameter that a task definition refers to. ``service`` is secretsmanager or ssm; ``region`` and
    ``account`` are empty where it is the task's own."""

    service: str
    name: str
    region: str = ""
    account: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it may have: the ARN of a parameter has no slash before the name's first part, whether the
        name begins with one or not."""
        is_of_arn = self.service == "ssm" and self.account and "/" not in self.name
        return (self.name, f"/{self.name}") if is_of_arn else (self.name,)


def references(definition: Json) -> tuple[Reference, ...]:
    """The secrets and parameters that can be looked up."""
    found = [_reference(value) for value in _secrets(definition)]
    found += [_pull_secret(value) for path in PULL_SECRETS for value in values(definition, path)]
    return tuple(dict.fromkeys(each for each in found if each is not None))


def unchecked(definition: Json) -> tuple[str, ...]:
    """What is not looked up, each kind in one sentence with the reason."""
    told = [KEYS_NOT_CHECKED] if any(map(_has_selector, _secrets(definition))) else []
    specs = _credential_specs(definition)
    in_s3 = [f"environment file {value}" for path in ENVIRONMENT_FILES for value in values(definition, path)]
    in_s3 += [f"FireLens configuration {value}" for value in _firelens_files(definition)]
    in_s3 += [f"credential spec {arn}" for _, arn in specs if _reference(arn) is None]
    told += [f"{_listed(in_s3)}: to look into S3 takes the right to read the content"] if in_s3 else []
    odd = [value for path in SECRETS for value in values(definition, path) if _reference(value) is None]
    told += [f"{_listed(odd)}: neither a secret nor a parameter"] if odd else []
    inner = [arn for kind, arn in specs if kind == "credentialspecdomainless"]
    told += [f"the secret that credential spec {_listed(inner)} names: the file is not read"] if inner else []
    systems = [value for path in FILE_SYSTEMS for value in values(definition, path)]
    told += [f"file systems and access points {_listed(systems)}, and whether tasks may mount them"] if systems else []
    if values(definition, ATTESTATION):
        told.append("whether the attestation policy lets the images that are deployed run")
    return tuple(told)


def values(content: Any, path: str) -> list[str]:
    """The texts at ``path``."""
    return [value for value in _at(content, path.split(".")) if isinstance(value, str) and value]


def _at(content: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield content
        return
    member = path[0].removesuffix("[]")
    found = content.get(member) if isinstance(content, dict) else None
    for each in (found or ()) if member != path[0] else (found,):
        yield from _at(each, path[1:])


def _secrets(definition: Json) -> list[str]:
    """Everything that may be a secret or parameter by its ARN or, for a parameter, by its name."""
    found = [value for path in SECRETS for value in values(definition, path)]
    return [*found, *(arn for _, arn in _credential_specs(definition))]


def _credential_specs(definition: Json) -> list[tuple[str, str]]:
    """Kind and ARN; a file on the instance has none."""
    found = (value.partition(":") for path in CREDENTIAL_SPECS for value in values(definition, path))
    return [(kind, arn) for kind, _, arn in found if kind in _SPECS and arn.startswith("arn:")]


def _firelens_files(definition: Json) -> list[str]:
    options = [each for each in _at(definition, FIRELENS_OPTIONS.split(".")) if isinstance(each, dict)]
    return [str(each.get("config-file-value")) for each in options if each.get("config-file-type") == "s3"]


def _reference(value: str) -> Reference | None:
    """None for an ARN of anything else."""
    parts = value.split(":")
    if parts[0] != "arn":
        # What follows a parameter's name is its version or label.
        return Reference("ssm", parts[0])
    if len(parts) < 6 or parts[2] not in ("secretsmanager", "ssm"):
        return None
    region, account = parts[3], parts[4]
    if parts[2] == "secretsmanager":
        # What follows the name picks a key and a version of it.
        return Reference("secretsmanager", ":".join(parts[:7]), region, account)
    name = parts[5].removeprefix("parameter/")
    return Reference("ssm", f"/{name}" if "/" in name else name, region, account)


def _pull_secret(value: str) -> Reference | None:
    """Unlike the others, this may be a secret's name."""
    return _reference(value) if value.startswith("arn:") else Reference("secretsmanager", value)


def _has_selector(value: str) -> bool:
    """Whether it names a part or a version of the secret or parameter."""
    parts = value.split(":")
    if parts[0] != "arn":
        return any(parts[1:])
    return any(parts[7 if parts[2:3] == ["secretsmanager"] else 6 :])


def _listed(names: list[str]) -> str:
    return listed(list(dict.fromkeys(names)), _SHOWN)
