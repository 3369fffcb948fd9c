"""What the scenes of ``make demo`` share: the world that they are played on, and what they expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground import output
from playground.output import Unexpected, console
from playground.stack import CLUSTER, RULE, SERVICES, Clone, Stack


@dataclass(frozen=True, slots=True)
class World:
    """What the scenes are played on."""

    stack: Stack
    clone: Clone
    queue: str

    def release(self, text: str, subject: str) -> tuple[str, dict[str, Any]]:
        """Push a manifest and follow its release; the pipeline's status and the result."""
        output.push(text, subject)
        self.clone.push(text, subject)
        status, result = output.follow(self.stack, self.queue)
        output.items(result)
        return status, result


@dataclass(frozen=True, slots=True)
class Scene:
    """``proves`` is what is shown to be true when ``play`` comes to its end."""

    title: str
    why: str
    proves: str
    play: Callable[[World], None]


def expect(status: str, result: dict[str, Any], pipeline: str, **items: str) -> None:
    got = {item["name"]: item["status"] for item in result["items"]}
    if status != pipeline or got != items:
        raise Unexpected(f"pipeline {status}, {got}; it should be {pipeline}, {items}")


def running(stack: Stack) -> dict[str, Any]:
    """What each service and the scheduled task run, and with which settings."""
    ecs = stack.aws.client("ecs")
    services = ecs.describe_services(cluster=CLUSTER, services=list(SERVICES))["services"]
    live = {s["serviceName"]: (s["taskDefinition"], s["desiredCount"], s["deploymentConfiguration"]) for s in services}
    targets = stack.aws.client("events").list_targets_by_rule(Rule=RULE)["Targets"]
    return {**live, RULE: targets}


def unchanged(before: dict[str, Any], after: dict[str, Any]) -> None:
    different = [name for name in before if before[name] != after[name]]
    if different:
        raise Unexpected(f"changed: {', '.join(different)}")
    shown = ", ".join(f"{name} {after[name][0].rsplit('/', 1)[-1]}" for name in SERVICES)
    console.print(f"  as it was before, settings included: {shown}, {RULE}")
