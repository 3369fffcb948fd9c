"""What must be reached, beside what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.probes.many_places import PLACES


@dataclass(frozen=True, slots=True)
class Row:
    figure: str
    fixed: str
    wanted: str
    measured: str
    is_reached: bool


def rows(found: Mapping[str, Any]) -> Iterator[Row]:
    """The table of the figures that the project holds itself to."""
    sixty = [e for e in found["releases"] if e["changed"] and e["rolloutSeconds"] == 60.0 and e["services"] <= 100]
    late = max(e["afterEcsSeconds"] for e in sixty)
    good = [e for e in found["fixedWait"] if e["status"] == "SUCCEEDED"]
    fixed = max((e["afterEcsSeconds"] for e in good if e["changed"]), default=0.0)
    yield Row("end after ECS is steady, 60 s rollout", f"{fixed:.0f} s", "≤ 10 s", f"{late:.1f} s", late <= 10)
    same = [e for e in found["releases"] if not e["changed"]]
    hundred = next(e for e in same if e["services"] == 100)
    fixed = max((e["seconds"] for e in good if not e["changed"]), default=0.0)
    yield Row(
        "nothing changed, 100 services",
        f"{fixed:.0f} s",
        "≤ 5 s",
        f"{hundred['seconds']:.1f} s",
        hundred["seconds"] <= 5,
    )
    fixed_notice = [f"{each['endAfterGivingUpSeconds'] / 60:.0f} min" for each in found.get("fixedBroken", ())] or ["-"]
    for each in found["broken"]:
        late = each["noticeAfterGivingUpSeconds"]
        name = f"broken image to notice, {each['onFailure']}"
        yield Row(name, fixed_notice[0], "≤ 30 s", f"{late:.1f} s", late <= 30)
    for each in found.get("brokenAmongMany", ()):
        late = each["noticeAfterGivingUpSeconds"]
        name = f"broken image among {each['services']} to notice, {each['onFailure']}"
        yield Row(name, "-", "≤ 15 s", f"{late:.1f} s", late <= 15)
    changed = next(e for e in sixty if e["services"] == 100)
    calls = _per_service(changed)
    yield Row("AWS calls per changed service, polls aside", _fixed_calls(found), "≤ 3.5", f"{calls:.2f}", calls <= 3.5)
    unchanged = sum(hundred["calls"].values()) / 100
    yield Row("AWS calls per unchanged service", "-", "-", f"{unchanged:.2f}", True)
    polls = _polls(changed)
    yield Row("calls per poll of 100 services", _fixed_polls(found), "≤ 10", f"{polls:.1f}", polls <= 10)
    for each in found["buckets"]:
        over = each["overFloorAndRollout"]
        good = each["status"] == "SUCCEEDED" and over <= 1.15
        told = f"{over:.2f} x (floor + rollout), {each['status']}"
        yield Row(f"{each['services']} changed under the buckets", "-", "no error, ≤ 1.15", told, good)
    largest = max(found["releases"], key=lambda e: e["services"] * e["changed"])
    name = f"{largest['services']} services"
    same_size = [e for e in found["releases"] if e["services"] == largest["services"]]
    events = max(e["historyEvents"] for e in same_size)
    payload = max(e["largestPayloadBytes"] for e in same_size)
    yield Row(f"history events, {name}", _fixed_events(found), "< 12,500", f"{events:,}", events < 12_500)
    yield Row(f"largest payload, {name}", "-", "< 128 KiB", f"{payload / 1024:.0f} KiB", payload < 131_072)
    python = found["python"]
    init = python["handlers"]["init_config"]["importMs"]
    yield Row("import of InitConfig", "-", "≤ 60 ms", f"{init:.0f} ms", init <= 60)
    others = max(h["withFirstClientMs"] for n, h in python["handlers"].items() if n != "init_config")
    yield Row("import of the others with a first client", "-", "≤ 150 ms", f"{others:.0f} ms", others <= 150)
    if "warm" in python:
        warm = python["warm"]["peakMb"]
        yield Row(f"memory of a warm sandbox with {PLACES} places", "-", "< 256 MB", f"{warm:.0f} MB", warm < 256)
    size = python["layerBytes"] / 1e6
    yield Row("layer zip", "-", "≤ 6 MB", f"{size:.1f} MB", size <= 6)


def _per_service(release: Mapping[str, Any]) -> float:
    """Calls of the check and the deployment, without those of the looks while waiting: DescribeServices is made once
    per ten in the check, once in the deployment, and else to look."""
    looked = max(0, release["calls"].get("ecs:DescribeServices", 0) - 2 * -(-release["services"] // 10))
    return float((sum(release["calls"].values()) - looked) / release["services"])


def _polls(release: Mapping[str, Any]) -> float:
    """DescribeServices per look: those of the check and of the deployment are not looks."""
    own = 2 * -(-release["services"] // 10)
    return float((release["calls"].get("ecs:DescribeServices", 0) - own) / max(1, release["looks"]))


def _largest_fixed(found: Mapping[str, Any], *, changed: bool) -> Mapping[str, Any] | None:
    """The release of most services that the fixed-wait design came to an end with."""
    good = [e for e in found["fixedWait"] if e["changed"] is changed and e["status"] == "SUCCEEDED"]
    return max(good, key=lambda e: int(e["services"]), default=None)


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
