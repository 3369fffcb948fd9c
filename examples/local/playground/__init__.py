"""The whole of ecs-gitops on one machine: the module applied to a local AWS, for the demo, by hand, and for tests."""
