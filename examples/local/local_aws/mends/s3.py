"""Not yet."""


def apply() -> None:
    """Nothing."""
