"""GitOps for Amazon ECS: services and scheduled tasks on existing clusters follow Git."""

__version__ = "0.1.0"
