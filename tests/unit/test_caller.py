"""Who calls: what is wrong with the machine's configuration is told in a line, whichever way it is wrong."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from ecs_gitops.aws import caller
from ecs_gitops.aws.caller import Caller, Connections
from ecs_gitops.cli import main
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

CONFIG = """
[profile source]
role_arn = arn:aws:iam::111111111111:role/x
source_profile = nobody
[profile process]
credential_process = /bin/false
"""
KEY = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without credentials, with profiles, and with a manifest."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "broken").write_text("[broken")
    (tmp_path / "deployment.yaml").write_text(
        "services: [{service: web, clusterName: shop, serviceName: web, image: 'web:1'}]"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "nothing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "tells"),
    [
        ({}, "no AWS credentials were found"),
        ({"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
        ({"AWS_PROFILE": "nobody", "AWS_REGION": ""}, "The config profile (nobody) could not be found"),
        ({"AWS_PROFILE": "source"}, 'The source_profile "nobody"'),
        ({"AWS_PROFILE": "process"}, "Error when retrieving credentials from custom-process"),
        ({"AWS_ACCESS_KEY_ID": "a"}, "missing: AWS_SECRET_ACCESS_KEY"),
        ({**KEY, "AWS_REGION": "us west"}, "region_name 'us west'"),
        ({**KEY, "AWS_ENDPOINT_URL": "nonsense"}, "Invalid endpoint: nonsense"),
        ({"AWS_CONFIG_FILE": "broken"}, "Unable to parse config file"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_configuration_is_told_in_a_line(
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    tells: str,
) -> None:
    # GIVEN a machine whose configuration is wrong
    monkeypatch.chdir(machine)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # WHEN a plan is asked for
    code = main(["plan"], {})
    # THEN one line tells what is wrong
    written = capsys.readouterr()
    assert (code, written.out) == (1, "")
    assert len(written.err.splitlines()) == 1
    assert tells in written.err


def test_credentials_that_have_expired_are_called_so(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def expired(*_: Any) -> None:
        raise AwsUnavailable("get_caller_identity: ExpiredToken: The security token included in the request is expired")

    monkeypatch.chdir(machine)
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(caller, "attempt", expired)
    assert main(["plan"], {}) == 1
    assert "have expired: sign in again" in capsys.readouterr().err


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    """Of a caller whose machine finds no address, and whose roles cannot be assumed."""

    def fails(*_: object) -> None:
        raise AwsUnavailable("assume_role: EndpointConnectionError")

    def nothing(*_: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(caller, "assumed", fails)
    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    monkeypatch.setattr(caller, "getproxies", dict)
    arn = "arn:aws:sts::111111111111:assumed-role/x/y"
    return Connections(Caller("111111111111", arn, "us-west-2"), {"222222222222": "arn:role"})


@pytest.mark.parametrize("account", ["111111111111", "222222222222"])
def test_a_region_that_there_is_not_is_no_reason_to_try_for_long(
    machine: Path, connections: Connections, account: str
) -> None:
    with pytest.raises(AwsUnavailable, match=r"no Region us-wets-2, as ecs\.us-wets-2\.\S+ has no address"):
        connections.connect(account, "us-wets-2")


def test_what_cannot_be_a_region_is_no_traceback(machine: Path, connections: Connections) -> None:
    with pytest.raises(AwsRefused, match="region_name 'us west'"):
        connections.connect("111111111111", "us west")


def test_a_role_that_could_not_be_assumed_is_named_with_its_region(machine: Path, connections: Connections) -> None:
    assert connections.connect("111111111111", "cn-north-1") is not None
    with pytest.raises(AwsUnavailable, match="could not assume arn:role in eu-west-1: assume_role"):
        connections.connect("222222222222", "eu-west-1")


def test_a_region_that_botocore_does_not_know_yet_is_used(
    machine: Path, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a new Region, which has an address, or one that a proxy finds
    for name, value in (("getaddrinfo", lambda *_: []), ("getproxies", lambda: {"https": "http://proxy"})):
        with monkeypatch.context() as patch:
            patch.setattr(socket if name == "getaddrinfo" else caller, name, value)
            # THEN it is read
            assert connections.connect("111111111111", f"us-{name[3:7]}-9") is not None
