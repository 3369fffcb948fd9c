"""What people write and what AWS returns for it have the same normal form: shapes that differ in features of ECS."""

from __future__ import annotations

import copy
import json
from functools import cache, partial
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from ecs_gitops.ecs.arns import Place
from ecs_gitops.ecs.normal_autoscaling import normal_scalable_target
from ecs_gitops.ecs.normal_service import Namespaces, left_to_aws, normal_service
from ecs_gitops.ecs.normal_task_definition import normal_task_definition
from ecs_gitops.plan.diff import diff, lines
from unit.ecs_defaults import ACCOUNT, NAMESPACES, REGION, described_definition, described_service
from unit.ecs_verbose import verbose_definition, verbose_service
from unit.shapes_services import SHAPES as SERVICES
from unit.shapes_task_definitions import SHAPES as DEFINITIONS

Json = dict[str, Any]
PLACE = Place("aws", REGION, ACCOUNT)


@cache
def _model(service: str) -> Any:
    return get_session().get_service_model(service)


def _require_real(shape: Any, value: Any) -> None:
    """AWS's own model knows every member, type and word."""
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    assert [each for each in _foreign_words(shape, value) if each] == []


def _foreign_words(shape: Any, value: Any) -> list[str]:
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        return [word for name, each in value.items() for word in _foreign_words(shape.members[name], each)]
    if shape.type_name == "list":
        return [word for each in value for word in _foreign_words(shape.member, each)]
    return [value] if shape.type_name == "string" and shape.enum and value not in shape.enum else []


def _differences(before: Json, after: Json) -> list[str]:
    return lines(diff(before, after))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_task_definition_reads_back_as_it_was_written(name: str) -> None:
    # GIVEN a task definition that ECS takes, and what it returns
    written = DEFINITIONS[name]
    returned = described_definition(written)
    _require_real(_model("ecs").shape_for("RegisterTaskDefinitionRequest"), written)
    _require_real(_model("ecs").shape_for("TaskDefinition"), {n: v for n, v in returned.items() if n != "tags"})
    untouched = copy.deepcopy((written, returned))

    # WHEN both are normalised, THEN nothing differs, nothing was changed, and nothing changes a second time
    one, other = normal_task_definition(written), normal_task_definition(returned)
    assert _differences(one, other) == []
    assert one == other
    assert (written, returned) == untouched
    assert normal_task_definition(one) == one
    # AND it can be stored
    assert json.loads(json.dumps(one)) == one


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_reads_back_as_it_was_written(name: str) -> None:
    # GIVEN a service that ECS takes, and what it returns
    written = SERVICES[name]
    returned = described_service(written)
    _require_real(_model("ecs").shape_for("CreateServiceRequest"), written)
    # The caller adds what DescribeServiceRevisions has.
    _require_real(_model("ecs").shape_for("Service"), {n: v for n, v in returned.items() if n != "monitoring"})
    untouched = copy.deepcopy((written, returned))

    # WHEN both are normalised, without what Git leaves to AWS
    namespaces = Namespaces(NAMESPACES)
    normal = partial(normal_service, place=PLACE, without=left_to_aws(written), namespaces=namespaces)
    one, other = normal(written), normal(returned)

    # THEN nothing differs, nothing was changed, and nothing changes a second time
    assert _differences(one, other) == []
    assert one == other
    assert (written, returned) == untouched
    assert normal(one) == one
    assert json.loads(json.dumps(one)) == one


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_task_definition_with_every_default_in_writing_is_the_same(name: str) -> None:
    one, other = (normal_task_definition(each) for each in (DEFINITIONS[name], verbose_definition(DEFINITIONS[name])))
    assert _differences(one, other) == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_with_every_default_in_writing_is_the_same(name: str) -> None:
    normal = partial(
        normal_service, place=PLACE, without=left_to_aws(SERVICES[name]), namespaces=Namespaces(NAMESPACES)
    )
    assert _differences(normal(SERVICES[name]), normal(verbose_service(SERVICES[name]))) == []


def test_shapes_differ() -> None:
    definitions = {json.dumps(each, sort_keys=True) for each in DEFINITIONS.values()}
    services = {json.dumps(each, sort_keys=True) for each in SERVICES.values()}
    assert (len(definitions), len(services)) == (len(DEFINITIONS), len(SERVICES))
    assert len(definitions) >= 60
    assert len(services) >= 40


def _examples(service: str, *operations: str) -> list[tuple[Json, Json]]:
    (file,) = (Path(botocore.__file__).parent / "data" / service).glob("*/examples-1.json")
    found = json.loads(file.read_text())["examples"]
    return [(each.get("input", {}), each.get("output", {})) for name in operations for each in found.get(name, [])]


def test_aws_examples_of_task_definitions() -> None:
    (request, answer), (_, described) = _examples("ecs", "RegisterTaskDefinition", "DescribeTaskDefinition")
    # GIVEN a request and its answer as AWS documents them, THEN they are the same
    assert _differences(normal_task_definition(request), normal_task_definition(answer["taskDefinition"])) == []
    # AND an answer is its own normal form's input without loss
    normal = normal_task_definition(described["taskDefinition"])
    assert normal["containerDefinitions"] == {
        "[mysql]": {
            "cpu": 10,
            "environment": {"[MYSQL_ROOT_PASSWORD]": "password"},
            "image": "mysql",
            "memory": 500,
        },
        "[wordpress]": {
            "cpu": 10,
            "image": "wordpress",
            "links": ["mysql"],
            "memory": 500,
            "portMappings": {"[80]": {"hostPort": 80}},
        },
    }


def test_aws_examples_of_services() -> None:
    # GIVEN requests and their answers as AWS documents them; the family means a revision that only ECS knows, and one
    # answer has an account's number in other words
    place = Place("aws", "us-east-1", "012345678910")
    for request, answer in _examples("ecs", "CreateService"):
        normal = partial(normal_service, place=place, without=left_to_aws(request))
        found = _differences(normal(request), normal(answer["service"]))
        assert [line.partition(":")[0] for line in found] == ["~ taskDefinition"]
    # AND an answer alone
    ((_, described),) = _examples("ecs", "DescribeServices")
    assert normal_service(described["services"][0], place=place) == {
        "desiredCount": 1,
        "serviceName": "ecs-simple-service",
        "taskDefinition": "arn:aws:ecs:us-east-1:012345678910:task-definition/hello_world:6",
    }
    # UpdateService's requests have no service to compare: they stay as they are
    updates = [request for request, _ in _examples("ecs", "UpdateService")]
    assert [normal_service(each, place=place).get("service") for each in updates] == ["my-http-service"] * 2


def test_aws_examples_of_scalable_targets() -> None:
    operations = ("RegisterScalableTarget", "DescribeScalableTargets")
    (request, _), (_, described) = _examples("application-autoscaling", *operations)
    (target,) = described["ScalableTargets"]
    assert normal_scalable_target(request) == request
    left_out = ("CreationTime", "RoleARN", "SuspendedState")
    assert normal_scalable_target(target) == {name: value for name, value in target.items() if name not in left_out}
