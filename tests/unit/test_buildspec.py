"""The build runs the layer that was deployed, checked, and fetches nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMMANDS = yaml.safe_load((ROOT / "modules" / "pipeline" / "buildspec.yml").read_text())["phases"]["build"]["commands"]


def test_every_python_is_isolated_and_runs_outside_of_the_source_folder():
    leave = COMMANDS.index('cd "$work"')
    runs = [(n, command) for n, command in enumerate(COMMANDS) if re.search(r"\bpython3? ", command)]
    assert len(runs) == 4
    assert all(re.match(r"(if \[ -e [^]]+ \]; then )?python3 -I ", command) and n > leave for n, command in runs)
    assert not any("PYTHONPATH" in command for command in COMMANDS)
    assert any(command.startswith("export PYTHONSAFEPATH=1") for command in COMMANDS)


def test_the_only_download_is_the_layer_and_it_is_checked_before_it_is_unpacked():
    downloads = [n for n, command in enumerate(COMMANDS) if command.startswith(("curl", "wget", "pip", "git "))]
    check = next(n for n, command in enumerate(COMMANDS) if "sha256" in command)
    unpack = next(n for n, command in enumerate(COMMANDS) if "zipfile" in command)
    assert len(downloads) == 1
    assert downloads[0] < check < unpack


@pytest.mark.parametrize("is_right", [True, False])
def test_a_layer_with_another_checksum_ends_the_build(tmp_path, is_right):
    work = tmp_path / "layer.zip"
    work.write_bytes(b"a layer")
    digest = base64.b64encode(hashlib.sha256(b"a layer" if is_right else b"another").digest()).decode()
    command = next(command for command in COMMANDS if "sha256" in command)
    environment = {"work": str(tmp_path), "ECS_GITOPS_LAYER_SHA256": digest, "PATH": str(tmp_path)}
    (tmp_path / "python3").symlink_to(sys.executable)
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is is_right
    if not is_right:
        assert "not the one that was deployed" in done.stderr


def stored(tmp_path: Path, deployment: dict[str, object], is_large: bool, code: int = 0) -> tuple[int, list[str]]:
    """What the build's last commands give, and what they call `aws` with, after `render` has written its files."""
    work, checkout, tools = (tmp_path / name for name in ("work", "checkout", "tools"))
    for folder in (work, checkout, tools):
        folder.mkdir()
    (work / "deployment.json").write_text(json.dumps(deployment))
    if is_large:
        (work / "input.json").write_text("{}")
    (tools / "python3").symlink_to(sys.executable)
    (tools / "aws").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/called"\nexit {code}\n')
    (tools / "aws").chmod(0o755)
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "work": str(work),
        "ECS_GITOPS_CHECKOUT": str(checkout),
        "ECS_GITOPS_LEDGER_BUCKET": "ledger",
        "ECS_GITOPS_ACCOUNT_ID": "111111111111",
    }
    render = next(n for n, command in enumerate(COMMANDS) if " render " in command)
    for command in COMMANDS[render + 1 :]:
        done = subprocess.run(["/bin/sh", "-c", command], env=environment, cwd=work, check=False)
        if done.returncode:
            break
    called = tmp_path / "called"
    is_handed_on = (checkout / "deployment.json").exists()
    assert is_handed_on is (done.returncode == 0)
    return done.returncode, called.read_text().splitlines() if called.exists() else []


def test_an_input_that_is_too_large_is_stored_before_the_pointer_is_handed_on(tmp_path):
    code, called = stored(tmp_path, {"release": "é", "input": {"key": "work/inputs/ab.json"}}, is_large=True)
    assert code == 0
    assert called[:2] == ["s3api", "put-object"]
    assert called[called.index("--bucket") + 1] == "ledger"
    assert called[called.index("--expected-bucket-owner") + 1] == "111111111111"
    assert called[called.index("--key") + 1] == "work/inputs/ab.json"
    assert called[called.index("--body") + 1].endswith("/input.json")


def test_an_input_that_fits_calls_nothing(tmp_path):
    assert stored(tmp_path, {"services": []}, is_large=False) == (0, [])


def test_an_input_that_cannot_be_stored_fails_the_build(tmp_path):
    code, _ = stored(tmp_path, {"input": {"key": "work/inputs/ab.json"}}, is_large=True, code=254)
    assert code == 254
