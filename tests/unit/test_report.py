"""Every item has a result, and the notice can be read, sent and counted on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.flow import outcome as report
from ecs_gitops.flow.stages import Stage, following
from ecs_gitops.model.batch import Batch, state_error
from ecs_gitops.model.item import Item
from ecs_gitops.model.status import Kind, Step
from ecs_gitops.notify import notice
from unit.item_maker import service_item

ROLE = "arn:aws:iam::111111111111:role/deploy"


def batch(*items: Item, **more: object) -> Batch:
    return Batch(Kind.SERVICE, "111111111111", "us-west-2", ROLE, items, **more)  # type: ignore[arg-type]


GOOD = service_item(
    0,
    "web",
    "shop",
    {"web": "web:2"},
    30,
    status="DEPLOYED",
    previous="web:1",
    revision="web:2",
    previous_image="web:1",
    watching="ecs-svc/1",
    seconds=12.5,
)
BAD = service_item(
    1, "api", "shop", {"api": "api:2"}, 30, status="FAILED", reason="2 stopped tasks: CannotPullContainerError"
)
SAME = service_item(
    2,
    "same",
    "shop",
    {"same": "same:1"},
    30,
    status="UNCHANGED",
    previous="same:1",
    revision="same:1",
    previous_image="same:1",
)


def test_every_item_has_the_documented_result():
    assert report.outcome_of([batch(GOOD)]).items == (
        {
            "name": "web",
            "kind": "service",
            "cluster": "shop",
            "account": "111111111111",
            "region": "us-west-2",
            "status": "DEPLOYED",
            "previousTaskDefArn": "arn:aws:ecs:us-west-2:111111111111:task-definition/web:1",
            "deployedTaskDefArn": "arn:aws:ecs:us-west-2:111111111111:task-definition/web:2",
            "previousImage": "web:1",
            "image": "web:2",
            "deploymentId": "ecs-svc/1",
            "seconds": 12.5,
        },
    )


def test_one_failed_item_fails_the_release_and_hides_none():
    outcome = report.outcome_of([batch(GOOD, BAD, SAME)])
    assert outcome.status == "FAILED"
    assert outcome.summary == "1 deployed, 1 unchanged, 1 failed"
    assert [item["name"] for item in outcome.items] == ["web", "api", "same"]
    assert "api: FAILED: 2 stopped tasks: CannotPullContainerError" in outcome.cause


@pytest.mark.parametrize("step", [Step.PENDING, Step.ROLLING_OUT])
def test_an_item_whose_state_failed_is_unknown_and_so_failed(step):
    # GIVEN a batch on which the state machine's state failed for good
    left = batch(service_item(step=step), error="AwsUnavailable: throttled")
    # THEN the item is FAILED with that reason, and the release is no success
    outcome = report.outcome_of([left])
    assert outcome.status == "FAILED"
    assert outcome.items[0]["status"] == "FAILED"
    assert "unknown" in outcome.items[0]["reason"]
    assert "AwsUnavailable: throttled" in outcome.items[0]["reason"]


def test_a_state_that_failed_with_any_text_is_told_as_it_is():
    # GIVEN a batch whose state failed for good with what AWS answered, braces and all
    cause = '{"__type": "ServiceException", "message": "{} {0} %s"}'
    left = replace(batch(service_item(step=Step.ROLLING_OUT)), error=f"Lambda.AWSLambdaException: {cause}")
    # THEN the item is FAILED with that reason
    over = following(Stage((left,), ()))
    assert over.batches == ()
    assert over.rest[0].items[0].reason == f"unknown: the item may have been changed; {left.error}"


def test_a_release_without_any_item_is_no_success():
    assert report.outcome_of([], "InvalidManifest: x").status == "FAILED"
    assert report.outcome_of([]).status == "FAILED"


def test_the_error_text_of_a_function_is_its_message_without_the_stack_trace():
    cause = json.dumps({"errorMessage": "no such thing", "errorType": "InvalidManifest", "stackTrace": ["secret"]})
    assert state_error({"Error": "InvalidManifest", "Cause": cause}) == "InvalidManifest: no such thing"
    assert state_error({"Error": "States.Timeout", "Cause": "plain"}) == "States.Timeout: plain"


@pytest.mark.parametrize(
    ("status", "count"),
    [
        *((s, n) for s in ("FAILED", "ROLLED_BACK", "SKIPPED", "HELD", "DEPLOYED") for n in (10, 500)),
        ("DEPLOYED", 5000),
    ],
)
def test_as_many_results_as_there_is_room_for_are_in_the_notice_failed_ones_first(release, status, count):
    # GIVEN services with all that a result can have, reasons that grow when they are escaped, and one that failed
    image = "111111111111.dkr.ecr.us-west-2.amazonaws.com/team/service-with-a-long-name-{:04}:2026.11.24-abcdef0"
    items = [
        service_item(
            n,
            f"service-with-a-long-name-{n:04}",
            images={"app": image.format(n)},
            status=status,
            previous_image=image.format(n)[:-1] + "1",
            revision=f"service-with-a-long-name-{n:04}:13",
            previous=f"service-with-a-long-name-{n:04}:12",
            watching="ecs-svc/1234567890123456789",
            seconds=12.5,
            reason='ü"' * 500,
            warnings=("w" * 60,) * 3,
            checks=dict.fromkeys(("role", "target", "container", "image", "secrets"), "OK"),
        )
        for n in range(count)
    ]
    items.append(service_item(count, "web", status="FAILED", reason="why"))
    outcome = report.outcome_of([batch(*items)])
    kept = report.fit(outcome.items)
    # THEN they take 100 KB, and the notice with them stays below 256 KiB
    size = len(json.dumps(kept, separators=(",", ":")).encode())
    assert size <= 100_000
    text = notice.message(release, outcome, "pipeline")
    assert size + len(text.encode()) + len(outcome.cause.encode()) < 262_144 - 10_000
    # AND nothing is cut: what failed comes first, and what is left out can be counted
    assert all(each in outcome.items for each in kept)
    assert len(kept) == count + 1 if count == 10 else 10 < len(kept) < count
    if status not in ("FAILED", "ROLLED_BACK"):
        assert kept[0]["name"] == "web" or count == 10
    assert sum(outcome.counts.values()) == count + 1


def test_the_notice_of_a_failure_can_be_read_in_an_e_mail(release):
    release = replace(release, source=replace(release.source, author="Ada", subject="Ship it", branch="main"))
    text = notice.message(release, report.outcome_of([batch(GOOD, BAD, SAME)]), "ecs-gitops")
    assert (
        text
        == """\
Release FAILED: 1 deployed, 1 unchanged, 1 failed
Release:    4.0
Commit:     abc123 Ship it
Author:     Ada
Repository: config (main)

Not deployed
  FAILED      shop/api (111111111111, us-west-2)
              api:2
              2 stopped tasks: CannotPullContainerError
              https://us-west-2.console.aws.amazon.com/ecs/v2/clusters/shop/services/api/deployments?region=us-west-2

Deployed
  DEPLOYED    shop/web (111111111111, us-west-2)  web:1 -> web:2
              web:1 -> web:2

Unchanged
  UNCHANGED   shop/same (111111111111, us-west-2)  same:1
              same:1

Execution: https://us-west-2.console.aws.amazon.com/states/home?region=us-west-2#/v2/executions/details/arn:aws:states:us-west-2:111111111111:execution:ecs-gitops:run-1
Pipeline:  https://us-west-2.console.aws.amazon.com/codesuite/codepipeline/pipelines/ecs-gitops/view?region=us-west-2
"""
    )


def test_the_notice_tells_of_a_release_that_was_never_planned(release):
    outcome = report.outcome_of([], "InitConfig could not plan: InvalidManifest: services[0]")
    text = notice.message(release, outcome, "")
    assert "What went wrong\n  InitConfig could not plan: InvalidManifest: services[0]" in text
    assert "no item was deployed" in notice.subject(release, outcome)


def test_nothing_is_called_deployed_where_nothing_was(release):
    held = service_item(status="HELD", previous="web:1", running="web:1")
    for items, word in (((SAME,), "unchanged"), ((SAME, held), "HELD"), ((GOOD, held), "deployed"), ((BAD,), "FAILED")):
        outcome = report.outcome_of([batch(*items)])
        assert notice.subject(release, outcome).startswith(f"[ecs-gitops] {word}: release 4.0 (")
        text = notice.message(release, outcome, "")
        assert text.startswith(f"Release {word}: ")
        if word in ("unchanged", "HELD"):
            assert "deployed" not in text.replace("/deployments", "").lower()


def test_what_waits_is_held_and_what_depends_on_a_failure_is_skipped():
    # GIVEN a held, a failed and a skipped item, and three that wait for one or more of them
    left = service_item(3, "left", "shop", {"left": "left:2"}, 30, status="HELD", running="left:1")
    waits = service_item(4, "waits", "shop", {"waits": "waits:2"}, 30, depends_on=(3,))
    fails = service_item(5, "fails", "shop", {"fails": "fails:2"}, 30, depends_on=(3, 1))
    after = service_item(6, "after", "shop", {"after": "after:2"}, 30, depends_on=(4, 5))
    over = following(Stage((batch(BAD, left),), (batch(waits, fails, after),)))
    reasons = {item.name: (item.status, item.reason) for each in over.rest for item in each.items}
    assert reasons["waits"] == ("HELD", "waits for left, which is HELD; its reason says how to go on")
    assert reasons["fails"] == ("SKIPPED", "depends on left, which is HELD, api, which is FAILED")
    assert reasons["after"][0] == "SKIPPED"


@pytest.mark.parametrize(
    ("items", "reported"),
    [
        ((SAME,), {"always"}),
        ((SAME, GOOD), {"always", "changes"}),
        ((SAME, service_item(status="HELD")), {"always", "changes"}),
        ((SAME, BAD), {"always", "changes", "failures"}),
        ((service_item(status="SKIPPED"),), {"always", "changes", "failures"}),
        ((), {"always", "changes", "failures"}),
    ],
    ids=["unchanged", "deployed", "held", "failed", "skipped", "not planned"],
)
def test_who_is_told_of_what_is_a_choice_and_a_failure_is_always_told(items, reported):
    outcome = report.outcome_of([batch(*items)] if items else [])
    assert {choice for choice in ("always", "changes", "failures") if notice.is_sent(outcome, choice)} == reported


@given(name=st.text(max_size=300))
def test_subjects_are_always_ones_that_sns_takes(release, name):
    subject = notice.subject(replace(release, release=name), report.outcome_of([batch(GOOD)]))
    assert 0 < len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "us-west-2", "https://us-west-2.console.aws.amazon.com/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-eusc", "eusc-de-east-1", "https://eusc-de-east-1.console.amazonaws-eusc.eu/"),
        ("aws-iso", "us-iso-east-1", None),
    ],
)
def test_links_lead_to_the_partitions_own_console_or_are_left_out(release, partition, region, host):
    arn = f"arn:{partition}:states:{region}:111111111111:execution:ecs-gitops:run-1"
    outcome = report.outcome_of([replace(batch(BAD), region=region)])
    text = notice.message(replace(release, execution_arn=arn), outcome, "pipe")
    if host:
        assert text.count(host) == text.count("https://") == 3
    else:
        assert "https://" not in text
        assert f"Execution: {arn}\nPipeline:  pipe\n" in text
