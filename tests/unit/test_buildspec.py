"""The build runs the layer that was deployed, checked, and fetches nothing else."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMMANDS = yaml.safe_load((ROOT / "modules" / "pipeline" / "buildspec.yml").read_text())["phases"]["build"]["commands"]


def test_every_python_is_isolated_and_runs_outside_of_the_source_folder():
    leave = COMMANDS.index('cd "$work"')
    runs = [(n, command) for n, command in enumerate(COMMANDS) if "python" in command.split(" ")[0]]
    assert len(runs) == 3
    assert all(command.startswith("python3 -I ") and n > leave for n, command in runs)
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
