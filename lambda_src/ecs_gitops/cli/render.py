"""`ecs-gitops render FILE`: turn a manifest into the state machine's input.

stdout has the input, so problems and warnings go to stderr, also as JSON. In the pipeline's build an invalid manifest
becomes an input with its problems (:mod:`ecs_gitops.manifest.refused_manifest`), and the exit code is 0.

With `--large FILE`, an input that is too large for an execution is written to FILE, and deployment.json points to where
the ledger is to have it (:mod:`ecs_gitops.manifest.stored_input`). The pipeline's build puts it there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping

from ecs_gitops.cli import files, output
from ecs_gitops.cli.exit_codes import INVALID_FILE, OK, USAGE_ERROR
from ecs_gitops.hosts.codebuild import build_source
from ecs_gitops.manifest import refused_manifest
from ecs_gitops.manifest.execution_input import Rendered, not_stored
from ecs_gitops.model.errors import InvalidManifest


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The exit code. Outside a build an invalid manifest writes nothing."""
    name = files.display_name(options.file)
    is_json = options.format == "json"
    paint = output.Paint(sys.stderr, options.color, environment)
    try:
        rendered = _rendered(options, environment)
        if rendered.large is not None:
            files.write(options.large, rendered.large)
        if options.output in (None, files.STDOUT):
            sys.stdout.write(rendered.text)
        else:
            files.write(options.output, rendered.text)
    except InvalidManifest as error:
        as_json = json.dumps(output.result(name, valid=False, found=error.problems)) if is_json else None
        print(as_json or output.problems(error, paint, "; nothing was written"), file=sys.stderr)
        return INVALID_FILE
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = output.failure(error)
        as_json = json.dumps(output.result(name, valid=False, error=reason)) if is_json else None
        print(as_json or f"ecs-gitops: {reason}", file=sys.stderr)
        return USAGE_ERROR
    if rendered.warning:
        as_json = json.dumps(output.result(name, valid=True, warning=rendered.warning)) if is_json else None
        print(as_json or output.warning(name, rendered.warning, paint), file=sys.stderr)
    return OK


def _rendered(options: argparse.Namespace, environment: Mapping[str, str]) -> Rendered:
    """In the build, problems become data, so that the release fails with them; the build's log has them all."""
    build = build_source(environment)
    try:
        rendered = files.load(options.file, environment)[1]
        if rendered.stored is not None and options.large is None:
            raise not_stored(files.display_name(options.file), rendered.stored.size)
        return rendered
    except InvalidManifest as error:
        if build is None:
            raise
        print(*error.lines, sep="\n", file=sys.stderr)
        number = output.count(len(error.problems), "problem")
        print(f"{error.file}: {number}; the release fails with them, and nothing is deployed", file=sys.stderr)
        return Rendered(refused_manifest.to_text(error, build), None)
