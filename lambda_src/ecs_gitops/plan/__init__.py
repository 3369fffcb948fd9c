"""Desired and live state compared: what has to change, and what speaks against it. Pure."""
