"""Differences of normal forms: what they are, how people see them, and what nobody sees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ecs_gitops.plan.diff import Difference, Marker, diff, lines, redacted

Json = dict[str, Any]


def _app(**members: Any) -> Json:
    return {"containerDefinitions": {"[app]": members}}


def _shown(before: Json, after: Json) -> list[str]:
    return lines(redacted(diff(before, after)))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (_app(image="app:1"), _app(image="app:2"), ["~ containerDefinitions[app].image: app:1 → app:2"]),
        (_app(), _app(cpu=1), ["+ containerDefinitions[app].cpu: 1"]),
        (_app(cpu=1), _app(), ["- containerDefinitions[app].cpu: 1"]),
        (
            _app(command=["run", "a"]),
            _app(command=["run", "b"]),
            ['~ containerDefinitions[app].command: ["run", "a"] → ["run", "b"]'],
        ),
        (
            {"deploymentConfiguration": {"bakeTimeInMinutes": 5}},
            {"deploymentConfiguration": {"bakeTimeInMinutes": 10}},
            ["~ deploymentConfiguration.bakeTimeInMinutes: 5 → 10"],
        ),
        ({}, _app(image="a", cpu=2), ["+ containerDefinitions[app].cpu: 2", "+ containerDefinitions[app].image: a"]),
        ({"volumes": {"[a]": {}}}, {}, ["- volumes[a]: {}"]),
        ({}, {"volumes": {"[a]": {}, "[b]": {}}}, ["+ volumes[a]: {}", "+ volumes[b]: {}"]),
        ({"a": {"b": 1}}, {"a": "text"}, ['~ a: {"b": 1} → text']),
        ({"a": True}, {"a": 1}, ["~ a: true → 1"]),
        ({"a": "1"}, {"a": 1}, ['~ a: "1" → 1']),
        ({"a": "true"}, {"a": " x"}, ['~ a: "true" → " x"']),
        ({"a": 5}, {"a": 5.0}, []),
        ({"a": None}, {}, []),
        ({}, {"a": {"b": None}}, []),
        ({"a": datetime(2026, 1, 2, tzinfo=UTC)}, {}, ['- a: "2026-01-02 00:00:00+00:00"']),
        ({"labels": {"com.example": "x", "[odd]": "y"}}, {}, ["- labels[odd]: y", '- labels["com.example"]: x']),
        # Ordered lists of objects: one by one where none is added or removed, else whole.
        ({"hooks": [{"a": 1}, {"a": 2}]}, {"hooks": [{"a": 1}, {"a": 3}]}, ["~ hooks[1].a: 2 → 3"]),
        ({"hooks": [{"a": 1}]}, {"hooks": []}, ['~ hooks: [{"a": 1}] → []']),
        (
            {"hooks": [{"a": number} for number in range(12)]},
            {"hooks": [{"a": number + 1} for number in range(12)]},
            [f"~ hooks[{number}].a: {number} → {number + 1}" for number in range(12)],
        ),
    ],
)
def test_one_changed_leaf_is_one_line(before: Json, after: Json, expected: list[str]) -> None:
    assert _shown(before, after) == expected


def test_a_difference_has_its_path_and_both_values() -> None:
    (found,) = diff(_app(environment={"[LOG]": "a"}), _app(environment={"[LOG]": "b"}))
    assert found == Difference(("containerDefinitions", "[app]", "environment", "[LOG]"), "a", "b")
    assert found.path == "containerDefinitions[app].environment[LOG]"


def test_values_of_the_environment_are_not_kept() -> None:
    before = _app(environment={"[A]": "secret 1", "[B]": "secret 2"})
    after = _app(environment={"[A]": "secret 3", "[C]": "secret 4"})
    found = redacted(diff(before, after))
    assert [(each.before, each.after) for each in found] == [
        (Marker.CHANGED, Marker.CHANGED),
        (Marker.REMOVED, None),
        (None, Marker.ADDED),
    ]
    assert lines(found) == [
        "~ containerDefinitions[app].environment[A]: (changed, value not shown)",
        "- containerDefinitions[app].environment[B]: (removed, value not shown)",
        "+ containerDefinitions[app].environment[C]: (added, value not shown)",
    ]
    # AND a second time nothing changes
    assert redacted(found) == found


_HIDDEN = "hidden"
_OPTIONS = ("splunk-token", "apikey", "http_Passwd", "Cloud_Auth", "Header", "URI", "aws_secret_access_key")


@pytest.mark.parametrize(
    "container",
    [
        {"environment": {"[A]": {"value": _HIDDEN, "ofTomorrow": 1}}},
        {"environment": [{"name": "A", "value": _HIDDEN}]},
        *({"logConfiguration": {"options": {name: _HIDDEN}}} for name in _OPTIONS),
        {"firelensConfiguration": {"options": {"password": _HIDDEN}}},
        {"dockerLabels": {"com.example.token": _HIDDEN}},
        {"command": ["run", f"--password={_HIDDEN}"]},
        {"command": ["run", "--api-key", _HIDDEN]},
        {"command": ["curl", f"https://me:{_HIDDEN}@host/"]},
        {"healthCheck": {"command": ["CMD", "curl", "-H", f"Authorization: Bearer {_HIDDEN}"]}},
        {"logConfiguration": {"options": {"labels": f"arn:x password={_HIDDEN}"}}},
        {"dockerLabels": {"secrets": f"token={_HIDDEN}"}},
        {"overrides": {"environment": {"A": _HIDDEN}}},
        {"entryPoint": ["sh", "-c", f"DB_PASSWORD={_HIDDEN} exec app"]},
    ],
)
def test_where_secrets_commonly_stand_no_value_is_shown(container: Json) -> None:
    for before, after in (({}, container), (container, {}), (container, _changed(container))):
        found = redacted(diff(_app(**before), _app(**after)))
        assert found
        assert _HIDDEN not in repr(found)
        assert _HIDDEN not in "".join(lines(found))


def _changed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _changed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_changed(each) for each in value]
    return value.replace(_HIDDEN, f"{_HIDDEN}-2") if isinstance(value, str) else value


def test_volumes_and_inputs_of_targets_hide_theirs_too() -> None:
    options = {"o": f"addr=10.0.0.1,username=me,password={_HIDDEN}"}
    volumes = {"volumes": {"[data]": {"dockerVolumeConfiguration": {"driverOpts": options}}}}
    text = '{"containerOverrides": [{"name": "app", "environment": [{"name": "A", "value": "hidden"}]}]}'
    for after in (volumes, {"Input": text}, {"containers": [{"environment": [{"value": _HIDDEN}]}]}):
        assert _HIDDEN not in "".join(_shown({}, after))


@pytest.mark.parametrize(
    "container",
    [
        {"secrets": {"[DB_PASSWORD]": "arn:aws:secretsmanager:us-west-2:1:secret:db"}},
        {"logConfiguration": {"secretOptions": {"[splunk-token]": "/token=x"}}},
        {"repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:us-west-2:1:secret:registry"}},
        {"logConfiguration": {"options": {"awslogs-group": "/ecs/app"}}},
        {"systemControls": {"[net.core.somaxconn]": {"value": "1024"}}},
        {"dockerLabels": {"environment": "prod"}},
        {"command": ["run", "--tokens", "5"]},
        {"image": "app:secret-1"},
        {"volumesFrom": {"[a]": {"sourceContainer": "arn:aws:secretsmanager:us-west-2:1:secret:x"}}},
    ],
)
def test_references_and_plain_values_are_shown(container: Json) -> None:
    (found,) = redacted(diff(_app(), _app(**container)))
    assert not isinstance(found.after, Marker)


def test_keys_of_any_length_have_an_order() -> None:
    names = [f"[{'9' * 5_000}]", "[10]", "[9]", "[a]", "[\u0663]"]
    found = [each.steps[0] for each in diff({}, dict.fromkeys(names, 1))]
    assert found == ["[9]", "[10]", names[0], "[a]", "[\u0663]"]


def test_lines_are_lines() -> None:
    # GIVEN values and names with control characters, a link and a line that looks like another difference
    after = {"a": "x\n~ b: 1 → 2", "n\x1b[31m": "\u202e", "link": "https://example.com", "[k\r]": "\ud800"}
    # THEN each is one line that shows them as escapes
    assert lines(diff({}, after)) == [
        "+ [k\\r]: \\ud800",
        "+ a: x\\n~ b: 1 → 2",
        "+ link: https[:]//example[.]com",
        '+ ["n\\u001b[31m"]: \\u202e',
    ]


@pytest.mark.parametrize("details", ["hunter2", '{"pin": "hunter2"}', {"pin": "hunter2"}, {"a": [{"b": "hunter2"}]}])
def test_no_detail_of_a_hook_is_shown(details: Any) -> None:
    # GIVEN a lifecycle hook with details, which may be any JSON, and another one in its place
    hook = {"hookTargetArn": "arn:aws:lambda:us-west-2:111111111111:function:x", "lifecycleStages": ["PRE_SCALE_UP"]}
    other = {**hook, "lifecycleStages": ["POST_SCALE_UP"]}
    for before, after in (([{**hook, "hookDetails": details}], [other]), ([], [{**hook, "hookDetails": details}])):
        # THEN nothing of them is in a line
        assert "hunter2" not in " ".join(_shown({"lifecycleHooks": before}, {"lifecycleHooks": after}))
