"""`ecs-gitops validate FILE...`: say everything that is wrong with manifests.

With `--format json` stdout has one JSON document, good or bad: the result of the file
(:func:`ecs_gitops.cli.output.result`), or with several files ``valid`` and ``files``, a list of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from ecs_gitops.cli import files, output
from ecs_gitops.cli.codes import GOOD, WRONG_FILE, WRONG_USAGE
from ecs_gitops.cli.output import Paint, count
from ecs_gitops.model.errors import InvalidManifest


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The exit code: the worst of all files'."""
    if options.file.count(files.STDIN) > 1:
        print("ecs-gitops: - is named more than once, and stdin can be read once", file=sys.stderr)
        return WRONG_USAGE
    check = _as_json if options.format == "json" else _as_text
    return check(options, environment)


def _as_json(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    codes, results = [], []
    for file in options.file:
        name = files.shown(file)
        try:
            _, rendered = files.load(file, environment)
            codes.append(GOOD)
            results.append(output.result(name, valid=True, warning=rendered.warning))
        except InvalidManifest as error:
            codes.append(WRONG_FILE)
            results.append(output.result(name, valid=False, found=error.problems))
        except OSError as error:
            codes.append(WRONG_USAGE)
            results.append(output.result(name, valid=False, error=output.failure(error)))
    several = {"valid": max(codes) == GOOD, "files": results}
    print(json.dumps(results[0] if len(results) == 1 else several))
    return max(codes)


def _as_text(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    return max(_one(file, options, environment) for file in options.file)


def _one(file: Path, options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    good, bad = (Paint(stream, options.color, environment) for stream in (sys.stdout, sys.stderr))
    name = files.shown(file)
    try:
        checked, rendered = files.load(file, environment)
    except InvalidManifest as error:
        print(output.problems(error, bad), file=sys.stderr)
        return WRONG_FILE
    except OSError as error:
        print(f"ecs-gitops: {output.failure(error)}", file=sys.stderr)
        return WRONG_USAGE
    if rendered.warning:
        print(output.warning(name, rendered.warning, bad), file=sys.stderr)
    items = f"{count(len(checked.services), 'service')}, {count(len(checked.tasks), 'scheduled task')}"
    print(f"{name}: {good('good', 'green')}: {items}")
    return GOOD
