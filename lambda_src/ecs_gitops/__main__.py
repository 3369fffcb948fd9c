"""``python -m ecs_gitops`` is the command line."""

import sys

from ecs_gitops.cli import main

sys.exit(main())
