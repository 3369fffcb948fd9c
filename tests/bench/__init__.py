"""The benchmark: what a release costs, and how long it takes beside ECS's own time. Not a test; `make bench`."""
