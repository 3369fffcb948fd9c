"""The layer, apart from everything that is installed here."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import build_layer
from bench.probes.many_places import PLACES
from bench.python_costs import probed
from ecs_gitops.ecs.task_definition import OUTPUT_ONLY
from playground.stack import ROOT

HANDLERS = ("init_config", "deploy_task", "deploy_ecs", "validate_deploy")


@pytest.fixture(scope="module")
def unpacked(layer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layer")
    with zipfile.ZipFile(layer) as archive:
        archive.extractall(folder)
    return folder / "python"


def isolated(unpacked: Path, code: str) -> str:
    """What a Python without site-packages prints, with nothing but the layer on its path."""
    code = f"import sys; sys.path.insert(0, {str(unpacked)!r}); {code}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("handler", HANDLERS)
def test_each_handler_imports_from_the_layer_alone(unpacked, handler):
    where = isolated(unpacked, f"import ecs_gitops.lambdas.{handler} as h; print(h.handler.__module__, h.__file__)")
    assert where == f"ecs_gitops.lambdas.{handler} {unpacked}/ecs_gitops/lambdas/{handler}.py"


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_what_every_run_of_it_needs_and_nothing_else(unpacked, handler):
    names = "('boto3', 'botocore', 'yaml', 'aws_xray_sdk')"
    code = f"import ecs_gitops.lambdas.{handler}; print([m for m in {names} if m in sys.modules])"
    # A wrong manifest needs no AWS; the other functions call AWS in every run, and load it while they initialize.
    assert isolated(unpacked, code) == ("[]" if handler == "init_config" else "['boto3', 'botocore']")


def test_clients_of_every_service_in_use_can_be_made_from_the_layer_alone(unpacked):
    services = tuple(sorted({*build_layer.SERVICES} - {"xray"}))
    code = (
        "from botocore.session import Session; s = Session(); s.set_credentials('x', 'y'); "
        f"[s.create_client(n, region_name='us-west-2') for n in {services}]; print('made')"
    )
    assert isolated(unpacked, code) == "made"


def test_operations_whose_bodies_are_passed_raw_speak_json_in_the_layers_botocore(unpacked):
    """A lock that brings another protocol (several services have moved to CBOR) shows itself here."""
    code = (
        "from botocore.session import Session; from ecs_gitops.aws.calls import _RAW_ANSWERS, _RAW_REQUESTS; "
        "names = {each.split('.')[0].replace('eventbridge', 'events') for each in _RAW_ANSWERS + _RAW_REQUESTS}; "
        "s = Session(); s.set_credentials('x', 'y'); "
        "print({n: s.create_client(n, region_name='us-west-2').meta.service_model.resolved_protocol for n in names})"
    )
    told = ast.literal_eval(isolated(unpacked, code))
    assert set(told) == {"ecs", "events", "scheduler"}
    assert set(told.values()) <= {"json", "rest-json"}


def test_a_warm_sandbox_with_forty_places_has_room(unpacked):
    """Of the 512 MB of a function; `make bench` tells how much it is."""
    told = probed(unpacked, "many_places")
    assert told["peakMb"] < 256
    assert told["sessions"] <= PLACES


def test_a_cold_deploy_reads_the_ledger_and_assumes_the_role_before_it_calls_ecs(unpacked):
    """A real invocation; `make bench` tells what it costs."""
    # GIVEN what InitConfig left in the ledger
    stage = probed(unpacked, "first_stage")
    # WHEN DeployEcs is loaded and invoked, up to its first call to ECS
    told = probed(unpacked, "cold_start", stage)
    # THEN it made no call that it could do without: the batch's steps, the role, what is remembered of the targets
    assert told["calls"] == ["s3", "s3", "sts", "s3"]


@pytest.mark.parametrize("name", ["deploy_ecs", "deploy_task", "validate_deploy"])
def test_the_clients_of_the_functions_own_role_are_made_while_it_initializes(unpacked, name):
    """With a whole processor, and once for the sandbox."""
    code = f"""
from bench.probes import sandbox
sandbox.set_environment()
import ecs_gitops.lambdas.{name}
from ecs_gitops import aws
from ecs_gitops.aws import ledger_bucket
print([made.cache_info().currsize for made in (aws._sts, ledger_bucket._client)])
"""
    assert isolated(unpacked, f"sys.path.append({str(ROOT / 'tests')!r}); exec({code!r})") == "[1, 1]"


def test_tracing_when_on_gives_each_aws_call_a_subsegment(unpacked):
    code = """
import os; os.environ['ECS_GITOPS_TRACING'] = 'true'
from ecs_gitops.aws import observability
observability.trace_aws_calls()
from aws_xray_sdk.core import xray_recorder
from botocore.session import Session
from botocore.stub import Stubber
xray_recorder.configure(sampling=False, emitter=type('E', (), {'send_entity': lambda *a: None})())
segment = xray_recorder.begin_segment('test')
session = Session()
session.set_credentials('x', 'y')
client = session.create_client('ecs', region_name='us-west-2')
client.meta.events.register('before-send.ecs', lambda **k: None)
with Stubber(client) as stub:
    stub.add_response('describe_services', {'services': []}, {'cluster': 'c', 'services': ['s']})
    client.describe_services(cluster='c', services=['s'])
print([s.name for s in segment.subsegments] or 'no subsegment')
"""
    assert isolated(unpacked, f"exec({code!r})") in ("['ecs']", "['Amazon Elastic Container Service']")


def test_the_command_line_runs_from_the_layer_alone(unpacked, tmp_path):
    file = tmp_path / "deployment.yaml"
    file.write_text("services:\n  - {service: w, clusterName: c, serviceName: s, image: 'w:1'}\n")
    code = f"from ecs_gitops.cli import main; sys.exit(main(['render', {str(file)!r}]))"
    assert json.loads(isolated(unpacked, code))["schemaVersion"] == 1


def test_make_layer_needs_python_alone_and_gives_the_same_bytes(layer, tmp_path):
    # GIVEN a checkout, and a machine with make, its shell's tools and a Python: no Terraform, no git, no other tools
    tools, checkout = tmp_path / "bin", tmp_path / "checkout"
    tools.mkdir()
    for name in ("make", "bash", "sh", "find", "cmp", "mkdir"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python3").chmod(0o755)
    shutil.copytree(ROOT / "lambda_src", checkout / "lambda_src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", checkout)
    # WHEN the layer is built there
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HOME", "SSL_"))}
    done = subprocess.run(
        ["make", "layer"], cwd=checkout, env={**pip, "PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    # THEN it is the one that was built here, byte for byte
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "build" / layer.name).read_bytes() == layer.read_bytes()


def test_a_python_without_pip_is_told_of_before_anything_is_built(tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    build = [str(bare / "bin" / "python"), str(ROOT / "lambda_src" / "build_layer.py")]
    done = subprocess.run([*build, "--output", str(tmp_path / "new")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "has no pip" in done.stderr
    assert "make layer PYTHON=" in done.stderr
    assert not (tmp_path / "new").exists()


def test_the_functions_own_code_is_one_line_of_text():
    with zipfile.ZipFile(ROOT / "modules" / "deployer" / "stub.zip") as stub:
        assert {entry.filename: entry.file_size for entry in stub.infolist()} == {"README": 66}
        assert b"The code is in the layer" in stub.read("README")


def test_a_cold_start_reads_the_endpoints_of_the_services_in_use_alone(unpacked):
    partitions = json.loads((unpacked / "botocore" / "data" / "endpoints.json").read_text())["partitions"]
    in_use = {
        "api.ecr",
        "codecommit",
        "ecs",
        "events",
        "iam",
        "monitoring",
        "s3",
        "scheduler",
        "secretsmanager",
        "sns",
        "ssm",
        "states",
        "sts",
        "xray",
    }
    assert {name for partition in partitions for name in partition["services"]} == in_use
    assert {"aws", "aws-cn", "aws-us-gov"} <= {partition["partition"] for partition in partitions}


def test_bytecode_is_taken_unchecked_and_the_same_in_every_build(tmp_path):
    # GIVEN the same module in two places, compiled
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "module.py").write_text("VALUE = 1\n")
        build_layer.add_bytecode(tmp_path / name, sys.executable)
    one, two = (next((tmp_path / name / "__pycache__").iterdir()).read_bytes() for name in ("one", "two"))
    # THEN the bytes are the same, and are taken without a look at the source
    assert one == two
    (tmp_path / "one" / "module.py").write_text("VALUE = 2\n")
    assert isolated(tmp_path / "one", "import module; print(module.VALUE)") == "1"


def test_bytecode_of_another_python_is_refused_before_anything_is_built(tmp_path):
    build = [sys.executable, str(ROOT / "lambda_src" / "build_layer.py"), "--output", str(tmp_path / "new")]
    for python, told in ((sys.executable, f"is 3.{sys.version_info.minor};"), ("/nowhere/python", "not found")):
        if build_layer.version_of(python) == build_layer.PYTHON:
            continue
        done = subprocess.run([*build, "--bytecode-with", python], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert told in done.stderr
        assert not (tmp_path / "new").exists()


def test_the_layer_is_small_and_has_the_license_texts_of_what_it_bundles(layer, unpacked):
    assert layer.stat().st_size < 6_000_000
    bundled = {re.sub(r"-[^-]+$", "", path.stem) for path in unpacked.glob("*.dist-info")}
    licensed = {
        re.sub(r"-[^-]+$", "", path.stem)
        for path in unpacked.glob("*.dist-info")
        if [f for f in path.rglob("*") if "licen" in f.name.lower()]
    }
    assert bundled - licensed <= {"jmespath"}


def test_exactly_the_output_only_members_are_dropped_by_the_bundled_botocore_model(unpacked):
    """A botocore upgrade that adds a member to a task definition shows itself here."""
    code = (
        "import json; from botocore.loaders import Loader; "
        "m = Loader().load_service_model('ecs', 'service-2')['shapes']; "
        "print(json.dumps([list(m['TaskDefinition']['members']), list(m['RegisterTaskDefinitionRequest']['members'])]))"
    )
    described, taken = (set(members) for members in json.loads(isolated(unpacked, code)))
    assert described - taken == OUTPUT_ONLY
    assert taken - described == {"tags"}


@pytest.mark.parametrize("architecture", sorted(build_layer.PLATFORMS))
def test_a_build_on_another_architecture_can_use_the_layer(tmp_path, architecture):
    # GIVEN a layer for each architecture, of which one is not this machine's
    target = tmp_path / "python"
    build_layer.install(target, architecture)
    assert list(target.glob("yaml/_yaml.*.so"))
    file = tmp_path / "deployment.yaml"
    file.write_text("services:\n  - {service: w, clusterName: c, serviceName: s, image: 'w:1'}\n")
    # WHEN a manifest is rendered from it, THEN it does without what is compiled for the other one
    code = f"from ecs_gitops.cli import main; sys.exit(main(['render', {str(file)!r}]))"
    assert json.loads(isolated(target, code))["services"][0]["image"] == "w:1"
