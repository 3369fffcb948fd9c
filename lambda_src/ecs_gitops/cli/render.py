"""`ecs-gitops render FILE`: turn a manifest into the state machine's input.

stdout has the input, so that problems and warnings go to stderr, as JSON too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping

from ecs_gitops.cli import files, output
from ecs_gitops.cli.codes import GOOD, WRONG_FILE, WRONG_USAGE
from ecs_gitops.errors import InvalidManifest


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The exit code. Nothing is written where the manifest is wrong."""
    name = files.shown(options.file)
    is_json = options.format == "json"
    paint = output.Paint(sys.stderr, options.color, environment)
    try:
        _, rendered = files.load(options.file, environment)
        if options.output is None:
            sys.stdout.write(rendered.text)
        else:
            files.write(options.output, rendered.text)
    except InvalidManifest as error:
        found = json.dumps(output.result(name, valid=False, found=error.problems)) if is_json else None
        print(found or output.problems(error, paint, "; nothing was written"), file=sys.stderr)
        return WRONG_FILE
    except BrokenPipeError:
        raise
    except OSError as error:
        told = output.failure(error)
        print(
            json.dumps(output.result(name, valid=False, error=told)) if is_json else f"ecs-gitops: {told}",
            file=sys.stderr,
        )
        return WRONG_USAGE
    if rendered.warning:
        told = rendered.warning
        as_json = json.dumps(output.result(name, valid=True, warning=told)) if is_json else None
        print(as_json or output.warning(name, told, paint), file=sys.stderr)
    return GOOD
