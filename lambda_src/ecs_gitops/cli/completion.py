"""`ecs-gitops completion SHELL`: print a shell script that completes commands, options and files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ecs_gitops.cli.exit_codes import OK, USAGE_ERROR

SHELLS = ("bash", "zsh", "fish", "tcsh")


def run(options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    """The exit code; 2 if the library for completions is not installed, as in the Lambda layer."""
    try:
        import shtab
    except ImportError:
        print("ecs-gitops: completion needs the package shtab: pip install shtab", file=sys.stderr)
        return USAGE_ERROR
    parser: argparse.ArgumentParser = options.parser
    for action in _actions(parser):
        if action.type is Path:
            vars(action)["complete"] = shtab.FILE
    print(shtab.complete(parser, options.shell))
    return OK


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All options, also those of the commands. argparse has no public list; shtab reads the same private one."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
