"""An account for the model of what releases remember: images have digests, and everything that happens is recorded.

What an image does depends on its digest, as tags may move: see :data:`WORDS`. Who deploys is in :attr:`Account.actor`.
"""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecs_gitops.model.errors import AwsRefused
from unit.fake_ecs import ROLLOUT
from unit.faulty import FaultyEcs

REGISTRY = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
HAND, FIRST = "somebody", "first"
# ``bad``: the circuit breaker gives the deployment up, where there is one. ``never``: it hangs.
WORDS = ("good", "bad", "never")
_TICK = 5.0
_WRITES = (
    "update_service",
    "stop_service_deployment",
    "register_task_definition",
    "run_task",
    "put_targets",
    "update_schedule",
)


@dataclass(frozen=True, slots=True)
class State:
    """What a service runs at a moment. ``digests`` are those that ECS resolved when its deployment began."""

    revision: str
    images: Mapping[str, str]
    digests: Mapping[str, str]
    settings: Mapping[str, Any]
    is_settled: bool
    deployment: str


class Account(FaultyEcs):
    """``has_intent`` says whether the one who deploys wrote that down. ``on_call`` is called before and after each
    call, with whether its effect took place, and ``on_time`` whenever the clock goes on."""

    def __init__(self) -> None:
        self._now = self._ticked = 0.0
        self.on_call: Callable[[str, bool], None] = lambda name, done: None
        self.on_time: Callable[[], None] | None = None
        super().__init__()
        self.actor = HAND
        self.has_intent: Callable[[str], bool] = lambda service: True
        self.words: dict[str, str] = {}
        self.written: list[tuple[float, str, str, Mapping[str, Any]]] = []
        self.writes: Counter[str] = Counter()
        self.refused: set[str] = set()

    # --- time --------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return self._now

    @now.setter
    def now(self, moment: float) -> None:
        while self.on_time is not None and moment - self._ticked >= _TICK:
            self._ticked += _TICK
            self._now = max(self._now, self._ticked)
            self.on_time()
        self._now = max(self._now, moment)
        if self.on_time is None:
            self._ticked = self._now

    # --- what a world is made of -------------------------------------------------------------------------------------

    def push(self, name: str, tag: str, word: str) -> str:
        """Somebody pushes an image: from now on the tag names it."""
        key = f"{name}:{tag}"
        digest = "sha256:" + hashlib.sha256(f"{key} {len(self.words)}".encode()).hexdigest()
        self.registry[key], self.words[digest] = digest, word
        return digest

    def serve(self, name: str, task_definition: str, desired: int = 1, **more: Any) -> None:
        super().serve(name, task_definition, desired, **more)
        live = self.services[name]
        self._record(live, "SUCCESSFUL")

    def settle_down(self, service: str, members: Mapping[str, Any]) -> None:
        """Somebody writes these members of the settings by hand. Those alone are somebody's: what else is live may be
        what a release wrote."""
        self.services[service]["deploymentConfiguration"] |= copy.deepcopy(dict(members))
        self.written.append((self.now, HAND, service, copy.deepcopy(dict(members))))
        self._remember()

    # --- what stands -------------------------------------------------------------------------------------------------

    def state(self, name: str) -> State:
        self._go_on()
        service = self.services[name]
        primary, record = service["deployments"][0], self._newest(name)
        is_over = record["status"] in ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "STOPPED")
        is_up = primary.get("rolloutState", "COMPLETED") == "COMPLETED" and primary["runningCount"] > 0
        return State(
            primary["taskDefinition"].rsplit("/", 1)[-1],
            self.images(name),
            self._digests_of(primary),
            copy.deepcopy(service["deploymentConfiguration"]),
            is_over and is_up and len(service["deployments"]) == 1,
            primary["id"],
        )

    def _digests_of(self, deployment: Mapping[str, Any]) -> Mapping[str, str]:
        found = next((r for r in self.records if r["deployment"] == deployment["id"]), None)
        return dict(found["digests"]) if found is not None else {}

    # --- what ECS does -----------------------------------------------------------------------------------------------

    def update_service(self, cluster: str, service: str, *more: Any, **options: Any) -> dict[str, Any]:
        configuration, began = options.get("configuration", more[1] if len(more) > 1 else None), self.now
        before = copy.deepcopy(self.services[service]["deploymentConfiguration"])
        try:
            return super().update_service(cluster, service, *more, **options)
        finally:
            after = self.services[service]["deploymentConfiguration"]
            if configuration is not None and after != before:
                self.written.append((began, self.actor, service, copy.deepcopy(after)))
                self._remember()

    def _start(self, live: dict[str, Any], task_definition: str) -> None:
        super()._start(live, task_definition)
        self._resolve_images(live, self.records[-1])
        self._remember()

    def _record(self, live: dict[str, Any], status: str) -> None:
        name, started = live["serviceName"], live["deployments"][0]
        number = started["id"].rsplit("/", 1)[-1]
        arn = f"arn:aws:ecs:us-west-2:111111111111:service-revision/shop/{name}/{number}"
        self.revisions[arn] = {"serviceRevisionArn": arn, "taskDefinition": live["taskDefinition"]}
        self.records.append(
            {
                "serviceDeploymentArn": f"arn:aws:ecs:us-west-2:111111111111:service-deployment/shop/{name}/first",
                "service": name,
                "deployment": started["id"],
                "targetServiceRevisionArn": arn,
                "status": status,
                "createdAt": self.now - 10_000,
                "deploymentConfiguration": dict(live["deploymentConfiguration"]),
            }
        )
        self._resolve_images(live, self.records[-1])
        self.records[-1]["by"] = FIRST

    def _resolve_images(self, live: dict[str, Any], record: dict[str, Any]) -> None:
        digests = {}
        for container, image in self.images(live["serviceName"]).items():
            _, _, pinned = image.partition("@")
            digests[container] = pinned or self.registry.get(image.rpartition("/")[2], "")
        has_intent = self.has_intent(live["serviceName"])
        record |= {
            "digests": digests,
            "by": self.actor,
            "hasIntent": has_intent,
            "taskDefinition": live["taskDefinition"].rsplit("/", 1)[-1],
        }
        arn = record["targetServiceRevisionArn"]
        self.revisions[arn]["containerImages"] = [
            {"containerName": name, "imageDigest": digest} for name, digest in digests.items()
        ]
        live["deployments"][0]["serviceRevision"] = arn

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[dict[str, Any]]:
        found = super().describe_services(cluster, names)
        for each in found:
            arns = [d["serviceRevision"] for d in each["deployments"] if "serviceRevision" in d]
            each["currentServiceRevisions"] = [{"arn": arn} for arn in arns]
        return found

    def _service(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        before = record["status"]
        self._go_on_with(service, record)
        if record["status"] != before:
            record["changedAt"] = self.now

    def _go_on_with(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        words = {self.words.get(digest, "good") for digest in record["digests"].values()}
        is_up = self.now - record["createdAt"] >= ROLLOUT
        if record["status"] in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
            self._return(service, record)
        elif record["status"] != "IN_PROGRESS" or service["deployments"][0]["id"] != record["deployment"]:
            return
        elif is_up and "bad" in words:
            self._fail(service, record)
        elif is_up and "never" not in words and not self._is_paused(service, record):
            self._bake(service, record)

    def _fail(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        super()._fail(service, record)
        if record["status"] != "IN_PROGRESS":
            record["deploymentCircuitBreaker"] = {"status": "TRIGGERED"}

    def _return(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        """ECS goes back to the last deployment that came up."""
        mine = [r["deployment"] for r in self.records if r["service"] == service["serviceName"]]
        last = [each for each in mine if self._status(each) == "SUCCESSFUL"][-1]
        service["deployments"].sort(key=lambda each: (each["status"] != "PRIMARY", each["id"] == last))
        super()._return(service, record)

    def _status(self, deployment: str) -> str:
        return str(next((r["status"] for r in self.records if r["deployment"] == deployment), ""))

    # --- calls -------------------------------------------------------------------------------------------------------

    def _called(self, name: str) -> None:
        self.on_call(name, False)
        self.writes[self.actor] += name in _WRITES
        if name in self.refused:
            raise AwsRefused(name, "AccessDeniedException", "no")
        super()._called(name)

    def _done(self, name: str) -> None:
        self.on_call(name, True)
        super()._done(name)


def image(name: str, tag: str) -> str:
    return f"{REGISTRY}/{name}:{tag}"


def sidecar(name: str) -> str:
    """The second container of a service, and its repository."""
    return f"{name}-side"


def old_tag(name: str) -> str:
    """The tag with which versions before the ledger marked a revision that failed and was left."""
    return f"ecs-gitops:failed-{hashlib.sha256(f'service shop/{name}'.encode()).hexdigest()[:16]}"
