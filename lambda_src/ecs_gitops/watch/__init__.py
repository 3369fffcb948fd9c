"""Watch deployments and hooks until they are done."""
