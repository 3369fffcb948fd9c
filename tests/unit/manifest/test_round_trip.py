"""A manifest with any of its fields comes back the same from what it is rendered to."""

from __future__ import annotations

import json

import jsonschema
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_gitops import manifest
from ecs_gitops.manifest import schema
from ecs_gitops.manifest.fields import SERVICE, TASK

SCHEMA = jsonschema.Draft202012Validator(schema())

names = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
ECR = "111111111111.dkr.ecr.us-west-2.amazonaws.com/web"
images = st.sampled_from([f"{ECR}:1", f"{ECR}@sha256:" + "0" * 64, "a/b@sha256:" + "0" * 64])
minutes = st.integers(0, 1440)
tenths = st.integers(30, 1000).map(lambda tenth: tenth / 10)
switches = {"enable": st.booleans(), "rollback": st.booleans()}
both = {
    "alarms": st.fixed_dictionaries({"alarmNames": st.lists(names, min_size=1, max_size=3, unique=True), **switches}),
    "minimumHealthyPercent": st.integers(0, 99),
    "maximumPercent": st.integers(100, 200),
}
lifecycle_hooks = st.lists(
    st.fixed_dictionaries(
        {"targetType": st.just("PAUSE"), "lifecycleStages": st.just(["POST_SCALE_UP", "PRE_SCALE_UP"])},
        optional={"timeoutConfiguration": st.fixed_dictionaries({"timeoutInMinutes": st.integers(1, 20160)})},
    ),
    max_size=2,
)
shifting = {"bakeTimeInMinutes": minutes, "lifecycleHooks": lifecycle_hooks, **both}
configurations = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "strategy": st.just("ROLLING"),
            "deploymentCircuitBreaker": st.fixed_dictionaries(
                switches,
                optional={
                    "thresholdConfiguration": st.fixed_dictionaries(
                        {"type": st.just("COUNT"), "value": st.integers(1, 9)}
                    )
                },
            ),
            **both,
        },
    ),
    st.fixed_dictionaries(
        {"strategy": st.just("CANARY")},
        optional={"canaryConfiguration": st.fixed_dictionaries({}, optional={"canaryPercent": tenths}), **shifting},
    ),
    st.fixed_dictionaries(
        {"strategy": st.just("LINEAR")},
        optional={
            "linearConfiguration": st.fixed_dictionaries(
                {}, optional={"stepPercent": tenths, "stepBakeTimeInMinutes": minutes}
            ),
            **shifting,
        },
    ),
)
hooks = st.fixed_dictionaries(
    {"command": st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1)},
    optional={"container": names, "timeoutMinutes": st.integers(1, 1440)},
)
container_lists = st.lists(
    st.fixed_dictionaries({"name": names, "image": images}),
    min_size=1,
    max_size=3,
    unique_by=lambda container: container["name"],
)
several = st.fixed_dictionaries({"containers": container_lists})
one = st.fixed_dictionaries({"service": names, "image": images})
service_fields = {
    "pinDigest": st.booleans(),
    "deployment": configurations,
    "hooks": st.fixed_dictionaries({}, optional={"preDeploy": hooks, "postDeploy": hooks}),
    "onFailure": st.sampled_from(["stop", "rollback", "rollbackRelease"]),
    "requireZeroDowntime": st.booleans(),
}


def merge(parts):
    return {name: value for part in parts for name, value in part.items()}


def numbered(items, name):
    return [{**item, name: f"{name}-{index}"} for index, item in enumerate(items)]


items = st.tuples(one | several, st.fixed_dictionaries({"clusterName": names}, optional=service_fields)).map(merge)
tasks = st.tuples(
    one | several,
    st.fixed_dictionaries(
        {}, optional={"scheduleGroup": names, "pinDigest": st.booleans(), "region": st.just("eu-x-1")}
    ),
).map(merge)
manifests = st.fixed_dictionaries(
    {
        "services": st.lists(items, min_size=1, max_size=3).map(lambda items: numbered(items, "serviceName")),
        "tasks": st.lists(tasks, max_size=2).map(lambda items: numbered(items, "scheduleName")),
    },
    optional={
        "onFailure": service_fields["onFailure"],
        "tasksAfterServices": st.booleans(),
        "defaults": st.fixed_dictionaries({}, optional=service_fields),
    },
)


@settings(deadline=None)
@given(data=manifests)
def test_what_is_loaded_comes_back_the_same_from_its_json(data):
    # GIVEN a manifest with any of the fields, the second service depending on the first
    for later in data["services"][1:]:
        later["dependsOn"] = [data["services"][0]["serviceName"]]
    # WHEN it is loaded, rendered and read again by the state machine
    read = manifest.load(yaml.safe_dump(data).encode(), "f")
    rendered = read.to_json()
    again = manifest.from_json(json.loads(json.dumps(rendered)))
    # THEN it is the same, with and without its defaults, and what was rendered is plain JSON
    assert again == read
    assert again.with_defaults() == read.with_defaults()
    assert again.to_json() == rendered == json.loads(json.dumps(rendered))
    assert manifest.from_json(read.with_defaults().to_json()) == read.with_defaults()
    # AND it says what was written
    assert rendered["services"] == [
        {name: item[name] for name in SERVICE.names if name in item} for item in data["services"]
    ]
    assert rendered.get("tasks", []) == [
        {name: item[name] for name in TASK.names if name in item} for item in data["tasks"]
    ]
    SCHEMA.validate(data)
