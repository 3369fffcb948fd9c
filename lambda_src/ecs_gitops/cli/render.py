"""`ecs-gitops render FILE`: turn a manifest into the state machine's input.

stdout has the input, so problems and warnings go to stderr, also as JSON. In the pipeline's build an invalid manifest
becomes an input with its problems (:mod:`ecs_gitops.manifest.refused_manifest`), and the exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping

from ecs_gitops.cli import files, output
from ecs_gitops.cli.codes import GOOD, WRONG_FILE, WRONG_USAGE
from ecs_gitops.hosts.codebuild import of_build
from ecs_gitops.manifest import refused_manifest
from ecs_gitops.manifest.execution_input import Rendered
from ecs_gitops.model.errors import InvalidManifest


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The exit code. Outside of a build nothing is written where the manifest is wrong."""
    name = files.shown(options.file)
    is_json = options.format == "json"
    paint = output.Paint(sys.stderr, options.color, environment)
    try:
        rendered = _rendered(options, environment)
        if options.output in (None, files.STDOUT):
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


def _rendered(options: argparse.Namespace, environment: Mapping[str, str]) -> Rendered:
    """In the build, problems are data that the release fails with, and the log has every one of them."""
    build = of_build(environment)
    try:
        return files.load(options.file, environment)[1]
    except InvalidManifest as error:
        if build is None:
            raise
        print(*error.lines, sep="\n", file=sys.stderr)
        number = output.count(len(error.problems), "problem")
        print(f"{error.file}: {number}; the release fails with them, and nothing is deployed", file=sys.stderr)
        return Rendered(refused_manifest.to_text(error, build), None)
