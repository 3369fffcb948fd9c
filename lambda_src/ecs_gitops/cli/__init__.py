"""The command line: ``ecs-gitops validate|render|schema|version|completion``, also as ``python -m ecs_gitops``.

Exit code 0: good. 1: a file is wrong. 2: wrong usage, which includes a file that cannot be read or written. Results go
to stdout, problems and warnings to stderr. One file a command; :mod:`ecs_gitops.cli.program` chooses.
"""

from ecs_gitops.cli.program import GOOD, WRONG_FILE, WRONG_USAGE, main

__all__ = ["GOOD", "WRONG_FILE", "WRONG_USAGE", "main"]
