"""Exit codes. Scripts depend on them."""

OK, INVALID_FILE, USAGE_ERROR = 0, 1, 2
