"""`ecs-gitops validate FILE...`: report every problem of manifests.

With `--format json` stdout always has one JSON document: the result of the file
(:func:`ecs_gitops.cli.output.result`), or with several files ``valid`` and ``files``, a list of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from ecs_gitops.cli import files, output
from ecs_gitops.cli.exit_codes import INVALID_FILE, OK, USAGE_ERROR
from ecs_gitops.cli.output import Paint, count
from ecs_gitops.model.errors import InvalidManifest


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The highest exit code of all files."""
    if options.file.count(files.STDIN) > 1:
        print("ecs-gitops: - is given more than once, but stdin can be read once", file=sys.stderr)
        return USAGE_ERROR
    check = _as_json if options.format == "json" else _as_text
    return check(options, environment)


def _as_json(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    codes, results = [], []
    for file in options.file:
        name = files.display_name(file)
        try:
            _, rendered = files.load(file, environment)
            codes.append(OK)
            results.append(output.result(name, valid=True, warning=rendered.warning))
        except InvalidManifest as error:
            codes.append(INVALID_FILE)
            results.append(output.result(name, valid=False, found=error.problems))
        except OSError as error:
            codes.append(USAGE_ERROR)
            results.append(output.result(name, valid=False, error=output.failure(error)))
    several = {"valid": max(codes) == OK, "files": results}
    print(json.dumps(results[0] if len(results) == 1 else several))
    return max(codes)


def _as_text(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    return max(_one(file, options, environment) for file in options.file)


def _one(file: Path, options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    good, bad = (Paint(stream, options.color, environment) for stream in (sys.stdout, sys.stderr))
    name = files.display_name(file)
    try:
        checked, rendered = files.load(file, environment)
    except InvalidManifest as error:
        print(output.problems(error, bad), file=sys.stderr)
        return INVALID_FILE
    except OSError as error:
        print(f"ecs-gitops: {output.failure(error)}", file=sys.stderr)
        return USAGE_ERROR
    if rendered.warning:
        print(output.warning(name, rendered.warning, bad), file=sys.stderr)
    items = f"{count(len(checked.services), 'service')}, {count(len(checked.tasks), 'scheduled task')}"
    print(f"{name}: {good('good', 'green')}: {items}")
    return OK
