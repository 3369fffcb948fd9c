"""ECS: services and their deployments, task definitions, tasks, and the engine that plays containers."""
