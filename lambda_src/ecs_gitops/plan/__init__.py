"""Desired and live state compared: what has to change, and what the checks found. Pure."""
