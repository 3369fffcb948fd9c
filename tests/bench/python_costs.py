"""The layer on its own: its size, what a handler costs to import, and memory, each in a fresh, isolated interpreter."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

HANDLERS = ("init_config", "deploy_task", "deploy_ecs", "validate_deploy")
_TIMES = 7


def python_costs(layer: Path) -> dict[str, Any]:
    """``layerBytes``; per handler milliseconds of import and of the import with a first client, and megabytes at
    most. Medians of several interpreters, without what starting Python itself takes."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(layer) as archive:
            archive.extractall(folder)
        path = Path(folder) / "python"
        handlers = {name: _handler(path, name) for name in HANDLERS}
    return {"layerBytes": layer.stat().st_size, "handlers": handlers}


def _handler(path: Path, name: str) -> dict[str, float]:
    client = (
        "from ecs_gitops.aws import _config; from botocore.session import Session; "
        "Session().create_client('sts', region_name='us-west-2', config=_config())"
    )
    needs_client = name != "init_config"
    runs = [_run(path, name, client if needs_client else "pass") for _ in range(_TIMES)]
    return {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}


def _run(path: Path, name: str, then: str) -> dict[str, float]:
    code = (
        f"import sys, time, json, resource; sys.path.insert(0, {str(path)!r}); began = time.perf_counter(); "
        f"import ecs_gitops.handlers.{name}; imported = time.perf_counter(); {then}; done = time.perf_counter(); "
        "print(json.dumps({'importMs': (imported - began) * 1000, 'withFirstClientMs': (done - began) * 1000, "
        "'peakMb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))
