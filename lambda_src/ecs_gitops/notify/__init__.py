"""Messages to people and metrics, as data: sending them is not done here. Pure."""
