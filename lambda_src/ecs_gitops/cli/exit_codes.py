"""Exit codes. Scripts depend on them.

`plan` and `init` have those that people know of plans: 2 means changes there, so wrong usage is 64 (EX_USAGE)."""

OK, INVALID_FILE, USAGE_ERROR = 0, 1, 2
CHANGES, WRONG_USAGE = 2, 64
# 128 and the number of SIGINT, as shells have it.
INTERRUPTED = 130
