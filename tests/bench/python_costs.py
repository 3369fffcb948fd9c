"""The layer on its own: its size, what a handler costs to import, and memory, each in a fresh, isolated interpreter."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HANDLERS = ("init_config", "deploy_task", "deploy_ecs", "validate_deploy")
_TIMES = 7
# Added after the layer, for `bench.probes`.
_TESTS = Path(__file__).parents[1]
# The part of a processor that a function with 512 MB has, once it is initialized. Before that it has a whole one.
SHARE_AT_512_MB = 0.289


def python_costs(layer: Path) -> dict[str, Any]:
    """``layerBytes``; per handler milliseconds of import and of the import with a first client; and what each probe
    measures, see :mod:`bench.probes`. Medians of several interpreters, without what starting Python itself takes."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(layer) as archive:
            archive.extractall(folder)
        path = Path(folder) / "python"
        return {
            "layerBytes": layer.stat().st_size,
            "handlers": {name: _handler(path, name) for name in HANDLERS},
            "coldStart": cold_start(path),
            "look": probed(path, "look"),
            "warm": probed(path, "many_places"),
            "releases": probed(path, "many_releases"),
        }


def cold_start(path: Path) -> dict[str, Any]:
    """Milliseconds of CPU of a cold DeployEcs up to its first call to ECS: of the import, of the invocation, and
    ``computedMs``, which they take at 512 MB. ``boto3Ms`` is the part of the import that is boto3's own."""
    stage = probed(path, "first_stage")
    # Not counted: it compiles what the runs after it import. So the figure is that of a layer with bytecode, as Python
    # finds it beside the sources, or in the zip if it was built by this release of Python.
    probed(path, "cold_start", stage)
    runs, alone = [], []
    for _ in range(_TIMES):
        runs.append(probed(path, "cold_start", stage))
        alone.append(probed(path, "boto3_alone")["importMs"])
    init, invocation = (statistics.median(run[key] for run in runs) for key in ("importMs", "invocationMs"))
    return {
        "importMs": round(init, 1),
        "boto3Ms": round(statistics.median(alone), 1),
        "invocationMs": round(invocation, 1),
        "computedMs": round(init + invocation / SHARE_AT_512_MB, 1),
        "calls": runs[0]["calls"],
    }


def probed(path: Path, name: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a module of :mod:`bench.probes` measures of the unpacked layer ``path``."""
    code = (
        f"import json, sys; from bench.probes.{name} import measured; print(json.dumps(measured(json.load(sys.stdin))))"
    )
    return _isolated(path, code, json.dumps(given or {}))


def _handler(path: Path, name: str) -> dict[str, float]:
    client = "from ecs_gitops.aws import OWN; OWN.client('sts', 'us-west-2')"
    if name == "init_config":
        client = "from ecs_gitops.aws.ledger_bucket import _client; _client('us-west-2')"
    runs = [_run(path, name, client) for _ in range(_TIMES)]
    return {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}


def _run(path: Path, name: str, then: str) -> dict[str, float]:
    code = (
        "import time, json; began = time.perf_counter(); "
        f"import ecs_gitops.lambdas.{name}; imported = time.perf_counter(); {then}; done = time.perf_counter(); "
        "from bench.probes.sandbox import memory; "
        "print(json.dumps({'importMs': (imported - began) * 1000, 'withFirstClientMs': (done - began) * 1000, "
        "'peakMb': memory('VmHWM')}))"
    )
    return _isolated(path, code)


def _isolated(path: Path, code: str, given: str = "") -> dict[str, Any]:
    """What ``code`` prints last, in an interpreter without site-packages that has the layer and the probes."""
    code = f"import sys; sys.path.insert(0, {str(path)!r}); sys.path.append({str(_TESTS)!r}); exec({code!r})"
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))
