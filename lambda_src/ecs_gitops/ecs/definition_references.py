"""What a task definition refers to: secrets and parameters, which the check reads, and what it cannot check. Pure.

Paths are members of RegisterTaskDefinition; ``[]`` means each entry of a list.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_gitops.model.item import join_names

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
# ``credentialspec:ARN`` or ``credentialspecdomainless:ARN``, of a parameter or an object in S3. A docker security
# option may also be something else.
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
# The images that may run, in a form that only the sandbox can verify.
ATTESTATION = "trustedExecutionConfiguration.attestationPolicy"

# The same text for every item, so that a notice shows it once.
KEYS_NOT_CHECKED = (
    "JSON keys and versions of secrets, versions and labels of parameters: the deploy role has no right to read the "
    "values"
)
_SHOWN = 5
_SPECS = ("credentialspec", "credentialspecdomainless")


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A secret or parameter that a task definition refers to. ``service`` is secretsmanager or ssm. ``region`` and
    ``account`` are empty if they are the task's own."""

    service: str
    name: str
    region: str = ""
    account: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it may have. The parameters ``key`` and ``/key`` have the same ARN."""
        is_of_arn = self.service == "ssm" and self.account and "/" not in self.name
        return (self.name, f"/{self.name}") if is_of_arn else (self.name,)


def secrets_and_parameters(definition: Json) -> tuple[Reference, ...]:
    """The secrets and parameters whose existence the check can verify."""
    known = [_reference(value) for value in _secrets(definition)]
    known += [_pull_secret(value) for path in PULL_SECRETS for value in values(definition, path)]
    return tuple(dict.fromkeys(each for each in known if each is not None))


def unchecked(definition: Json) -> tuple[str, ...]:
    """What the check cannot verify: a sentence for each kind, with the reason."""
    sentences = [KEYS_NOT_CHECKED] if any(map(_has_selector, _secrets(definition))) else []
    specs = _credential_specs(definition)
    in_s3 = [f"environment file {value}" for path in ENVIRONMENT_FILES for value in values(definition, path)]
    in_s3 += [f"FireLens configuration {value}" for value in _firelens_files(definition)]
    in_s3 += [f"credential spec {arn}" for _, arn in specs if _reference(arn) is None]
    sentences += [f"{_listed(in_s3)}: the deploy role has no right to read S3"] if in_s3 else []
    unknown = [value for path in SECRETS for value in values(definition, path) if _reference(value) is None]
    sentences += [f"{_listed(unknown)}: neither a secret nor a parameter"] if unknown else []
    inner = [arn for kind, arn in specs if kind == "credentialspecdomainless"]
    sentences += [f"the secret that credential spec {_listed(inner)} refers to: the file is not read"] if inner else []
    systems = [value for path in FILE_SYSTEMS for value in values(definition, path)]
    sentences += (
        [f"file systems and access points {_listed(systems)}, and whether tasks may mount them"] if systems else []
    )
    if values(definition, ATTESTATION):
        sentences.append("whether the attestation policy allows the new images")
    return tuple(sentences)


def values(content: Any, path: str) -> list[str]:
    """The texts at ``path`` in a definition."""
    return [value for value in _at(content, path.split(".")) if isinstance(value, str) and value]


def _at(content: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield content
        return
    member = path[0].removesuffix("[]")
    value = content.get(member) if isinstance(content, dict) else None
    for each in (value or ()) if member != path[0] else (value,):
        yield from _at(each, path[1:])


def _secrets(definition: Json) -> list[str]:
    """The values that may be the ARN of a secret or parameter, or the name of a parameter."""
    secrets = [value for path in SECRETS for value in values(definition, path)]
    return [*secrets, *(arn for _, arn in _credential_specs(definition))]


def _credential_specs(definition: Json) -> list[tuple[str, str]]:
    """Kind and ARN of each. A file on the instance has no ARN, and is left out."""
    specs = (value.partition(":") for path in CREDENTIAL_SPECS for value in values(definition, path))
    return [(kind, arn) for kind, _, arn in specs if kind in _SPECS and arn.startswith("arn:")]


def _firelens_files(definition: Json) -> list[str]:
    options = [each for each in _at(definition, FIRELENS_OPTIONS.split(".")) if isinstance(each, dict)]
    return [str(each.get("config-file-value")) for each in options if each.get("config-file-type") == "s3"]


def _reference(value: str) -> Reference | None:
    """The secret or parameter of an ARN or name; None for an ARN of something else."""
    parts = value.split(":")
    if parts[0] != "arn":
        # A version or label may follow a parameter's name.
        return Reference("ssm", parts[0])
    if len(parts) < 6 or parts[2] not in ("secretsmanager", "ssm"):
        return None
    region, account = parts[3], parts[4]
    if parts[2] == "secretsmanager":
        # A JSON key and a version may follow the name.
        return Reference("secretsmanager", ":".join(parts[:7]), region, account)
    name = parts[5].removeprefix("parameter/")
    return Reference("ssm", f"/{name}" if "/" in name else name, region, account)


def _pull_secret(value: str) -> Reference | None:
    """Unlike the other members, this one may be the name of a secret."""
    return _reference(value) if value.startswith("arn:") else Reference("secretsmanager", value)


def _has_selector(value: str) -> bool:
    """Whether it names a JSON key, version or label."""
    parts = value.split(":")
    if parts[0] != "arn":
        return any(parts[1:])
    return any(parts[7 if parts[2:3] == ["secretsmanager"] else 6 :])


def _listed(names: list[str]) -> str:
    return join_names(list(dict.fromkeys(names)), _SHOWN)
