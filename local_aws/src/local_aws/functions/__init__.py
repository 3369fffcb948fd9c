"""Lambda: how a function runs and reports, the clock that it lives by, and the faults that it meets."""
