"""The files, events and objects of the ledger that cost most for their size, each with what comes of it.

``PYTHONPATH=lambda_src:tests python -m worst_cases manifests small`` (or ``events``) judges them in a process of
bounded memory and prints, as JSON by name: its result, the seconds of CPU time, and the process's peak so far in MiB.
With ``all`` in place of ``small``, as in `make fuzz`, the largest are among them, and what is wrong is printed.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeAlias

import hostile
from ecs_gitops import manifest
from ecs_gitops.manifest.stored_input import StoredInput
from ecs_gitops.model.pointer import SCHEMA_VERSION
from unit.fake_aws import ACCOUNT, REGION

_ITEM = {"service": "w", "clusterName": "c", "image": "i"}
RELEASE = {"executionArn": hostile.EXECUTION["id"], "executionName": "run-1", "startedAt": 1.0}
_LARGEST = manifest.MAX_BYTES
# An event, and the ledger's objects then.
Given: TypeAlias = tuple[dict[str, Any], dict[str, bytes]]
# By name: reported, seconds, peak.
Costs: TypeAlias = dict[str, dict[str, Any]]
# What runs away is stopped before the machine suffers.
_ADDRESS_SPACE = 4 * 2**30


def _file(**members: Any) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _services(count: int, **more: Callable[[int], Any]) -> list[dict[str, Any]]:
    return [{"serviceName": f"s{n}", **{key: make(n) for key, make in more.items()}} for n in range(count)]


def _lines(head: str, line: str, count: int) -> bytes:
    return (head + "".join(line.replace("#", str(n)) for n in range(count))).encode()


def _alias_bomb() -> bytes:
    levels = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    return f"a: &a [x]\n{levels}".encode()


def _tail_of_circles() -> bytes:
    """A long way to walk before each of many circles."""
    tail = [{"serviceName": f"t{n}", "dependsOn": [f"t{n + 1}"]} for n in range(1400)]
    tail.append({"serviceName": "t1400", "dependsOn": [f"c{n}" for n in range(1300)]})
    circles = [{"serviceName": f"{a}{n}", "dependsOn": [f"{b}{n}"]} for a, b in ("cd", "dc") for n in range(1300)]
    return _file(defaults=_ITEM, services=[*tail, *circles])


def longest_services(count: int) -> list[dict[str, Any]]:
    """Services with the longest names that ECS takes."""
    image = f"111111111111.dkr.ecr.us-west-2.amazonaws.com/{'r' * 210}@sha256:{'0' * 64}"
    return [
        {
            "service": f"{n:05}".ljust(255, "c"),
            "clusterName": f"{n % 100:05}".ljust(255, "k"),
            "serviceName": f"{n:05}".ljust(255, "s"),
            "image": image,
            "account": ACCOUNT,
            "region": REGION,
        }
        for n in range(count)
    ]


_ALARMS = {"alarmNames": [f"a{n}" for n in range(9_000)], "enable": True, "rollback": True}
MANIFESTS: dict[str, Callable[[], bytes]] = {
    "a megabyte": lambda: b"a" * 2**20,
    "5,000 services of the longest names": lambda: _file(services=longest_services(5_000)),
    "10,000 services": lambda: _file(defaults=_ITEM, services=_services(10_000)),
    "190,000 services": lambda: _file(defaults=_ITEM, services=[{}] * 190_000),
    "items to no end": lambda: b"services: [" + b"1," * (_LARGEST // 2 - 10),
    "keys to no end": lambda: b"a: 1\n" * (_LARGEST // 5),
    "long keys": lambda: b"".join(b"%s%d: 1\n" % (b"k" * 200, n) for n in range(_LARGEST // 210)),
    "documents to no end": lambda: b"---\n" * (_LARGEST // 4),
    "empty items": lambda: b"services: [" + b"{}," * 9_999 + b"]",
    "wrong items": lambda: b"services: [" + b"1," * 9_999 + b"]",
    "the same item 10,000 times": lambda: _file(defaults={**_ITEM, "serviceName": "a"}, services=[{}] * 10_000),
    "a key 199,000 times": lambda: b"a: 1\n" * 199_000,
    "199,000 unknown keys": lambda: b"".join(b"k%d: 1\n" % n for n in range(199_000)),
    "130,000 anchors": lambda: b"".join(b"a%d: &a%d x\n" % (n, n) for n in range(130_000)),
    "directives": lambda: b"".join(b"%%TAG !a%d! x\n" % n for n in range(_LARGEST // 18)) + b"--- a",
    "directives after other line ends": lambda: b"".join(b"%%TAG !a%d! x\r" % n for n in range(_LARGEST // 18)),
    "a huge key": lambda: b"? " + b"k" * (_LARGEST - 10) + b"\n: 1",
    "a huge name": lambda: _file(services=[{**_ITEM, "serviceName": "n" * (_LARGEST - 99)}]),
    "a huge image": lambda: _file(services=[{**_ITEM, "serviceName": "n", "image": "a:" * (_LARGEST // 2 - 99) + "!"}]),
    "a huge number": lambda: b"services: 1" + b"0" * (_LARGEST - 20),
    "a huge tag": lambda: b"!" + b"t" * (_LARGEST - 10) + b" x",
    "a huge anchor": lambda: b"&" + b"a" * (_LARGEST - 10) + b" x",
    "a text of many lines": lambda: b"release: |\n" + b" x\n" * (_LARGEST // 3 - 10),
    "a text of escapes": lambda: b'release: "' + b"\\n" * (_LARGEST // 2 - 10) + b'"',
    "a text without an end": lambda: b"release: '" + b"x\n" * (_LARGEST // 2 - 10),
    "an alias bomb": _alias_bomb,
    "long texts by aliases": lambda: b"a: &a '" + b"x" * 100_000 + b"'\nb: [" + b"*a," * 900 + b"]",
    "merged bombs": lambda: _lines(
        "a: &a {" + ",".join(f"k{n}: 1" for n in range(15_000)) + "}\nservices:\n", " - {<<: *a}\n", 900
    ),
    "merge keys in one place": lambda: _lines(
        "a: &a {" + ",".join(f"k{n}: 1" for n in range(200)) + "}\nb:\n", "  <<: *a\n", 900
    ),
    "deep lists": lambda: b"[" * _LARGEST,
    "deep mappings": lambda: b"{" * _LARGEST,
    "deep blocks": lambda: b"- " * (_LARGEST // 2),
    "keys of keys": lambda: b"? " * (_LARGEST // 2),
    "deep lines": lambda: b"".join(b" " * n + b"a:\n" for n in range(4_000)),
    "tabs": lambda: b"a:\n" + b"\t\n" * (_LARGEST // 2 - 10),
    "comments": lambda: b"#\n" * (_LARGEST // 2),
    "10,000 of one name that wait for each other": lambda: _file(
        defaults={**{k: v for k, v in _ITEM.items() if k != "clusterName"}, "serviceName": "a", "dependsOn": ["a"]},
        services=[{"clusterName": f"c{n}"} for n in range(10_000)],
    ),
    "2,500 names in defaults": lambda: _file(
        defaults={**_ITEM, "dependsOn": [f"s{n}" for n in range(2_500)]}, services=_services(2_500)
    ),
    "4,500 unknown names": lambda: _file(
        defaults=_ITEM,
        services=[{"serviceName": "w", "dependsOn": [f"service-{n}x" for n in range(4_500)]}]
        + [{"serviceName": f"service-{n}"} for n in range(4_000)],
    ),
    "long names that are near": lambda: _file(
        defaults=_ITEM,
        services=[
            {"serviceName": "ab" * 120 + f"{n:05}", "dependsOn": ["ba" * 120 + f"{n:05}"]} for n in range(10_000)
        ],
    ),
    "a chain of 10,000": lambda: _file(
        defaults=_ITEM, services=[*_services(1), *_services(10_000, dependsOn=lambda n: [f"s{n - 1}"])[1:]]
    ),
    "a circle of 10,000": lambda: _file(
        defaults=_ITEM, services=_services(10_000, dependsOn=lambda n: [f"s{(n + 1) % 10_000}"])
    ),
    "a long way to many circles": _tail_of_circles,
    "3,000 containers in 5,000 tasks": lambda: _file(
        defaults={"containers": [{"name": f"n{n}", "image": "i"} for n in range(3_000)]},
        tasks=[{"cwRuleName": f"r{n}"} for n in range(5_000)],
    ),
    "9,000 alarms in 5,000 services": lambda: _file(
        defaults={**_ITEM, "timeoutMinutes": 9, "deployment": {"strategy": "CANARY", "alarms": _ALARMS}},
        services=_services(5_000),
    ),
    "alarms up to the limit": lambda: _file(
        defaults={**_ITEM, "deployment": {"alarms": {**_ALARMS, "alarmNames": [f"a{n}" for n in range(40)]}}},
        services=_services(8_000),
    ),
    "stages that cannot pause": lambda: _file(
        services=[
            {
                **_ITEM,
                "serviceName": "a",
                "deployment": {
                    "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"] * 11_000}]
                },
            }
        ]
    ),
}
# The others are refused by the check.
GOOD_MANIFESTS = {
    *("5,000 services of the longest names", "10,000 services", "a chain of 10,000"),
    "alarms up to the limit",
}


def batch(items: list[Any] | None = None, **members: Any) -> dict[str, Any]:
    """A batch of services."""
    role = f"arn:aws:iam::{ACCOUNT}:role/deploy"
    made = {"kind": "service", "account": ACCOUNT, "region": REGION, "roleArn": role, "mode": "DEPLOY", **members}
    return made if items is None else {**made, "items": items}


def item(number: int, /, **members: Any) -> dict[str, Any]:
    """An item; ``members`` are of what is desired, but for the names of the other parts."""
    parts = {part: members.pop(part) for part in ("change", "progress", "watched", "result") if part in members}
    known = {"number": number, "name": f"s{number}", "cluster": "shop", "images": {"w": "w:2"}}
    return {"desired": known | members, **parts}


def pointer(made: Any, stage: int = 0, step: int = 0, **members: Any) -> dict[str, Any]:
    """The pointer to a step of a batch."""
    place = {member: made[member] for member in ("kind", "account", "region", "roleArn", "mode")}
    known = {"stage": stage, "step": step, "next": "DEPLOY", "waitSeconds": 0, "counts": {}}
    return {"schemaVersion": SCHEMA_VERSION, **place, **known, **members}


def stored(data: Any, **members: Any) -> bytes:
    """An object of the ledger's work."""
    return json.dumps({"schemaVersion": SCHEMA_VERSION, **data, **members}, separators=(",", ":")).encode()


def step(made: Any, stage: int = 0, number: int = 0, **members: Any) -> dict[str, bytes]:
    """A step of a batch, by its key."""
    shown = pointer(made, stage, number)
    return {hostile.step_key(RELEASE, shown, number): stored({"batch": made, "pointer": shown}, **members)}


def batch_event(made: Any, *objects: dict[str, bytes]) -> Given:
    """The event for a batch, and a ledger with its step, or with ``objects`` in its place."""
    ledger = dict(hostile.LEDGER)
    for each in objects or (step(made),):
        ledger |= each
    return {"release": RELEASE, "batch": pointer(made)}, ledger


def stage_event(batches: list[Any], rest: list[Any] | None = None, **more: Any) -> Given:
    """The event for a stage, and a ledger with its steps and the rest."""
    ledger = dict(hostile.LEDGER)
    for each in batches:
        ledger |= step(each)
    if rest:
        ledger[f"{hostile.folder(RELEASE, 0)}/rest.json"] = stored({"batches": rest})
    stage = {
        "schemaVersion": SCHEMA_VERSION,
        "release": RELEASE,
        "mode": "DEPLOY",
        "stage": 0,
        "rest": sum(len(each["items"]) for each in rest or ()),
        "batches": [pointer(each) for each in batches],
    }
    return {"stage": {**stage, **more}}, ledger


def _watched_batch(reason: str = "") -> dict[str, Any]:
    """Twenty thousand services that are being rolled out."""
    change = {"kind": "DEPLOY", "revision": "web:2", "previous": "web:1"}
    progress = {"step": "ROLLING_OUT", "began": 1.0, "since": 1.0, **({"reason": reason} if reason else {})}
    return batch([item(n, change=change, progress=progress) for n in range(20_000)])


def _stored_event(content: bytes) -> Given:
    """A release whose input is in the ledger."""
    stored_input = StoredInput.of(content.decode())
    event = {"deployment": {"input": stored_input.to_json()}, "execution": hostile.EXECUTION}
    return event, {**hostile.LEDGER, stored_input.key: content}


def _lost(given: Given) -> Given:
    """The same event after a state failed."""
    event, ledger = given
    pointers = [{**each, "error": {"Error": "States.Timeout"}} for each in event["stage"]["batches"]]
    return {"stage": {**event["stage"], "batches": pointers}}, ledger


def _lost_chain() -> Given:
    """The last fails, so each that waits for the one after it is skipped."""
    chain = [item(n, wave=10_000 - n, dependsOn=[n + 1]) for n in range(10_000)]
    return stage_event([batch([*chain, item(10_000, result={"status": "FAILED", "reason": "x"})])])


def _bomb(content: bytes) -> Given:
    """A step of this content."""
    made = batch([])
    return batch_event(made, {hostile.step_key(RELEASE, pointer(made), 0): content})


_WEB = batch([item(0, name="web", images={"web": "web:2"})])


def _deep(depth: int) -> str:
    return "[" * depth + "]" * depth


EVENTS: dict[str, tuple[str, Callable[[], Given]]] = {
    "10,000 services planned": (
        "init_config",
        lambda: (
            {"deployment": {"defaults": _ITEM, "services": _services(10_000)}, "execution": hostile.EXECUTION},
            dict(hostile.LEDGER),
        ),
    ),
    "6,900 services of the longest names in the ledger": (
        "init_config",
        lambda: _stored_event(_file(services=longest_services(6_900))),
    ),
    "an input of brackets": ("init_config", lambda: _stored_event(b"[" * _LARGEST)),
    "an input of numbers": ("init_config", lambda: _stored_event(b'{"x":[' + b"1," * (_LARGEST // 2 - 10) + b"1]}")),
    "an input of empty items": (
        "init_config",
        lambda: _stored_event(b'{"services":[' + b"{}," * (_LARGEST // 3 - 10) + b"{}]}"),
    ),
    "20,000 items to watch": ("validate_deploy", lambda: batch_event(_watched_batch())),
    "20,000 items lost": ("validate_deploy", lambda: _lost(stage_event([_watched_batch()]))),
    "20,000 items in the rest": (
        "validate_deploy",
        lambda: stage_event([batch([item(20_000)], account="2")], [_watched_batch()]),
    ),
    "a step of tens of megabytes": ("validate_deploy", lambda: batch_event(_watched_batch("x" * 1_000))),
    "5,000 batches": (
        "validate_deploy",
        lambda: stage_event([batch([item(n)], account=str(100_000_000_000 + n)) for n in range(5_000)]),
    ),
    "a chain of 10,000 skipped": ("validate_deploy", _lost_chain),
    "10,000 that wait for each other": (
        "validate_deploy",
        lambda: stage_event([batch([item(n, dependsOn=[(n + 1) % 10_000]) for n in range(10_000)])]),
    ),
    "a cause of brackets": (
        "validate_deploy",
        lambda: (
            {"stage": {"error": {"Error": "E", "Cause": "[" * 200_000}, "execution": hostile.EXECUTION}},
            dict(hostile.LEDGER),
        ),
    ),
    "a bomb of spaces": ("validate_deploy", lambda: _bomb(b"[" + b" " * 5 * 10**7)),
    "a bomb of brackets": ("validate_deploy", lambda: _bomb(b"[" * 5 * 10**7)),
    "a bomb of numbers": ("validate_deploy", lambda: _bomb(b"[" + b"1," * 10**7)),
    "a bomb of deep members": (
        "validate_deploy",
        lambda: _bomb(
            stored({"batch": batch([item(0, hooks={"preDeploy": 0})])}).replace(
                b":0}", b":" + _deep(900).encode() + b"}"
            )
        ),
    ),
    "a bomb of deep pointers": (
        "validate_deploy",
        lambda: _bomb(
            stored({"batch": batch([item(0)]), "pointer": {"counts": 0}}).replace(
                b":0}", b":" + _deep(900).encode() + b"}"
            )
        ),
    ),
    "a memory of brackets": (
        "deploy_ecs",
        lambda: batch_event(_WEB, step(_WEB), {f"targets/{ACCOUNT}/{REGION}/service.json": b"[" * 10**7}),
    ),
    "a pointer to a step that cannot be": (
        "validate_deploy",
        lambda: ({"release": RELEASE, "batch": pointer(batch([]), step=10**9)}, dict(hostile.LEDGER)),
    ),
    "a pointer to the last step, and no step": (
        "validate_deploy",
        lambda: ({"release": RELEASE, "batch": pointer(batch([]), step=25_000)}, dict(hostile.LEDGER)),
    ),
}
# Seconds of CPU time: these have a state of AWS to read for each of their items.
WATCHING = {"20,000 items to watch": 15, "a step of tens of megabytes": 15}
# Events that are refused, each with its error.
REFUSED_EVENTS = {
    **{name: "LedgerRefused" for name in EVENTS if name.startswith("a bomb")},
    "an input of brackets": "LedgerRefused",
    "an input of numbers": "InvalidManifest",
    "an input of empty items": "InvalidManifest",
    "a pointer to a step that cannot be": "InvalidEvent",
    "a pointer to the last step, and no step": "LedgerRefused",
}

# These take a second or more each.
LARGE = {
    "a chain of 10,000",
    "5,000 services of the longest names",
    "199,000 unknown keys",
    "10,000 services",
    "130,000 anchors",
    "alarms up to the limit",
    "a key 199,000 times",
    "documents to no end",
    "long keys",
    "long names that are near",
    "a long way to many circles",
    "190,000 services",
    "4,500 unknown names",
    "a step of tens of megabytes",
    "20,000 items to watch",
    "20,000 items lost",
    "20,000 items in the rest",
    "10,000 services planned",
    "5,000 batches",
    "6,900 services of the longest names in the ledger",
}


def peak_mib() -> int:
    """The most memory that this process had. What getrusage says begins with the memory of the process that started
    this one (execve keeps it), so Linux is asked for the program's own."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) // 1024  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def names(what: str) -> list[str]:
    """The manifests, or the events, that `make test` judges: all but the largest."""
    return [name for name in (MANIFESTS if what == "manifests" else EVENTS) if name not in LARGE]


def wrong(what: str, costs: Costs) -> Costs:
    """What has another outcome than it must have, or takes more time or memory than it may."""
    good = GOOD_MANIFESTS if what == "manifests" else EVENTS.keys() - REFUSED_EVENTS.keys()
    outcome = dict.fromkeys(good, "good" if what == "manifests" else "result") | REFUSED_EVENTS
    seconds = 10 if what == "manifests" else 5

    def is_wrong(name: str, cost: dict[str, Any]) -> bool:
        is_costly = cost["seconds"] >= WATCHING.get(name, seconds) or cost["peak"] >= 400
        return is_costly or cost["reported"] != outcome.get(name, "InvalidManifest")

    return {name: cost for name, cost in costs.items() if is_wrong(name, cost)}


def measure(what: str, chosen: Collection[str]) -> Costs:
    """Each of these manifests, or events, judged."""
    found = {}
    for name in chosen:
        data = MANIFESTS[name]() if what == "manifests" else EVENTS[name][1]()
        began = time.process_time()
        try:
            reported = (
                hostile.judge_manifest(data) if what == "manifests" else hostile.judge_event(EVENTS[name][0], *data)
            )
        except (hostile.Undocumented, MemoryError) as error:
            reported = repr(error)[:300]
        seconds = time.process_time() - began
        found[name] = {"reported": reported, "seconds": round(seconds, 2), "peak": peak_mib()}
    return found


def main(what: str, how_many: str) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    if how_many == "small":
        json.dump(measure(what, names(what)), sys.stdout, indent=1)
        return 0
    costs = measure(what, MANIFESTS if what == "manifests" else EVENTS)
    found = wrong(what, costs)
    seconds, peak = max(each["seconds"] for each in costs.values()), max(each["peak"] for each in costs.values())
    sys.stdout.write(f"{len(costs)} of the worst {what}: {seconds:.1f} s and {peak} MiB at most, {len(found)} wrong\n")
    json.dump(found, sys.stdout, indent=1) if found else None
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
