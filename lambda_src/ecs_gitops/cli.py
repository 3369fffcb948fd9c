"""The command line: ``ecs-gitops validate|render|schema|version``, also as ``python -m ecs_gitops``.

Exit code 0: good. 1: the file is wrong. 2: wrong usage, which includes a file that cannot be read or written. Errors
and warnings go to stderr; with ``--format json`` as one JSON object with ``file``, ``valid`` and ``problems``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ecs_gitops import __version__, manifest
from ecs_gitops.errors import InvalidManifest
from ecs_gitops.manifest import Manifest
from ecs_gitops.render import render
from ecs_gitops.source import of_build, of_checkout

GOOD, WRONG_FILE, WRONG_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options, os.environ if environment is None else environment))
    except InvalidManifest as error:
        _complain(error, options.format)
        return WRONG_FILE
    except OSError as error:
        print(f"ecs-gitops: {error.filename}: {error.strerror}", file=sys.stderr)
        return WRONG_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ecs-gitops", description="Check and render manifests for ecs-gitops.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checks = argparse.ArgumentParser(add_help=False)
    checks.add_argument("file", metavar="FILE", type=Path, help="the manifest, usually deployment.yaml")
    checks.add_argument("--format", choices=("text", "json"), default="text", help="how errors are written")

    command = commands.add_parser("validate", parents=[checks], help="say everything that is wrong with a manifest")
    command.set_defaults(run=_validate)
    command = commands.add_parser("render", parents=[checks], help="turn a manifest into the state machine's input")
    command.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it; stdout when absent")
    command.set_defaults(run=_render)
    command = commands.add_parser("schema", help="print the manifest's JSON Schema, for editors")
    command.set_defaults(run=_schema, format="text")
    command = commands.add_parser("version", help="print the version")
    command.set_defaults(run=_version, format="text")
    return parser


def _load(file: Path) -> Manifest:
    return manifest.load(file.read_bytes(), str(file))


def _validate(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    checked = _load(options.file)
    if options.format == "json":
        print(json.dumps({"file": str(options.file), "valid": True, "problems": []}))
    else:
        print(f"{options.file}: good: {len(checked.services)} services, {len(checked.tasks)} scheduled tasks")
    return GOOD


def _render(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    checked = _load(options.file)
    source = of_build(environment) or of_checkout(options.file)
    rendered = render(checked, source, str(options.file))
    if rendered.warning:
        print(f"{options.file}: warning: {rendered.warning}", file=sys.stderr)
    if options.output is None:
        sys.stdout.write(rendered.text)
    else:
        _write(options.output, rendered.text)
    return GOOD


def _write(target: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file."""
    handle, name = tempfile.mkstemp(dir=target.resolve().parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _schema(_options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    from ecs_gitops.manifest.schema import schema

    print(json.dumps(schema(), indent=2))
    return GOOD


def _version(_options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    print(__version__)
    return GOOD


def _complain(error: InvalidManifest, style: str) -> None:
    if style == "json":
        problems = [problem.to_json() for problem in error.problems]
        print(json.dumps({"file": error.file, "valid": False, "problems": problems}), file=sys.stderr)
        return
    print(error, file=sys.stderr)
    count = len(error.problems)
    print(f"{error.file}: {count} problem{'s' if count > 1 else ''}; nothing was deployed", file=sys.stderr)
