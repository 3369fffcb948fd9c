"""What holds for every normal form and every difference, over shapes that differ in features and over any JSON."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.ecs.arns import Place
from ecs_gitops.ecs.normal_autoscaling import normal_scalable_target
from ecs_gitops.ecs.normal_service import normal_service
from ecs_gitops.ecs.normal_task_definition import normal_task_definition
from ecs_gitops.plan.diff import diff, lines, redacted
from unit.ecs_defaults import REORDERED, complete_definition, complete_service, described_definition, described_service
from unit.shapes_services import SHAPES as SERVICES
from unit.shapes_task_definitions import SHAPES as DEFINITIONS

Json = dict[str, Any]
Steps = tuple[str | int, ...]
Normal = Callable[[Json], Json]
PLACE = Place("aws", "us-west-2", "111111111111")


def _service(service: Json) -> Json:
    return normal_service(service, place=PLACE)


SHAPES: dict[str, tuple[Normal, Json]] = {
    **{f"task definition: {name}": (normal_task_definition, each) for name, each in DEFINITIONS.items()},
    **{f"service: {name}": (_service, each) for name, each in SERVICES.items()},
}
COMPLETE: dict[str, tuple[Normal, Json]] = {
    **{name: (normal_task_definition, complete_definition(each)) for name, each in DEFINITIONS.items()},
    **{f"service: {name}": (_service, complete_service(each)) for name, each in SERVICES.items()},
}
# A difference of these is more than one line: they tell elements apart, say what other members mean, are a default as a
# pair, or count for several metrics.
_KEYS = frozenset(
    {
        "name",
        "key",
        "type",
        "containerName",
        "containerPort",
        "containerPortRange",
        "protocol",
        "containerPath",
        "sourceContainer",
        "namespace",
        "hostname",
        "hostPath",
        "deviceName",
        "capacityProvider",
        "registryArn",
        "portName",
        "port",
        "resourceType",
        "metricNames",
        "networkMode",
        "schedulingStrategy",
        "operatingSystemFamily",
        "cpuArchitecture",
        "resolutionSeconds",
    }
)
# A difference of these is none.
_NOT_COMPARED = {
    "a daemon": "desiredCount",
    "a daemon with percentages": "desiredCount",
    "monitoring, the default in writing": "metricNames",
}


def _leaves(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """The places of the values in JSON; of a list of texts, each text."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, (*steps, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves(each, (*steps, index))
    else:
        yield steps


def _objects(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    if isinstance(value, dict):
        yield steps
    if isinstance(value, dict | list):
        pairs: Any = value.items() if isinstance(value, dict) else enumerate(value)
        for step, each in pairs:
            yield from _objects(each, (*steps, step))


def _with(given: Json, steps: Steps, change: Callable[[Any], Any]) -> Json:
    """A copy in which the value at a place is another one."""
    made: Any = copy.deepcopy(given)
    at = made
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = change(at.get(steps[-1]) if isinstance(at, dict) else at[steps[-1]])
    return dict(made)


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return f"{value}-changed" if isinstance(value, str) else value + 7


@pytest.mark.parametrize("shapes", [SHAPES, COMPLETE], ids=["as written", "with every default"])
def test_one_changed_leaf_is_one_line(shapes: dict[str, tuple[Normal, Json]]) -> None:
    # GIVEN each shape, as it is written and with the defaults, WHEN one value is another one, each in turn
    wrong = []
    tried = 0
    for name, (normal, shape) in shapes.items():
        before = normal(shape)
        for place in _leaves(shape):
            found = lines(diff(before, normal(_with(shape, place, _another))))
            word = next(step for step in reversed(place) if isinstance(step, str))
            tried += 1
            # THEN that is one line
            if _NOT_COMPARED.get(name.removeprefix("service: ")) == word:
                is_right = not found
            else:
                is_right = len(found) == 1 or (len(found) > 1 and word in _KEYS)
            if not is_right:
                wrong.append((name, place, found))
    assert wrong == []
    assert tried > 1_000


@pytest.mark.parametrize("value", [{"x": [1]}, False, 0, "", [], {}, "text", [{"name": "a"}]])
def test_a_member_that_no_table_knows_is_never_left_out(value: Any) -> None:
    # GIVEN each shape, WHEN any one of its objects has a member that ECS may have one day
    for name, (normal, shape) in SHAPES.items():
        before = normal(shape)
        for place in _objects(shape):
            after = normal(_with(shape, (*place, "ofTomorrow"), lambda _: value))
            # THEN that is a difference, and the member is still there
            found = [each for each in diff(before, after) if "ofTomorrow" in repr(each)]
            assert found, (name, place)
            assert after != before


def _shuffled(value: Any, draw: Callable[[list[Any]], list[Any]], member: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _shuffled(each, draw, name) for name, each in draw(list(value.items()))}
    if isinstance(value, list):
        found = [_shuffled(each, draw) for each in value]
        return draw(found) if member in REORDERED else found
    return value


@given(st.sampled_from(sorted(SHAPES)), st.data())
def test_the_order_of_what_has_no_order_does_not_matter(name: str, data: st.DataObject) -> None:
    normal, shape = SHAPES[name]
    described = described_service(shape) if normal is _service else described_definition(shape)
    shuffled = _shuffled(described, lambda each: data.draw(st.permutations(each)))
    assert normal(shuffled) == normal(described)


_NAMES = st.sampled_from(
    [
        "containerDefinitions",
        "volumes",
        "tags",
        "environment",
        "name",
        "value",
        "key",
        "portMappings",
        "containerPort",
        "hostPort",
        "protocol",
        "cpu",
        "essential",
        "healthCheck",
        "networkMode",
        "loadBalancers",
        "targetGroupArn",
        "advancedConfiguration",
        "alternateTargetGroupArn",
        "deploymentConfiguration",
        "alarms",
        "alarmNames",
        "lifecycleHooks",
        "lifecycleStages",
        "serviceConnectConfiguration",
        "services",
        "enabled",
        "monitoring",
        "metricConfigurations",
        "metricNames",
        "resolutionSeconds",
        "capacityProviderStrategy",
        "weight",
        "placementStrategy",
        "cluster",
        "role",
        "taskDefinition",
        "taskRoleArn",
        "memory",
        "SuspendedState",
        "RoleARN",
        "Tags",
        "other",
        "[app]",
        "[]",
        "awsvpcConfiguration",
        "networkConfiguration",
        "subnets",
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 300)
    | st.sampled_from(["", "a", "b", "tcp", "1 GB", "aws:x", "ecs-gitops:y", "awsvpc", "DAEMON", "arn:x", "LATEST"])
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=25,
)
_ANY = st.dictionaries(_NAMES, _VALUES, max_size=6)


@given(_ANY, st.sampled_from([normal_task_definition, _service, normal_scalable_target]))
def test_of_any_json_the_normal_form_is_its_own_normal_form(given_: Json, normal: Normal) -> None:
    untouched = copy.deepcopy(given_)
    once = normal(given_)
    assert normal(once) == once
    assert given_ == untouched


@given(_ANY, _ANY)
def test_of_any_json_a_difference_is_found_both_ways_and_shown_on_one_line(before: Json, after: Json) -> None:
    there, back = diff(before, after), diff(after, before)
    assert diff(before, before) == ()
    assert [(each.steps, each.before, each.after) for each in there] == [
        (each.steps, each.after, each.before) for each in back
    ]
    shown = lines(redacted(there))
    assert len(shown) == len(there)
    assert all(line.isprintable() and line[:2] in ("~ ", "+ ", "- ") for line in shown)


@given(st.text(min_size=6, alphabet="xyz0189"), st.sampled_from(sorted(DEFINITIONS)), st.data())
def test_no_value_of_an_environment_is_ever_shown(text: str, name: str, data: st.DataObject) -> None:
    # GIVEN a definition with secret values in the environment of every container
    secret = f"hidden-{text}"
    plain = DEFINITIONS[name]
    containers = [
        {**each, "environment": [*each.get("environment", []), {"name": "SECRET", "value": secret}]}
        for each in plain["containerDefinitions"]
    ]
    with_secret = {**plain, "containerDefinitions": containers}
    changed = copy.deepcopy(with_secret)
    changed["containerDefinitions"][0]["environment"][-1]["value"] = f"{secret}-2"
    empty = {**plain, "containerDefinitions": []}

    # WHEN it is added, changed or removed, alone or with its container
    before, after = data.draw(st.permutations([plain, with_secret, changed, empty]))[:2]
    found = redacted(diff(normal_task_definition(before), normal_task_definition(after)))

    # THEN nothing that is shown or kept has it
    assert secret not in "\n".join(lines(found))
    assert secret not in repr(found)
