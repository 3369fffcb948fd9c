"""What one release cost, from what the local AWS recorded. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Events that Step Functions writes for each kind of state, and what counts as a transition.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
_EVENTS = {"task": 5, "pass": 2, "choice": 2, "wait": 2, "map": 4, "succeed": 2, "fail": 1}
_PER_MAP_ITEM = 2
_OF_AN_EXECUTION = 2
_POLLS = ("ecs:DescribeServices", "ecs:DescribeServiceDeployments", "ecs:ListServiceDeployments", "ecs:DescribeTasks")


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one release: state transitions, history events as AWS counts them, bytes of the largest payload."""

    transitions: int
    events: int
    payload: int


def costs(trace: Iterable[Mapping[str, Any]], history: Iterable[Mapping[str, Any]]) -> Costs:
    """From the trace's entered states and the history's inputs and outputs."""
    entered = list(trace)
    items = {(entry["state"], entry["item"]) for entry in entered if entry.get("item") is not None}
    starts = Counter(entry["type"] for entry in entered)
    events = sum(_EVENTS.get(kind, 2) * count for kind, count in starts.items())
    return Costs(len(entered), events + _PER_MAP_ITEM * len(items) + _OF_AN_EXECUTION, _largest(history))


def _largest(history: Iterable[Mapping[str, Any]]) -> int:
    """The longest text that is passed on, in bytes."""
    return max((len(text.encode()) for text in _passed_on(history)), default=0)


def largest_batch(history: Iterable[Mapping[str, Any]]) -> int:
    """The most bytes that the state machine carries of one batch."""
    found = (batch for text in _passed_on(history) for batch in _batches(json.loads(text)))
    return max((len(json.dumps(batch).encode()) for batch in found), default=0)


def _passed_on(history: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The inputs and outputs of an execution's events."""
    for event in history:
        for details in event.values():
            if isinstance(details, Mapping):
                yield from (details[key] for key in ("input", "output") if isinstance(details.get(key), str))


def _batches(data: Any) -> Iterator[Any]:
    """The values of ``batch`` and the entries of ``batches``, wherever they are in a state's input or output."""
    if not isinstance(data, dict):
        return
    for name, value in data.items():
        if name == "batch":
            yield value
        elif name == "batches" and isinstance(value, list):
            yield from value
        else:
            yield from _batches(value)


def by_action(calls: Iterable[Sequence[Any]], principal: str) -> Counter[str]:
    """How often the role ``principal`` made each call."""
    return Counter(str(entry[3]) for entry in calls if principal in str(entry[2]))


def without_polls(calls: Iterable[Sequence[Any]], principal: str, waits: int) -> dict[str, int]:
    """The calls by action; of those that also look at rollouts, what is left without ``waits`` looks of each kind."""
    counted = by_action(calls, principal)
    for action in _POLLS:
        counted[action] = max(0, counted[action] - waits)
    return {action: count for action, count in sorted(counted.items()) if count}


def lines(figures: Mapping[str, Any]) -> str:
    return json.dumps(figures, indent=2, sort_keys=True) + "\n"
