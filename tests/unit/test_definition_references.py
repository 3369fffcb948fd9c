"""What a task definition refers to: it is checked, or reported as not checked; nothing is missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from ecs_gitops.ecs import definition_references as references
from ecs_gitops.ecs.definition_references import KEYS_NOT_CHECKED, Reference, unchecked
from unit.shop import item, release

PLACE = "us-west-2:111111111111"
SECRET = f"arn:aws:secretsmanager:{PLACE}:secret:db-AbCdEf"
PARAMETER = f"arn:aws:ssm:{PLACE}:parameter/shop/key"
OBJECT = "arn:aws:s3:::shop-config/web.env"

# Members of a task definition that refer to nothing that could be checked: text for the container, for
# Docker or the instance, other members' names, and choices. `image` and the roles have checks of their own.
PLAIN = {
    *(
        "trustedExecutionConfiguration.isolationMode",
        "family",
        "taskRoleArn",
        "executionRoleArn",
        "networkMode",
        "cpu",
        "memory",
        "pidMode",
        "ipcMode",
    ),
    *("requiresCompatibilities[]", "tags[].key", "tags[].value"),
    *("placementConstraints[].type", "placementConstraints[].expression"),
    *("proxyConfiguration.type", "proxyConfiguration.containerName"),
    *("proxyConfiguration.properties[].name", "proxyConfiguration.properties[].value"),
    *("inferenceAccelerators[].deviceName", "inferenceAccelerators[].deviceType"),
    *("runtimePlatform.cpuArchitecture", "runtimePlatform.operatingSystemFamily"),
    *("volumes[].name", "volumes[].host.sourcePath"),
    *("volumes[].dockerVolumeConfiguration.scope", "volumes[].dockerVolumeConfiguration.driver"),
    *("volumes[].dockerVolumeConfiguration.driverOpts", "volumes[].dockerVolumeConfiguration.labels"),
    *("volumes[].efsVolumeConfiguration.rootDirectory", "volumes[].efsVolumeConfiguration.transitEncryption"),
    *("volumes[].efsVolumeConfiguration.authorizationConfig.iam", "volumes[].s3filesVolumeConfiguration.rootDirectory"),
    "volumes[].fsxWindowsFileServerVolumeConfiguration.rootDirectory",
    "volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.domain",
    *(
        f"containerDefinitions[].{member}"
        for member in (
            *("name", "image", "links[]", "entryPoint[]", "command[]", "environment[].name", "environment[].value"),
            *("portMappings[].protocol", "portMappings[].name", "portMappings[].appProtocol"),
            *("portMappings[].containerPortRange", "environmentFiles[].type", "mountPoints[].sourceVolume"),
            *("mountPoints[].containerPath", "volumesFrom[].sourceContainer", "linuxParameters.capabilities.add[]"),
            *("linuxParameters.capabilities.drop[]", "linuxParameters.devices[].hostPath"),
            *("linuxParameters.devices[].containerPath", "linuxParameters.devices[].permissions[]"),
            *("linuxParameters.tmpfs[].containerPath", "linuxParameters.tmpfs[].mountOptions[]", "secrets[].name"),
            *("dependsOn[].containerName", "dependsOn[].condition", "versionConsistency", "hostname", "user"),
            *("workingDirectory", "dnsServers[]", "dnsSearchDomains[]", "extraHosts[].hostname"),
            *("extraHosts[].ipAddress", "dockerLabels", "ulimits[].name", "logConfiguration.logDriver"),
            *("logConfiguration.options", "logConfiguration.secretOptions[].name", "healthCheck.command[]"),
            *("systemControls[].namespace", "systemControls[].value", "resourceRequirements[].value"),
            *("resourceRequirements[].type", "firelensConfiguration.type"),
        )
    ),
}
READ = {
    *references.SECRETS,
    *references.PULL_SECRETS,
    *references.CREDENTIAL_SPECS,
    *references.ENVIRONMENT_FILES,
    references.FIRELENS_OPTIONS,
    *references.FILE_SYSTEMS,
    references.ATTESTATION,
}
# Members that the botocore of the local AWS does not have yet; that of the layer does.
NEWER = {references.ATTESTATION}


def _texts(shape: Any, path: str = "") -> Iterator[str]:
    """The paths of all texts, and of maps of texts, in a shape of botocore's model."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _texts(member, f"{path}.{name}" if path else name)
    elif shape.type_name == "list":
        yield from _texts(shape.member, f"{path}[]")
    elif shape.type_name in ("string", "map"):
        yield path


def test_no_member_of_a_task_definition_is_missed():
    # GIVEN every text that RegisterTaskDefinition takes in the installed botocore
    model = botocore.session.get_session().get_service_model("ecs")
    found = set(_texts(model.operation_model("RegisterTaskDefinition").input_shape))
    # THEN each is read as a reference, or known to be none: a new member of AWS has to be decided on here
    assert found - READ - PLAIN == set()
    assert READ - found <= NEWER
    assert not READ & PLAIN


def _definition(**container: Any) -> dict[str, Any]:
    volumes = container.pop("volumes", [])
    return {"containerDefinitions": [{"name": "web", "image": "web:1", **container}], "volumes": volumes}


FSX = {"fileSystemId": "fs-1", "authorizationConfig": {"credentialsParameter": SECRET, "domain": "corp.example"}}
EFS = {"fileSystemId": "fs-2", "authorizationConfig": {"accessPointId": "fsap-3", "iam": "ENABLED"}}
S3_FILES = {"fileSystemArn": f"arn:aws:s3files:{PLACE}:file-system/fs-4"}


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        (_definition(secrets=[{"name": "A", "valueFrom": SECRET}]), Reference("secretsmanager", SECRET)),
        (_definition(secrets=[{"name": "A", "valueFrom": f"{SECRET}:key::"}]), Reference("secretsmanager", SECRET)),
        (_definition(secrets=[{"name": "A", "valueFrom": "/shop/key"}]), Reference("ssm", "/shop/key")),
        (_definition(secrets=[{"name": "A", "valueFrom": "key:3"}]), Reference("ssm", "key")),
        (_definition(logConfiguration={"secretOptions": [{"valueFrom": PARAMETER}]}), Reference("ssm", "/shop/key")),
        (_definition(repositoryCredentials={"credentialsParameter": "hub"}), Reference("secretsmanager", "hub")),
        (_definition(repositoryCredentials={"credentialsParameter": SECRET}), Reference("secretsmanager", SECRET)),
        (_definition(credentialSpecs=[f"credentialspec:{PARAMETER}"]), Reference("ssm", "/shop/key")),
        (_definition(credentialSpecs=[f"credentialspecdomainless:{PARAMETER}"]), Reference("ssm", "/shop/key")),
        (_definition(dockerSecurityOptions=[f"credentialspec:{PARAMETER}"]), Reference("ssm", "/shop/key")),
        (
            _definition(volumes=[{"name": "v", "fsxWindowsFileServerVolumeConfiguration": FSX}]),
            Reference("secretsmanager", SECRET),
        ),
    ],
)
def test_secrets_and_parameters_are_found_wherever_they_stand(definition, found):
    (reference,) = references.secrets_and_parameters(definition)
    assert (reference.service, reference.name) == (found.service, found.name)
    assert (reference.region, reference.account) in (("", ""), ("us-west-2", "111111111111"))


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        (_definition(secrets=[{"name": "A", "valueFrom": f"{SECRET}:key::"}]), KEYS_NOT_CHECKED),
        (_definition(secrets=[{"name": "A", "valueFrom": f"{SECRET}::AWSPREVIOUS:"}]), KEYS_NOT_CHECKED),
        (_definition(secrets=[{"name": "A", "valueFrom": f"{SECRET}:::7"}]), KEYS_NOT_CHECKED),
        (_definition(secrets=[{"name": "A", "valueFrom": f"{PARAMETER}:7"}]), KEYS_NOT_CHECKED),
        (_definition(secrets=[{"name": "A", "valueFrom": "/shop/key:label"}]), KEYS_NOT_CHECKED),
        (
            _definition(environmentFiles=[{"type": "s3", "value": OBJECT}]),
            f"environment file {OBJECT}: the deploy role has no right to read S3",
        ),
        (
            _definition(
                firelensConfiguration={"options": {"config-file-type": "s3", "config-file-value": OBJECT}},
            ),
            f"FireLens configuration {OBJECT}: the deploy role has no right to read S3",
        ),
        (
            _definition(credentialSpecs=[f"credentialspec:{OBJECT}"]),
            f"credential spec {OBJECT}: the deploy role has no right to read S3",
        ),
        (
            _definition(credentialSpecs=[f"credentialspecdomainless:{PARAMETER}"]),
            f"the secret that credential spec {PARAMETER} refers to",
        ),
        (_definition(secrets=[{"name": "A", "valueFrom": OBJECT}]), f"{OBJECT}: neither a secret nor a parameter"),
        (_definition(volumes=[{"efsVolumeConfiguration": EFS}]), "file systems and access points fs-2, fsap-3"),
        (_definition(volumes=[{"fsxWindowsFileServerVolumeConfiguration": FSX}]), "access points fs-1, and whether"),
        (_definition(volumes=[{"s3filesVolumeConfiguration": S3_FILES}]), "file-system/fs-4"),
        (
            _definition() | {"trustedExecutionConfiguration": {"attestationPolicy": "e30="}},
            "whether the attestation policy allows the new images",
        ),
    ],
)
def test_what_cannot_be_checked_is_reported_with_the_reason(definition, sentence):
    (text,) = unchecked(definition)
    assert sentence in text


@pytest.mark.parametrize(
    "definition",
    [
        _definition(),
        _definition(secrets=[{"name": "A", "valueFrom": SECRET}, {"name": "B", "valueFrom": f"{SECRET}:::"}]),
        _definition(secrets=None, logConfiguration=None, environmentFiles=[]),
        _definition(dockerSecurityOptions=["no-new-privileges", "credentialspec:file://gmsa.json", "label:x"]),
        _definition(firelensConfiguration={"options": {"config-file-type": "file", "config-file-value": "/a.conf"}}),
        _definition(volumes=[{"name": "v", "host": {}}, {"name": "w"}]),
    ],
)
def test_nothing_is_reported_if_all_of_it_can_be_checked(definition):
    assert unchecked(definition) == ()


@pytest.mark.usefixtures("shop")
def test_a_key_of_a_secret_is_reported_once_for_all_items_and_hides_nothing(ecs, machine):
    # GIVEN two services with keys of secrets and a file in S3, one of whose secrets is gone
    ecs.secrets = {SECRET}
    for name, missing in (("web", []), ("api", [{"name": "C", "valueFrom": f"{SECRET}x:key::"}])):
        container = ecs.definitions[ecs.services[name]["taskDefinition"]][0]["containerDefinitions"][0]
        container["secrets"] = [{"name": "A", "valueFrom": f"{SECRET}:key::"}, *missing]
        container["environmentFiles"] = [{"type": "s3", "value": OBJECT}]
    done = machine.run(release(item("web"), item("api")))
    results = {each["name"]: each for each in done["result"]["items"]}
    # THEN the one that is gone stops the release, and is its reason alone
    assert (results["api"]["status"], results["api"]["checks"]["secrets"]) == ("FAILED", "FAILED")
    assert results["api"]["reason"] == f"secret {SECRET}x does not exist"
    # AND what is not checked is not a failure, and is in the notice once
    assert results["web"]["checks"]["secrets"] == "NOT_CHECKED"
    assert f"not checked: {KEYS_NOT_CHECKED}" in results["web"]["warnings"]
    assert done["notice"]["message"].count(KEYS_NOT_CHECKED) == 1


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("gone", ["web", "nightly"])
def test_a_secret_of_a_volume_that_is_gone_stops_the_release(ecs, machine, gone):
    family = {"web": "web", "nightly": "job"}[gone]
    definition = next(each for each, _ in ecs.definitions.values() if each["family"] == family)
    definition["volumes"] = [{"name": "v", "fsxWindowsFileServerVolumeConfiguration": FSX}]
    job = {"service": "job", "cwRuleName": "nightly", "image": "job:2"}
    results = machine.results(release(item("web"), tasks=[job]))
    assert (results[gone]["status"], results[gone]["reason"]) == ("FAILED", f"secret {SECRET} does not exist")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("value", "there", "status"),
    [
        (f"arn:aws:ssm:{PLACE}:parameter/key", "key", "DEPLOYED"),
        # The ARN of /key is the same.
        (f"arn:aws:ssm:{PLACE}:parameter/key", "/key", "DEPLOYED"),
        (f"arn:aws:ssm:{PLACE}:parameter/key", "/shop/key", "FAILED"),
        (PARAMETER, "/shop/key", "DEPLOYED"),
        # A name is the name.
        ("key", "/key", "FAILED"),
        ("/key", "/key", "DEPLOYED"),
    ],
)
def test_a_parameter_is_found_by_its_arn_and_by_its_name(ecs, machine, value, there, status):
    ecs.parameters = {there}
    container = ecs.definitions[ecs.services["web"]["taskDefinition"]][0]["containerDefinitions"][0]
    container["secrets"] = [{"name": "A", "valueFrom": value}]
    assert machine.results(release(item("web")))["web"]["status"] == status
