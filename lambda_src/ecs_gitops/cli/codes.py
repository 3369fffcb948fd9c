"""Exit codes; scripts read them."""

GOOD, WRONG_FILE, WRONG_USAGE = 0, 1, 2
