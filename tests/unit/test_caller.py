"""Who calls: what is wrong with the machine's configuration is told in a line, whichever way it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecs_gitops.aws import caller
from ecs_gitops.cli import main
from ecs_gitops.model.errors import AwsUnavailable

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
