"""deployment.yaml: what is accepted, and how everything else is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops import manifest
from ecs_gitops.manifest import ServiceItem, TaskItem
from ecs_gitops.manifest.json_schema import schema
from ecs_gitops.model.errors import InvalidManifest

SCHEMA = jsonschema.Draft202012Validator(schema())
SMALL = b"""\
release: 4.0
tasks:
  - service: rating-cleanup
    cwRuleName: test-rating-cleanup
    image: "111111111111.dkr.ecr.us-west-2.amazonaws.com/rating-cleanup:2.0.0"
services:
  - service: echoserver
    clusterName: vtj-poc
    serviceName: vtj-poc
    image: "gcr.io/google_containers/echoserver:1.3"
"""
WEB = "  - {service: web, clusterName: shop, serviceName: web, image: 'web:1'}\n"


def refused(text: str | bytes) -> InvalidManifest:
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(text if isinstance(text, bytes) else text.encode(), "deployment.yaml")
    return caught.value


def test_a_manifest_of_tasks_and_services_is_read():
    read = manifest.load(SMALL, "deployment.yaml")
    assert read.release == "4.0"
    assert read.tasks == (
        TaskItem(
            service="rating-cleanup",
            cw_rule_name="test-rating-cleanup",
            image="111111111111.dkr.ecr.us-west-2.amazonaws.com/rating-cleanup:2.0.0",
        ),
    )
    assert read.services == (
        ServiceItem(
            service="echoserver",
            cluster_name="vtj-poc",
            service_name="vtj-poc",
            image="gcr.io/google_containers/echoserver:1.3",
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "services:\n" + WEB,
        "tasks:\nservices:\n" + WEB,
        "tasks: []\nservices:\n" + WEB,
        "tasks: ~\nservices:\n" + WEB,
        "services: null\ntasks:\n  - {service: job, cwRuleName: nightly, image: 'job:1'}\n",
        "\ufeffservices:\n" + WEB,
        ("services:\n" + WEB).replace("\n", "\r\n"),
    ],
    ids=["no release", "empty tasks", "no tasks", "null tasks", "tasks only", "byte order mark", "CRLF"],
)
def test_absent_and_empty_parts_are_read(text):
    read = manifest.load(text.encode(), "deployment.yaml")
    assert len(read.services) + len(read.tasks) == 1


@pytest.mark.parametrize("value", ["4.0", "1.10", "no", "0123", "2026-11-23", "1e999", "0x1F", "12:30", "on"])
def test_scalars_keep_the_text_of_the_file(value):
    read = manifest.load(f"release: {value}\nservices:\n{WEB}".encode(), "deployment.yaml")
    assert read.release == value
    assert manifest.from_json(read.to_json()).release == value


def test_every_problem_is_reported_at_once_with_its_place():
    error = refused(
        "releas: 4.0\nservices:\n"
        "  - service: web\n    clusterNme: shop\n    serviceName: web\n    image: 'a b'\n"
        "  - service: web\n    clusterName: shop\n    serviceName: web\n    image: a:1\n    image: a:2\n"
        "    timeoutMinutes: 1e999\n"
    )
    assert [(p.line, p.column, p.path) for p in error.problems] == [
        (1, 1, "releas"),
        (3, 5, "services[0]"),
        (4, 5, "services[0].clusterNme"),
        (6, 12, "services[0].image"),
        (11, 5, "services[1].image"),
        (12, 21, "services[1].timeoutMinutes"),
    ]
    lines = str(error).splitlines()
    assert lines[0].startswith("deployment.yaml:1:1: releas: unknown key; did you mean release?; accepted: release,")
    assert "clusterName is missing" in lines[1]
    assert "first in line 10" in lines[4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing is not a mapping"),
        ("[]", "a list is not a mapping"),
        ("release: 4.0", "neither tasks nor services"),
        ("services: 3", "'3' is not a list"),
        ("services: [3]", "'3' is not a mapping"),
        ("services:\n" + WEB + WEB, "the same service as services[0] in line 2"),
        (
            "tasks:\n" + "  - {service: job, cwRuleName: n, image: 'job:1'}\n" * 2,
            "the same scheduled task as tasks[0] in line 2",
        ),
        ("services:\n  - {service: [a], clusterName: c, serviceName: s, image: i}", "a list is not a single value"),
        ("services:\n\t- x", "not valid YAML"),
        ("a: &a [b]\nc: *d", "not valid YAML"),
        ("--- 1\n--- 2\n", "not valid YAML"),
        ("release: !!python/object:os.system x", "is not allowed"),
        ("release: !x 1", "is not allowed"),
        ("release: 'a\x07'", "a character that YAML does not allow"),
        ("? [a]\n: b", "a key that is not a plain word"),
        ("<<: 3\nservices:\n" + WEB, "merges something that is not a mapping"),
        ('release: "a\\nb"\nservices:\n' + WEB, "is not accepted"),
        ("services:\n" + WEB.replace("}", ", account: 123}"), "'123' is not accepted"),
        ("services:\n" + WEB.replace("}", ", forceNewDeployment: yes}"), "'yes' is not accepted"),
        ("[" * 1000, "nested too deeply"),
    ],
)
def test_wrong_input_is_an_error_with_a_place(text, message):
    error = refused(text)
    assert message in str(error)
    assert error.problems[0].line >= 1


def test_a_file_that_is_not_utf8_is_refused_where_it_is_not():
    error = refused(b"release: 1\nservices: \xff")
    assert (error.problems[0].line, error.problems[0].column, error.problems[0].message) == (2, 11, "not UTF-8")


def test_a_target_is_a_duplicate_after_defaults_too():
    error = refused(
        "defaults: {clusterName: shop}\nservices:\n" + WEB + "  - {service: web, serviceName: web, image: 'web:2'}\n"
    )
    assert "the same service as services[0] in line 3" in str(error)
    other_region = WEB.replace("}", ", region: eu-west-1}")
    assert len(manifest.load(("services:\n" + WEB + other_region).encode(), "x").services) == 2


def test_defaults_fill_what_items_do_not_say_and_required_fields_too():
    text = """\
defaults: {account: "222222222222", clusterName: shop, timeoutMinutes: 5, eventBusName: orders}
tasks:
  - {service: job, cwRuleName: nightly, image: "job:1"}
services:
  - {service: web, serviceName: web, image: "web:1"}
  - {service: api, serviceName: api, image: "api:1", account: "333333333333", timeoutMinutes: 9}
"""
    read = manifest.load(text.encode(), "deployment.yaml").with_defaults()
    assert (read.tasks[0].account, read.tasks[0].event_bus_name) == ("222222222222", "orders")
    assert [(s.account, s.cluster_name, s.timeout_minutes) for s in read.services] == [
        ("222222222222", "shop", 5),
        ("333333333333", "shop", 9),
    ]


def test_anchors_and_merge_keys_work_within_bounds():
    first = WEB.replace("- {", "- &a {")
    text = f"services:\n{first}  - {{<<: *a, serviceName: b}}\n"
    assert [s.service_name for s in manifest.load(text.encode(), "x").services] == ["web", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
        "services:\n" + WEB * 100_000,
        "release: " + "x" * 1_000_000,
        "a: &a {<<: *a}",
        "services: [" + "*a, " * 5000 + "]",
    ],
    ids=["alias bomb", "100,000 services", "a megabyte", "recursive alias", "undefined aliases"],
)
def test_hostile_input_is_refused_in_bounded_time(text):
    began = time.monotonic()
    refused(text)
    # PyYAML without its compiled part, as on another architecture than the layer's, is ten times slower.
    assert time.monotonic() - began < (10 if yaml.__with_libyaml__ else 100)


def test_a_version_that_is_not_ours_is_refused_in_the_rendered_input():
    data = {"schemaVersion": 2, "services": [{"service": "w", "clusterName": "c", "serviceName": "s", "image": "i"}]}
    with pytest.raises(InvalidManifest, match="schemaVersion: '2' is not accepted; accepted: 1"):
        manifest.from_json(data)
    assert manifest.from_json({**data, "schemaVersion": 1, "source": {}}).services
    assert "schemaVersion: unknown key" in str(refused("schemaVersion: 1\nservices:\n" + WEB))


@pytest.mark.parametrize("data", [None, 1, "x", [], {"services": {"a": object()}}, {"services": [[[]]]}])
def test_odd_execution_input_is_refused(data):
    with pytest.raises(InvalidManifest):
        manifest.from_json(data)


@given(data=st.binary(max_size=400) | st.text(max_size=400).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_any_bytes_give_a_manifest_or_the_documented_error(data):
    try:
        manifest.load(data, "x")
    except InvalidManifest as error:
        problems = error.problems
    else:
        return
    assert problems


json_data = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["services", "tasks", "defaults", "image", "service", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(data=json_data)
def test_any_json_gives_a_manifest_or_the_documented_error(data):
    try:
        manifest.from_json(data)
    except InvalidManifest as error:
        problems = error.problems
    else:
        return
    assert problems


names = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
services = st.fixed_dictionaries(
    {"service": names, "clusterName": names, "serviceName": names, "image": st.just("a/b:1")},
    optional={
        "timeoutMinutes": st.integers(1, 1440),
        "forceNewDeployment": st.booleans(),
        "region": st.just("eu-west-1"),
    },
)


@given(items=st.lists(services, min_size=1, max_size=5, unique_by=lambda s: (s["clusterName"], s["serviceName"])))
def test_what_is_loaded_comes_back_the_same_from_its_json(items):
    read = manifest.load(yaml.safe_dump({"services": items}).encode(), "x")
    assert manifest.from_json(json.loads(json.dumps(read.to_json()))) == read
    SCHEMA.validate({"services": items})


def test_the_schema_agrees_with_the_checker_on_a_good_file_and_on_wrong_structure():
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(yaml.safe_load(SMALL), schema())
    for wrong in ({"services": [{"clusterNme": "x"}]}, {}, {"services": 3}, {"services": [{"timeoutMinutes": 0}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema())


def test_checking_the_execution_input_imports_no_yaml():
    code = "import sys, ecs_gitops.manifest as m; m.from_json; print('yaml' in sys.modules or 'boto3' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(manifest.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"
