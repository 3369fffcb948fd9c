"""The runs: releases of the real machine and of the fixed-wait one, timed against what ECS itself took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measure import by_action, costs, largest_batch
from bench.world import Execution, World
from playground.stack import CLUSTER

OURS = "ecs-gitops-deploy"
FIXED = "fixed-target"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scale:
    """How long a simulated second takes here, by number of services: the work of the local AWS and of Python takes its
    real time, and is counted as more of the simulated, so that much of it asks for a slower clock."""

    seconds: float

    @classmethod
    def of(cls, services: int) -> Scale:
        return cls(0.1 if services <= 10 else 0.25)


def release(
    world: World,
    machine: str,
    names: Sequence[str],
    rollout: float,
    tell: Tell,
    *,
    changed: bool = True,
    tag: str | None = None,
) -> dict[str, Any]:
    """One release of the services ``names``, whose tasks take ``rollout`` simulated seconds. ``tag`` is the image's;
    by default a new one, or where nothing changes the newest one."""
    count = len(names)
    # Where nothing is waited for, all is this machine's own work, and takes the time that it takes.
    waits = changed or machine.endswith("fixed-wait")
    scale = Scale.of(count).seconds if waits else 1.0
    world.settings(secondSeconds=scale, rolloutSeconds=rollout)
    deployment = world.manifest(names, changed=changed, tag=tag)
    seen = _marks(world)
    done = world.execute(machine, deployment, patience=3600)
    figures = _figures(world, done, seen, scale)
    own = _ecs_own_time(world, names, done) if changed else 0.0
    total = (done.ended - done.began) / scale
    figures |= {
        "services": count,
        "rolloutSeconds": rollout,
        "changed": changed,
        "status": done.status,
        "seconds": round(total, 1),
        "ecsSeconds": round(own, 1),
        "afterEcsSeconds": round(total - own, 1),
        "ratio": round(total / own, 2) if own else None,
        "secondTakes": scale,
    }
    tell(_line(figures))
    return figures


def _marks(world: World) -> tuple[int, int]:
    aws = world.stack.aws
    trace, calls = aws.control("trace?since=0"), aws.control("calls?since=0")
    return len(trace), len(calls)


def _figures(world: World, done: Execution, seen: tuple[int, int], scale: float) -> dict[str, Any]:
    aws = world.stack.aws
    entered = [e for e in aws.control(f"trace?since={seen[0]}") if e["kind"] == "state-entered"]
    mine = [e for e in entered if e["execution"] == done.name]
    calls = aws.control(f"calls?since={seen[1]}")
    history = world.history(done)
    cost = costs(mine, history)
    looks = sum(1 for e in mine if e["state"] in ("ValidateDeploy", "Check"))
    return {
        "transitions": cost.transitions,
        "historyEvents": cost.events,
        "largestPayloadBytes": cost.payload,
        "largestBatchBytes": largest_batch(history),
        "looks": looks,
        "calls": dict(sorted((by_action(calls, OURS) + by_action(calls, FIXED)).items())),
    }


def _ecs_own_time(world: World, names: Sequence[str], done: Execution) -> float:
    """Simulated seconds from the release's start to the last service's steady state, as ECS's own record has it."""
    ecs = world.stack.aws.client("ecs")
    started = world.stack.aws.client("stepfunctions").describe_execution(executionArn=done.arn)["startDate"]
    last = 0.0
    for name in (names[0], names[len(names) // 2], names[-1]):
        found = ecs.list_service_deployments(cluster=CLUSTER, service=name)["serviceDeployments"]
        if found and found[0].get("finishedAt"):
            last = max(last, (found[0]["finishedAt"] - started).total_seconds())
    return last


def _line(figures: dict[str, Any]) -> str:
    what = "changed" if figures["changed"] else "unchanged"
    return (
        f"{figures['services']:>4} {what}, rollout {figures['rolloutSeconds']:g} s: {figures['seconds']:.1f} s, "
        f"{figures['afterEcsSeconds']:.1f} s after ECS; {figures['transitions']} transitions, "
        f"{figures['historyEvents']} events, {figures['largestPayloadBytes']:,} bytes, {figures['status']}"
    )


def broken(world: World, machine: str, tell: Tell, on_failure: str, among: int = 1) -> dict[str, Any]:
    """Simulated seconds from ECS giving a broken image up to the first notice, and to the end of the execution. The
    broken one is the fifth of ``among`` changed services, which are begun at the pace that ECS allows."""
    names = world.services(among)
    name = names[min(4, among - 1)]
    # The fixed waits are long, and nothing is worked on in them.
    scale = 0.05 if machine.endswith("fixed-wait") else 0.25
    deployment = world.manifest(names, changed=True) | {"onFailure": on_failure}
    for each in deployment["services"]:
        if each["serviceName"] == name:
            # A tag of its own: what failed before is judged again, and not rolled out.
            each["image"] = f"app:broken-{on_failure.split()[0]}-{among}"
    seen = _marks(world)
    world.settings(secondSeconds=scale, rolloutSeconds=60.0, ecsBuckets=among > 1)
    try:
        done = world.execute(machine, deployment, patience=900)
    finally:
        world.settings(ecsBuckets=False, secondSeconds=scale)
    aws = world.stack.aws
    records = aws.client("ecs").list_service_deployments(cluster=CLUSTER, service=name)["serviceDeployments"]
    started = aws.client("stepfunctions").describe_execution(executionArn=done.arn)["startDate"]
    gave_up = min(r["finishedAt"] for r in records if r["status"] == "STOPPED" and r["finishedAt"] > started)
    trace = aws.control(f"trace?since={seen[0]}")
    notices = [e["at"] for e in trace if e.get("state") in ("NotifyFailing", "NotifyFailure")]
    after = (gave_up - started).total_seconds()
    figures = {
        "services": among,
        "onFailure": on_failure,
        "gaveUpAfterSeconds": round(after, 1),
        "noticeAfterGivingUpSeconds": round((min([*notices, done.ended]) - done.began) / scale - after, 1),
        "endAfterGivingUpSeconds": round((done.ended - done.began) / scale - after, 1),
    }
    tell(
        f"broken image among {among}, onFailure {on_failure}: notice {figures['noticeAfterGivingUpSeconds']} s and end "
        f"{figures['endAfterGivingUpSeconds']} s after ECS gave up, {after:.1f} s after the start"
    )
    return figures


def throttled(world: World, machine: str, count: int, tell: Tell) -> dict[str, Any]:
    """A release of ``count`` changed services under ECS's published buckets, against the floor that they set."""
    names = world.services(count)
    scale, rollout = 0.25, 10.0
    world.settings(secondSeconds=scale, rolloutSeconds=rollout)
    deployment = world.manifest(names, changed=True)
    seen = _marks(world)
    world.settings(ecsBuckets=True, secondSeconds=scale)
    try:
        done = world.execute(machine, deployment, patience=3600)
    finally:
        world.settings(ecsBuckets=False, secondSeconds=scale)
    calls = world.stack.aws.control(f"calls?since={seen[1]}")
    floor = max(0.0, count - 20) / 1.0
    total = (done.ended - done.began) / scale
    figures = {
        "services": count,
        "status": done.status,
        "seconds": round(total, 1),
        "floorSeconds": floor,
        "rolloutSeconds": rollout,
        "overFloorAndRollout": round(total / (floor + rollout), 3),
        "overFloor": round(total / floor, 3),
        "throttledCalls": sum(1 for entry in calls if "throttled" in entry[4:]),
        "secondTakes": scale,
    }
    tell(
        f"{count} changed under the buckets: {figures['seconds']} s, floor {floor:g} s, "
        f"{figures['throttledCalls']} throttled calls, {done.status}"
    )
    return figures


def invocations(world: World, machine: str, tell: Tell) -> dict[str, Any]:
    """Milliseconds of an invocation of InitConfig, cold and warm, on the local AWS."""
    import json
    import time

    lambdas = world.stack.aws.client("lambda")
    # An invocation that fails would cost the sandbox.
    run = {"id": f"{machine}:bench", "name": "bench", "startTime": "2026-11-24T10:00:00Z"}
    event = {"deployment": world.manifest(["bench-0000"], changed=False), "execution": run}
    taken = []
    for _ in range(6):
        began = time.perf_counter()
        answer = lambdas.invoke(FunctionName="ecs-gitops-init-config", Payload=json.dumps(event))
        if "FunctionError" in answer:
            raise RuntimeError(answer["Payload"].read().decode())
        taken.append(round((time.perf_counter() - began) * 1000, 1))
    # There is no such execution: without this, the releases after it would take it for one that may run.
    world.stack.aws.client("s3").delete_object(Bucket=world.stack.outputs["ledger_bucket_name"], Key="running.json")
    figures = {"coldMs": taken[0], "warmMs": sorted(taken[1:])[2]}
    tell(f"invocation of InitConfig: {figures['coldMs']} ms cold, {figures['warmMs']} ms warm")
    return figures
