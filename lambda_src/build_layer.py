"""Build the Lambda layer: `make layer`.

    python lambda_src/build_layer.py [--architecture arm64|x86_64] [--output build] [--bytecode-with python3.13]

Writes ``ecs_gitops-layer-ARCHITECTURE.zip``: the package and its locked dependencies under ``python/``. The same
sources give the same bytes: entries are sorted and have one fixed time and mode. Dependencies are wheels for the
target's architecture and Python, checked against the hashes in ``requirements.txt``. Of botocore's service data only
the services in use are kept. With ``--bytecode-with``, that Python adds bytecode; it must have the functions' version.

It needs only Python 3.11 or newer with pip.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PYTHON = "3.13"
PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}
# The AWS services that the package or the X-Ray SDK calls. botocore has data of four hundred more.
SERVICES = (
    "cloudwatch",
    "codecommit",
    "ecr",
    "ecs",
    "events",
    "iam",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "ssm",
    "stepfunctions",
    "sts",
    "xray",
)
_NOT_NEEDED = ("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", "*.dist-info/direct_url.json")
_CODE_NOT_NEEDED = ("bin",)
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2], end='')"
# The earliest time that a zip file can have.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the Lambda layer of ecs-gitops.")
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), default="arm64")
    parser.add_argument("--output", type=Path, default=HERE.parent / "build", help="folder for the zip file")
    parser.add_argument("--bytecode-with", metavar="PYTHON", help=f"a Python {PYTHON} that compiles the layer's code")
    arguments = parser.parse_args()
    if arguments.bytecode_with and (version := version_of(arguments.bytecode_with)) != PYTHON:
        actual = version or "not found"
        parser.error(f"{arguments.bytecode_with} is {actual}; Lambda reads only bytecode of Python {PYTHON}")
    if missing := missing_requirement():
        parser.error(f"{sys.executable} {missing}; install it, or name another Python: make layer PYTHON=python3.13")
    arguments.output.mkdir(parents=True, exist_ok=True)
    layer = arguments.output / f"ecs_gitops-layer-{arguments.architecture}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "layer"
        install(root / "python", arguments.architecture)
        if arguments.bytecode_with:
            add_bytecode(root / "python", arguments.bytecode_with)
        write_zip(root, layer)
    size = layer.stat().st_size / 1e6
    print(f"{layer.name}: {size:.1f} MB for Lambda python{PYTHON} on {arguments.architecture}")
    return 0


def missing_requirement() -> str | None:
    """What this interpreter needs to build the layer and does not have; None if it has everything."""
    if sys.version_info < (3, 11):  # noqa: UP036 - people may build the layer with an older one
        return f"is Python {sys.version_info[0]}.{sys.version_info[1]}, and Python 3.11 or newer is needed"
    if importlib.util.find_spec("pip") is None:
        return "has no pip (Debian and Ubuntu: package python3-pip)"
    return None


def install(target: Path, architecture: str) -> None:
    """Put the locked wheels and the package into ``target``, without files that a function never reads."""
    machine = PLATFORMS[architecture]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--python-version", PYTHON, "--target", str(target), "--requirement", str(HERE / "requirements.txt")]
    for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014"):
        command += ["--platform", f"{tag}_{machine}"]
    subprocess.run(command, check=True)
    for pattern in (*_NOT_NEEDED, *_CODE_NOT_NEEDED):
        for path in list(target.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    trim_service_data(target / "botocore" / "data")
    shutil.copytree(HERE / "ecs_gitops", target / "ecs_gitops", ignore=shutil.ignore_patterns("__pycache__"))


def trim_service_data(data: Path) -> None:
    """Keep the data of the services in use, and their part of the files for all services. Drop examples and texts."""
    for entry in data.iterdir():
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
    for example in data.rglob("examples-1.json*"):
        example.unlink()
    for model in data.rglob("*.json.gz"):
        packed = json.dumps(without_texts(json.loads(gzip.decompress(model.read_bytes()))), separators=(",", ":"))
        model.write_bytes(gzip.compress(packed.encode(), mtime=0))
    # The first client of a sandbox reads the endpoints of all services: a megabyte, which takes 15 ms.
    names = {endpoint_prefix(model) for model in data.rglob("service-2.json.gz")}
    file = data / "endpoints.json"
    endpoints = json.loads(file.read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: known for name, known in partition["services"].items() if name in names}
    file.write_text(json.dumps(endpoints, separators=(",", ":")))


def without_texts(value: Any) -> Any:
    """A model without its documentation: four fifths of what the first client of a service would read and parse. A
    member that has the name is no text, and stays. So do the texts of the client's own parameters: botocore reads
    them when it makes S3's client (``ServiceModel.client_context_parameters``)."""
    if isinstance(value, dict):
        texts = (name for name, each in value.items() if name.startswith("documentation") and isinstance(each, str))
        dropped = set(texts)
        return {
            name: each if name == "clientContextParams" else without_texts(each)
            for name, each in value.items()
            if name not in dropped
        }
    return [without_texts(each) for each in value] if isinstance(value, list) else value


def endpoint_prefix(model: Path) -> str:
    """The name of a model's service in botocore's list of endpoints."""
    return str(json.loads(gzip.decompress(model.read_bytes()))["metadata"]["endpointPrefix"])


def version_of(python: str) -> str | None:
    """An interpreter's version, such as ``3.13``; None if it does not exist."""
    try:
        return subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def add_bytecode(target: Path, python: str) -> None:
    """Compile all of ``target``: a sandbox cannot write below /opt, so it would compile everything in each cold start.

    Python loads the bytecode unchecked, because a layer's sources do not change. Its paths are those on Lambda."""
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(target)]
    subprocess.run([*command, "-p", "/opt/python", str(target)], check=True)


def write_zip(root: Path, target: Path) -> None:
    """Zip all files below ``root``. The same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
