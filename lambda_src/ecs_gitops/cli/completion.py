"""`ecs-gitops completion SHELL`: print what makes a shell complete commands, options and files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ecs_gitops.cli.codes import GOOD, WRONG_USAGE

SHELLS = ("bash", "zsh", "fish", "tcsh")


def run(options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    """The exit code; 2 where the library that makes completions is not installed, as in the Lambda layer."""
    try:
        import shtab
    except ImportError:
        print("ecs-gitops: completion needs the package shtab: pip install shtab", file=sys.stderr)
        return WRONG_USAGE
    parser: argparse.ArgumentParser = options.parser
    for action in _actions(parser):
        if action.type is Path:
            vars(action)["complete"] = shtab.FILE
    print(shtab.complete(parser, options.shell))
    return GOOD


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Those of the commands too. argparse has no public list of them; shtab reads the same one."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
