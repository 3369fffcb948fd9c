"""The command line: ``ecs-gitops init|validate|plan|render|…``, also as ``python -m ecs_gitops``.

Exit code 0: success. 1: a file is invalid. 2: wrong usage, or a file that cannot be read or written. Results go to
stdout, problems and warnings to stderr. :mod:`ecs_gitops.cli.program` parses the arguments; each command has a module.
"""

from ecs_gitops.cli.program import INVALID_FILE, OK, USAGE_ERROR, main

__all__ = ["INVALID_FILE", "OK", "USAGE_ERROR", "main"]
