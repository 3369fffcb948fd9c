"""What must be reached, beside what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.probes.look import SERVICES
from bench.probes.many_places import PLACES
from bench.probes.many_releases import FIRST, RELEASES


@dataclass(frozen=True, slots=True)
class Row:
    figure: str
    fixed: str
    wanted: str
    measured: str
    is_reached: bool


def rows(found: Mapping[str, Any]) -> Iterator[Row]:
    """The table of the figures that the project holds itself to. Parts that were not measured have no row, and "-" in
    the column of the fixed-wait design."""
    yield from _end(found)
    yield from _notices(found)
    yield from _calls(found)
    yield from _buckets(found)
    yield from _sizes(found)
    yield from _python(found["python"])


def _end(found: Mapping[str, Any]) -> Iterator[Row]:
    late = max(each["afterEcsSeconds"] for each in _sixty(found))
    fixed = _fixed_seconds(found, "afterEcsSeconds", changed=True)
    yield Row("end after ECS is steady, 60 s rollout", fixed, "≤ 10 s", f"{late:.1f} s", late <= 10)
    seconds = _hundred(found)["seconds"]
    fixed = _fixed_seconds(found, "seconds", changed=False)
    yield Row("nothing changed, 100 services", fixed, "≤ 5 s", f"{seconds:.1f} s", seconds <= 5)


def _sixty(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The releases of up to 100 changed services, with rollouts of 60 seconds."""
    return [e for e in found["releases"] if e["changed"] and e["rolloutSeconds"] == 60.0 and e["services"] <= 100]


def _hundred(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The release of 100 services in which nothing changed."""
    return next(each for each in found["releases"] if not each["changed"] and each["services"] == 100)


def _notices(found: Mapping[str, Any]) -> Iterator[Row]:
    fixed = [f"{each['endAfterGivingUpSeconds'] / 60:.0f} min" for each in found.get("fixedBroken", ())] or ["-"]
    for each in found["broken"]:
        late = each["noticeAfterGivingUpSeconds"]
        name = f"broken image to notice, {each['onFailure']}"
        yield Row(name, fixed[0], "≤ 30 s", f"{late:.1f} s", late <= 30)
    for each in found.get("brokenAmongMany", ()):
        late = each["noticeAfterGivingUpSeconds"]
        name = f"broken image among {each['services']} to notice, {each['onFailure']}"
        yield Row(name, "-", "≤ 15 s", f"{late:.1f} s", late <= 15)


def _calls(found: Mapping[str, Any]) -> Iterator[Row]:
    changed = next(each for each in _sixty(found) if each["services"] == 100)
    calls = _per_service(changed)
    yield Row("AWS calls per changed service, polls aside", _fixed_calls(found), "≤ 3.5", f"{calls:.2f}", calls <= 3.5)
    for each in found.get("realistic", ()):
        calls = _per_service(each)
        is_reached = calls <= 6 and each["status"] == "SUCCEEDED"
        told = f"{calls:.2f}, {each['status']}"
        yield Row("AWS calls per changed service, realistic", "-", "≤ 6", told, is_reached)
    unchanged = sum(_hundred(found)["calls"].values()) / 100
    yield Row("AWS calls per unchanged service", "-", "-", f"{unchanged:.2f}", True)
    polls = _polls(changed)
    yield Row("calls per poll of 100 services", _fixed_polls(found), "≤ 10", f"{polls:.1f}", polls <= 10)


def _buckets(found: Mapping[str, Any]) -> Iterator[Row]:
    for each in found["buckets"]:
        over = each["overFloorAndRollout"]
        good = each["status"] == "SUCCEEDED" and over <= 1.15
        told = f"{over:.2f} x (floor + rollout), {each['status']}"
        yield Row(f"{each['services']} changed under the buckets", "-", "no error, ≤ 1.15", told, good)


def _sizes(found: Mapping[str, Any]) -> Iterator[Row]:
    largest = max(found["releases"], key=lambda each: int(each["services"] * each["changed"]))
    same_size = [each for each in found["releases"] if each["services"] == largest["services"]]
    yield from _size_rows(same_size, f"{largest['services']} services", _fixed_events(found))
    for each in found.get("largest", ()):
        name = f"{each['services']:,} services, nothing changed"
        told = f"{each['seconds']:.0f} s, {each['status']}"
        yield Row(name, "-", "no error", told, each["status"] == "SUCCEEDED")
        yield from _size_rows([each], f"{each['services']:,} services", "-")
        batch = each["largestBatchBytes"]
        name = f"state data of a batch, {each['services']:,} services"
        yield Row(name, "-", "< 4 KiB", f"{batch / 1024:.1f} KiB", 0 < batch < 4_096)


def _size_rows(releases: Sequence[Mapping[str, Any]], name: str, fixed_events: str) -> Iterator[Row]:
    events = max(each["historyEvents"] for each in releases)
    payload = max(each["largestPayloadBytes"] for each in releases)
    yield Row(f"history events, {name}", fixed_events, "< 12,500", f"{events:,}", events < 12_500)
    yield Row(f"largest payload, {name}", "-", "< 128 KiB", f"{payload / 1024:.0f} KiB", payload < 131_072)


def _python(python: Mapping[str, Any]) -> Iterator[Row]:
    init = python["handlers"]["init_config"]["importMs"]
    yield Row("import of InitConfig", "-", "≤ 60 ms", f"{init:.0f} ms", init <= 60)
    others = max(h["withFirstClientMs"] for n, h in python["handlers"].items() if n != "init_config")
    yield Row("import of the others with a first client", "-", "≤ 150 ms", f"{others:.0f} ms", others <= 150)
    if "coldStart" in python:
        cold, boto3 = python["coldStart"]["computedMs"], python["coldStart"]["boto3Ms"]
        told = f"{cold:.0f} ms, {boto3:.0f} of them boto3"
        yield Row("cold DeployEcs to its first ECS call, 512 MB", "-", "≤ 250 ms", told, cold <= 250)
    if "look" in python:
        look = python["look"]["cpuMs"]
        yield Row(f"a look at {SERVICES} services, CPU", "-", "≤ 500 ms", f"{look:.0f} ms", look <= 500)
    if "warm" in python:
        warm = python["warm"]["peakMb"]
        yield Row(f"memory of a warm sandbox with {PLACES} places", "-", "< 256 MB", f"{warm:.0f} MB", warm < 256)
    if "releases" in python:
        many = python["releases"]
        grown = many["lastMb"] - many["firstMb"]
        name = f"warm sandbox, growth from release {FIRST} to {RELEASES}"
        is_reached = grown < 10 and many["peakMb"] < 256
        yield Row(name, "-", "< 10 MB, < 256 MB", f"{grown:.1f} MB, {many['peakMb']:.0f} MB", is_reached)
    size = python["layerBytes"] / 1e6
    yield Row("layer zip", "-", "≤ 6 MB", f"{size:.1f} MB", size <= 6)


# What a look at a rollout calls. The calls for ten services that are no looks: DescribeServices is made by the check
# and by the deployment, DescribeServiceRevisions by the deployment.
_LOOKS = {"ecs:DescribeServices": 2, "ecs:DescribeServiceRevisions": 1}


def _per_service(release: Mapping[str, Any]) -> float:
    """Calls of the check and the deployment, without those of the looks while waiting."""
    tens, calls = -(-release["services"] // 10), release["calls"]
    looked = sum(max(0, calls.get(action, 0) - own * tens) for action, own in _LOOKS.items())
    return float((sum(calls.values()) - looked) / release["services"])


def _polls(release: Mapping[str, Any]) -> float:
    """DescribeServices per look: those of the check and of the deployment are not looks."""
    own = 2 * -(-release["services"] // 10)
    return float((release["calls"].get("ecs:DescribeServices", 0) - own) / max(1, release["looks"]))


def _fixed_good(found: Mapping[str, Any], *, changed: bool) -> list[Mapping[str, Any]]:
    """The releases that the fixed-wait design came to an end with."""
    all_of_them = found.get("fixedWait", ())
    return [each for each in all_of_them if each["changed"] is changed and each["status"] == "SUCCEEDED"]


def _fixed_seconds(found: Mapping[str, Any], figure: str, *, changed: bool) -> str:
    good = _fixed_good(found, changed=changed)
    return f"{max(each[figure] for each in good):.0f} s" if good else "-"


def _largest_fixed(found: Mapping[str, Any], *, changed: bool) -> Mapping[str, Any] | None:
    """Of these, the release of most services."""
    return max(_fixed_good(found, changed=changed), key=lambda e: int(e["services"]), default=None)


def _fixed_polls(found: Mapping[str, Any]) -> str:
    """Without changes it asks once for each service."""
    if (same := _largest_fixed(found, changed=False)) is None:
        return "-"
    asked = sum(same["calls"].get(f"ecs:{action}", 0) for action in ("ListTasks", "DescribeTasks"))
    return f"{asked} for {same['services']}"


def _fixed_calls(found: Mapping[str, Any]) -> str:
    changed = _largest_fixed(found, changed=True)
    return f"{sum(changed['calls'].values()) / changed['services']:.1f}" if changed else "-"


def _fixed_events(found: Mapping[str, Any]) -> str:
    changed = _largest_fixed(found, changed=True)
    return f"{changed['historyEvents']:,} for {changed['services']}" if changed else "-"
