"""What Amazon ECS, ECR and EventBridge mean: shapes of services, task definitions, settings, images, targets. Pure."""
