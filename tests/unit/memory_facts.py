"""What is known of the pushes of a story, from outside: no event of the state machine is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unit.memory_account import Account, State
from unit.memory_story import Act, Push


@dataclass(frozen=True, slots=True)
class Done:
    """An act that took place. ``revision`` and ``deployment`` are what it deployed."""

    act: Act
    at: float
    revision: str = ""
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment of a service, as ECS knew it at a moment. ``has_given_up``: the circuit breaker ended it.
    ``has_intent``: the release wrote before that it would. ``changed``: when its status changed the last time."""

    service: str
    revision: str
    deployment: str
    by: str
    at: float
    status: str
    has_given_up: bool
    digests: Mapping[str, str]
    has_intent: bool = True
    changed: float = 0.0


@dataclass(frozen=True, slots=True)
class Checked:
    """A task of a hook. ``passed`` is None where it is not known."""

    revision: str
    hook: str
    at: float
    passed: bool | None


@dataclass(slots=True)
class Facts:
    """What is known of one push. ``report`` is None where the execution came to no report. ``between``: acts since the
    push before; ``during``: acts in it. ``writes``: how many calls that change something it made. ``seen`` are the
    deployments when it began, ``deployed`` those when it ended. ``settings``: all settings that anybody wrote until the
    end of the story, with when, who and where: all of them where a release wrote, the members where somebody did.
    ``remembered``: when the memory was written since it began, and by whom."""

    number: int
    name: str
    push: Push
    began: float
    before: Mapping[str, State]
    memory_before: Mapping[str, Any] | None
    between: list[Done]
    during: list[Done] = field(default_factory=list)
    report: Mapping[str, Any] | None = None
    after: Mapping[str, State] = field(default_factory=dict)
    memory_after: Mapping[str, Any] | None = None
    ended: float = 0.0
    writes: int = 0
    calls: int = 0
    reached: set[int] = field(default_factory=set)
    was_aborted: bool = False
    rivals: list[Facts] = field(default_factory=list)
    alone: bool = True
    registry: Mapping[str, str] = field(default_factory=dict)
    seen: list[Deployed] = field(default_factory=list)
    deployed: list[Deployed] = field(default_factory=list)
    remembered: list[tuple[float, str]] = field(default_factory=list)
    settings: list[tuple[float, str, str, Mapping[str, Any]]] = field(default_factory=list)
    checked: list[Checked] = field(default_factory=list)
    took_over: float | None = None
    written: tuple[int, int] = (0, 0)
    stale: float = 0.0
    slow: float = 0.0
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.report["result"]["items"]} if self.report is not None else {}

    @property
    def asked(self) -> dict[str, dict[str, Any]]:
        return {each["serviceName"]: each for each in self.push.manifest["services"]}


def deployments(account: Account) -> list[Deployed]:
    """All deployments until now, the oldest first."""
    return [
        Deployed(
            record["service"],
            record["taskDefinition"],
            record["deployment"],
            record["by"],
            record["createdAt"],
            record["status"],
            "deploymentCircuitBreaker" in record,
            dict(record["digests"]),
            bool(record["hasIntent"]),
            record.get("changedAt", record["createdAt"]),
        )
        for record in account.records
    ]


def checks(account: Account) -> list[Checked]:
    """All tasks of hooks until now, the oldest first."""
    found = []
    for task in account.tasks.values():
        hook = task["request"]["overrides"]["containerOverrides"][0]["command"][0]
        code = task["containers"][0].get("exitCode")
        revision = task["request"]["taskDefinition"].rsplit("/", 1)[-1]
        found.append(Checked(revision, hook, task["createdAt"], None if code is None else code == 0))
    return found
