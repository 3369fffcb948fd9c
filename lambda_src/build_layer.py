"""Build the Lambda layer and the functions' stub: `make layer`.

    python lambda_src/build_layer.py [--architecture arm64|x86_64] [--output build]

Writes ``ecs_gitops-layer-ARCHITECTURE.zip`` (the package and its locked dependencies under ``python/``) and
``ecs_gitops-stub.zip`` (the functions' own, empty code). The same sources give the same bytes: entries are sorted and
carry one fixed time and mode. Dependencies are wheels for the target's architecture and Python, checked against the
hashes in ``requirements.txt``; botocore's service data is cut to the services in use.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = "3.13"
PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}
# The AWS services that the package calls, and that the X-Ray SDK asks for; botocore's data holds four hundred more.
SERVICES = ("cloudwatch", "ecr", "ecs", "events", "iam", "scheduler", "secretsmanager", "ssm", "sts", "xray")
_NOT_NEEDED = ("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", "*.dist-info/direct_url.json")
_CODE_NOT_NEEDED = ("boto3/examples", "aws_xray_sdk/ext/*/__pycache__", "bin")
# zip's earliest time.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the Lambda layer of ecs-gitops.")
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), default="arm64")
    parser.add_argument("--output", type=Path, default=HERE.parent / "build", help="folder for the zip files")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    layer = arguments.output / f"ecs_gitops-layer-{arguments.architecture}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "layer"
        install(root / "python", arguments.architecture)
        write_zip(root, layer)
        stub = Path(scratch) / "stub"
        stub.mkdir()
        (stub / "README").write_text("The code is in the layer; this function's handler points into it.\n")
        write_zip(stub, arguments.output / "ecs_gitops-stub.zip")
    size = layer.stat().st_size / 1e6
    print(f"{layer.name}: {size:.1f} MB for Lambda python{PYTHON} on {arguments.architecture}")
    return 0


def install(target: Path, architecture: str) -> None:
    """Put the locked wheels and the package into ``target``, without what a function never reads."""
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
    cut_data(target / "botocore" / "data")
    cut_data(target / "boto3" / "data")
    shutil.copytree(HERE / "ecs_gitops", target / "ecs_gitops", ignore=shutil.ignore_patterns("__pycache__"))


def cut_data(data: Path) -> None:
    """Keep the services in use, the files for all services, and drop the examples and the documentation texts."""
    for entry in data.iterdir():
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
    for example in data.rglob("examples-1.json*"):
        example.unlink()


def write_zip(root: Path, target: Path) -> None:
    """Zip all files below ``root``, byte for byte the same for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
