"""Parse the arguments and run the command."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NoReturn

from ecs_gitops import __version__, manifest
from ecs_gitops.cli import completion, init, output, plan, render, review, validate
from ecs_gitops.cli.exit_codes import INTERRUPTED, INVALID_FILE, OK, USAGE_ERROR, WRONG_USAGE
from ecs_gitops.model import sanitize

__all__ = ["INVALID_FILE", "OK", "USAGE_ERROR", "main"]


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Run one command and return its exit code."""
    _open_missing_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments, argparse.Namespace(parser=parser))
    if unknown:
        parser.usage_code = options.usage_code
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    # Where 2 means changes, output that cannot be written must not look like them.
    failed = INVALID_FILE if options.usage_code == WRONG_USAGE else USAGE_ERROR
    if sys.stdout is None:
        print("ecs-gitops: output: stdout is closed", file=sys.stderr)
        return failed
    try:
        code = int(options.run(options, os.environ if environment is None else environment))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader of our output, such as `head`, has closed it. Without this, Python would report it again at exit.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failed
    except OSError as error:
        print(f"ecs-gitops: {output.failure(error)}", file=sys.stderr)
        return failed
    except KeyboardInterrupt:
        print("ecs-gitops: interrupted", file=sys.stderr)
        return INTERRUPTED


def _open_missing_streams() -> None:
    """A closed stdin or stderr (``<&-``) is replaced by an empty one."""
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as long as the program runs
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - likewise


class _Parser(argparse.ArgumentParser):
    """A parser whose errors escape control characters: a shell may fill in any file name."""

    usage_code = USAGE_ERROR

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(self.usage_code, f"{self.prog}: error: {sanitize.escaped(message)}\n")


def _parser() -> _Parser:
    parser = _Parser(prog="ecs-gitops", description="Import, check, preview and render manifests for ecs-gitops.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_color(parser, output.AUTO)
    parser.set_defaults(usage_code=USAGE_ERROR)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checks = _Parser(add_help=False)
    checks.add_argument("--format", choices=("text", "json"), default="text", help="how results are written")
    # Without a default here, so that the option also works before the command.
    _add_color(checks, argparse.SUPPRESS)

    command = commands.add_parser("validate", parents=[checks], help="report every problem of manifests")
    _add_file(command, "file", "a manifest, usually deployment.yaml; - for stdin", nargs="+")
    command.set_defaults(run=validate.run)
    command = commands.add_parser("render", parents=[checks], help="turn a manifest into the state machine's input")
    _add_file(command, "file", "the manifest, usually deployment.yaml; - for stdin")
    _add_file(command, "-o", "where to write it; stdout when absent or -", "--output")
    text = "where to write an input that is too large for an execution; the output then points to it"
    command.add_argument("--large", metavar="FILE", type=Path, help=text)
    command.set_defaults(run=render.run)
    command = commands.add_parser("plan", help="show what a push of the manifest would do; it only reads")
    vars(command)["usage_code"] = WRONG_USAGE
    _add_color(command, argparse.SUPPRESS)
    text = "the manifest; deployment.yaml when absent; - for stdin"
    command.add_argument("file", metavar="FILE", type=Path, nargs="?", default=Path("deployment.yaml"), help=text)
    plan.add_arguments(command)
    command.set_defaults(run=plan.run, usage_code=WRONG_USAGE)
    command = commands.add_parser("review", help="plan pull requests; what the build of modules/plan runs")
    command.set_defaults(run=review.run, usage_code=WRONG_USAGE)
    command = commands.add_parser("init", help="write the manifest of what is live; it only reads AWS")
    vars(command)["usage_code"] = WRONG_USAGE
    _add_color(command, argparse.SUPPRESS)
    init.add_arguments(command)
    command.set_defaults(run=init.run, usage_code=WRONG_USAGE)
    command = commands.add_parser("schema", help="print the manifest's JSON Schema, for editors")
    command.set_defaults(run=_schema)
    command = commands.add_parser("version", help="print the version")
    command.set_defaults(run=_version)
    command = commands.add_parser("completion", help="print the completions for a shell")
    command.add_argument("shell", choices=completion.SHELLS, help="the shell")
    command.set_defaults(run=completion.run)
    return parser


def _add_color(parser: argparse.ArgumentParser, default: str) -> None:
    text = "colours in the output for people; auto: on a terminal, unless NO_COLOR is set"
    parser.add_argument("--color", choices=output.COLORS, default=default, help=text)


def _add_file(
    parser: argparse.ArgumentParser, name: str, text: str, *names: str, nargs: Literal["+"] | None = None
) -> None:
    parser.add_argument(name, *names, metavar="FILE", type=Path, nargs=nargs, help=text)


def _schema(_options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    print(json.dumps(manifest.schema(), indent=2))
    return OK


def _version(_options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    print(__version__)
    return OK
