"""The four Lambda handlers: each parses its event, calls the package and returns plain data."""
