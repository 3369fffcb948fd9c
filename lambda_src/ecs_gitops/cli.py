"""The command line: ``ecs-gitops validate|render|schema|version``, also as ``python -m ecs_gitops``.

Exit code 0: good. 1: the file is wrong. 2: wrong usage, which includes a file that cannot be read or written. Results
go to stdout, problems and warnings to stderr. With ``--format json`` both are one JSON object: ``file``, ``valid``,
``problems`` (at most a hundred) and ``total``, their number; ``warnings`` or, with exit code 2, ``error`` where there
are any.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ecs_gitops import __version__, manifest
from ecs_gitops.errors import InvalidManifest
from ecs_gitops.manifest import Manifest
from ecs_gitops.render import Rendered, render
from ecs_gitops.source import of_build, of_checkout

GOOD, WRONG_FILE, WRONG_USAGE = 0, 1, 2
_PROBLEMS_AT_MOST = 100


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Run one command; its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options, os.environ if environment is None else environment))
        sys.stdout.flush()
        return code
    except InvalidManifest as error:
        _complain(error, options.format)
        return WRONG_FILE
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain about it once more at exit.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG_USAGE
    except OSError as error:
        told = f"{error.filename or 'output'}: {error.strerror or error}"
        if options.format == "json":
            _report(options.file, sys.stderr, valid=False, error=told)
        else:
            print(f"ecs-gitops: {told}", file=sys.stderr)
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


def _load(options: argparse.Namespace, environment: Mapping[str, str]) -> tuple[Manifest, Rendered]:
    """The same for every command: what `validate` calls good can be rendered."""
    with options.file.open("rb") as file:
        data = file.read(manifest.MAX_BYTES + 1)
    checked = manifest.load(data, str(options.file))
    return checked, render(checked, of_build(environment) or of_checkout(options.file), str(options.file))


def _validate(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    checked, rendered = _load(options, environment)
    if options.format == "json":
        _report(options.file, sys.stdout, valid=True, warning=rendered.warning)
        return GOOD
    _warn(options.file, rendered)
    services, tasks = len(checked.services), len(checked.tasks)
    print(f"{options.file}: good: {_count(services, 'service')}, {_count(tasks, 'scheduled task')}")
    return GOOD


def _render(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    _, rendered = _load(options, environment)
    if options.output is None:
        sys.stdout.write(rendered.text)
    else:
        _write(options.output, rendered.text)
    if options.format == "json" and rendered.warning:
        _report(options.file, sys.stderr, valid=True, warning=rendered.warning)
    else:
        _warn(options.file, rendered)
    return GOOD


def _write(target: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file. What is no file (``/dev/stdout``) is written to."""
    import tempfile

    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    target = target.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        error.filename = str(target)
        raise
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _schema(_options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    print(json.dumps(manifest.schema(), indent=2))
    return GOOD


def _version(_options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    print(__version__)
    return GOOD


def _complain(error: InvalidManifest, style: str) -> None:
    if style == "json":
        _report(error.file, sys.stderr, valid=False, problems=error.problems)
        return
    print(error, file=sys.stderr)
    print(f"{error.file}: {_count(len(error.problems), 'problem')}; nothing was deployed", file=sys.stderr)


def _warn(file: Path, rendered: Rendered) -> None:
    if rendered.warning:
        print(f"{file}: warning: {rendered.warning}", file=sys.stderr)


def _report(
    file: Path | str,
    stream: TextIO,
    *,
    valid: bool,
    problems: Sequence[manifest.Problem] = (),
    warning: str | None = None,
    error: str | None = None,
) -> None:
    shown = [problem.to_json() for problem in problems[:_PROBLEMS_AT_MOST]]
    told: dict[str, object] = {"file": str(file), "valid": valid, "problems": shown, "total": len(problems)}
    told |= {"warnings": [warning]} if warning else {}
    told |= {"error": error} if error else {}
    print(json.dumps(told), file=stream)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
