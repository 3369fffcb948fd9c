"""Desired and live state compared: what has to change, and what the checks found. Pure.

For other programs, what stays as it is:

- :func:`ecs_gitops.plan.services.plan_service` and :func:`ecs_gitops.plan.triggers.plan_trigger`: the plan of one item.
- :class:`ecs_gitops.plan.preview.ReleasePlan`: the plan of a release, as `ecs-gitops plan` makes it. Reading is not
  pure: :func:`ecs_gitops.release.preview.preview` does it.
- :func:`ecs_gitops.plan.diff.diff`: the differences of two normal forms (:mod:`ecs_gitops.ecs.normal_task_definition`,
  :mod:`ecs_gitops.ecs.normal_service`), :func:`ecs_gitops.plan.diff.redacted`, which takes values away that may be
  secret, and :func:`ecs_gitops.plan.diff.lines` for people.
"""
