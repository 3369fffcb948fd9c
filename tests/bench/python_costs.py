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
PLACES = 40
# Megabytes at most. Not getrusage: what that says begins with the memory of the process that started this one.
_PEAK = 'int(re.search(r"VmHWM:\\s+([0-9]+)", open("/proc/self/status").read())[1]) / 1024'
# A release to as many places, each checked and deployed, with the clients of all services in use and as many task
# definitions as are kept. STS and ECS are answered in place.
WARM = f"""
import datetime, json, os, re
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
import ecs_gitops.lambdas
from botocore.client import BaseClient
from ecs_gitops import aws

environment = [{{"name": f"N_{{n}}", "value": "v" * 30}} for n in range(60)]
definition = {{"containerDefinitions": [{{"name": n, "environment": environment}} for n in ("web", "proxy")]}}

def answer(client, operation, parameters):
    if operation == "DescribeTaskDefinition":
        return {{"raw": {{"taskDefinition": definition, "tags": []}}}}
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return {{"Credentials": {{"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": until}}}}

BaseClient._make_api_call = answer
for is_read_only in (True, False):
    for place in range({PLACES}):
        account = f"{{place:012d}}"
        known = aws.connect(aws.Target(account, "us-west-2", f"arn:aws:iam::{{account}}:role/d", "run-1", is_read_only))
        known.rate_limiter.sleep = lambda seconds: None
        for service in ("ecs", "ecr", "secretsmanager", "ssm", "iam", "cloudwatch"):
            known._client(service)
        for number in range(60):
            known.describe_task_definition(f"web:{{number + 1}}")
print(json.dumps({{"peakMb": {_PEAK}, "sessions": len(aws._sessions)}}))
"""


def python_costs(layer: Path) -> dict[str, Any]:
    """``layerBytes``; per handler milliseconds of import and of the import with a first client, and megabytes at
    most. Medians of several interpreters, without what starting Python itself takes."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(layer) as archive:
            archive.extractall(folder)
        path = Path(folder) / "python"
        handlers = {name: _handler(path, name) for name in HANDLERS}
        warm = _isolated(path, WARM)
    return {"layerBytes": layer.stat().st_size, "handlers": handlers, "warm": warm}


def _handler(path: Path, name: str) -> dict[str, float]:
    client = "from ecs_gitops.aws import OWN; OWN.client('sts', 'us-west-2')"
    if name == "init_config":
        client = "from ecs_gitops.aws.ledger_bucket import _client; _client('us-west-2')"
    runs = [_run(path, name, client) for _ in range(_TIMES)]
    return {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}


def _run(path: Path, name: str, then: str) -> dict[str, float]:
    code = (
        "import time, json, re; began = time.perf_counter(); "
        f"import ecs_gitops.lambdas.{name}; imported = time.perf_counter(); {then}; done = time.perf_counter(); "
        "print(json.dumps({'importMs': (imported - began) * 1000, 'withFirstClientMs': (done - began) * 1000, "
        f"'peakMb': {_PEAK}"
        "}))"
    )
    return _isolated(path, code)


def _isolated(path: Path, code: str) -> dict[str, float]:
    code = f"import sys; sys.path.insert(0, {str(path)!r}); exec({code!r})"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))
