"""The log line that CloudWatch makes a release's metrics from."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.flow.outcome import Outcome, outcome_of
from ecs_gitops.flow.stages import Stage
from ecs_gitops.lambdas import validate_deploy
from ecs_gitops.ledger.work import Work
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.release import Release
from ecs_gitops.model.source import Source
from ecs_gitops.model.status import Kind, Mode, Next, Status
from ecs_gitops.notify import metrics
from ecs_gitops.release.report import write_metrics
from unit.conftest import EXECUTION, RELEASE
from unit.item_maker import service_item

ROLE = "arn:aws:iam::111111111111:role/deploy"
SECRET = "environment-value-that-must-not-leak"
NOW = RELEASE.started_at + 61.5
# API_MetricDatum; those in use here.
UNITS = {"Seconds", "Count"}

statuses = st.sampled_from(sorted(Status))
texts = st.none() | st.text(max_size=300)
releases = st.builds(
    Release,
    execution_arn=st.just(EXECUTION) | st.text(max_size=50),
    execution_name=st.text(max_size=100),
    started_at=st.floats() | st.floats(1e9, 2e9),
    release=texts,
    source=st.builds(Source, commit_id=texts, author=texts, subject=texts),
)


def outcome(*items: str, error: str | None = None) -> Outcome:
    """What comes of a release whose items end with these statuses."""
    made = tuple(
        service_item(n, f"{SECRET}-{n}", "shop", {"web": f"web:{SECRET}"}, 30, status=status, reason=SECRET)
        for n, status in enumerate(items)
    )
    role = "arn:aws:iam::111111111111:role/deploy"
    batches = [Batch(Kind.SERVICE, "111111111111", "us-west-2", role, made)] if made else []
    return outcome_of(batches, error)


def check(document: dict[str, object]) -> dict[str, float]:
    """Hold a document against the specification's rules; its metrics by name."""
    text = json.dumps(document, allow_nan=False)
    assert "\n" not in text
    assert len(text.encode()) < 256 * 1024
    root = json.loads(text)
    assert isinstance(root["_aws"]["Timestamp"], int)
    (directive,) = root["_aws"]["CloudWatchMetrics"]
    assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
    assert 1 <= len(directive["Namespace"]) <= 255
    assert not directive["Namespace"].startswith("AWS/")
    for dimensions in directive["Dimensions"]:
        assert len(dimensions) <= 30
        for name in dimensions:
            assert 1 <= len(name) <= 250
            assert isinstance(root[name], str)
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert len(names) == len(set(names)) <= 100
    for metric in directive["Metrics"]:
        assert metric.keys() == {"Name", "Unit"}
        assert 1 <= len(metric["Name"]) <= 1024
        assert metric["Unit"] in UNITS
        assert isinstance(root[metric["Name"]], int | float)
        assert not isinstance(root[metric["Name"]], bool)
    return {name: root[name] for name in names}


def test_a_release_is_told_by_its_state_machine_and_found_by_its_commit():
    document = metrics.document(RELEASE, outcome("DEPLOYED", "DEPLOYED", "UNCHANGED"), NOW)

    assert check(document) == {
        "Releases": 1,
        "FailedReleases": 0,
        "Duration": 61.5,
        "Deployed": 2,
        "Unchanged": 1,
        "FailedItems": 0,
        "RolledBackItems": 0,
        "SkippedItems": 0,
        "HeldItems": 0,
    }
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "EcsGitops"
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["StateMachine"]]
    assert document["_aws"]["Timestamp"] == 1_000_061_500
    properties = {key: document[key] for key in ("StateMachine", "release", "commitId", "execution", "status")}
    assert properties == {
        "StateMachine": "ecs-gitops",
        "release": "4.0",
        "commitId": "abc123",
        "execution": "run-1",
        "status": "SUCCEEDED",
    }


def test_a_failed_release_counts_each_kind_of_item():
    made = check(
        metrics.document(
            RELEASE, outcome("DEPLOYED", "FAILED", "ROLLED_BACK", "ROLLED_BACK", "SKIPPED", "HELD", "HELD"), NOW
        )
    )

    assert made["FailedReleases"] == 1
    assert [made[name] for name in metrics.ITEMS] == [1, 0, 1, 2, 1, 2]


def test_a_release_without_a_known_start_has_no_duration():
    made = check(metrics.document(replace(RELEASE, started_at=0.0), outcome(error="could not be planned"), NOW))

    assert (made["Releases"], made["FailedReleases"]) == (1, 1)
    assert "Duration" not in made


@given(
    release=releases,
    items=st.lists(statuses, max_size=30),
    error=texts,
    now=st.floats(1e9, 4e9),
    level=st.sampled_from(["DEBUG", "INFO", "WARN", "ERROR"]),
)
def test_whatever_comes_of_a_release_cloudwatch_takes_its_document(release, items, error, now, level):
    came = outcome(*items, error=error)
    document = metrics.document(release, came, now, level)

    made = check(document)
    assert sum(made[name] for name in metrics.ITEMS) == len(items)
    assert made["FailedReleases"] == (came.status != "SUCCEEDED")
    assert made.get("Duration", 0) >= 0
    # AND nothing of an item, of an author or of a reason is in it
    assert SECRET not in json.dumps(document)
    assert document.keys() - made.keys() <= {
        "_aws",
        "level",
        "timestamp",
        "StateMachine",
        "release",
        "commitId",
        "execution",
        "status",
    }


@pytest.mark.parametrize("level", [None, "DEBUG", "WARN", "ERROR"])
def test_lambdas_filter_lets_the_line_through_at_every_level(monkeypatch, capsys, level):
    # GIVEN the level that Lambda tells the runtime
    monkeypatch.delenv("AWS_LAMBDA_LOG_LEVEL", raising=False)
    if level:
        monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", level)

    write_metrics(RELEASE, outcome("DEPLOYED"))

    # THEN the line has that level, and a time in RFC 3339 without which Lambda takes it for INFO
    line = json.loads(capsys.readouterr().out)
    assert line["level"] == (level or "INFO")
    assert line["timestamp"].endswith("Z")
    assert datetime.fromisoformat(line["timestamp"]).timestamp() * 1000 == pytest.approx(line["_aws"]["Timestamp"])


def test_metrics_that_cannot_be_written_do_not_fail_the_report(monkeypatch, caplog):
    class Closed:
        def write(self, _text):
            raise OSError("closed")

    monkeypatch.setattr(sys, "stdout", Closed())
    write_metrics(RELEASE, outcome("DEPLOYED"))
    assert "metrics could not be written" in caplog.text
    write_metrics(None, None)  # type: ignore[arg-type]


def test_the_handler_writes_one_line_when_the_release_is_reported(capsys, monkeypatch):
    # GIVEN a release whose only batch is over, of a check that found an item wrong
    items = (service_item(0, "web", "shop", {"web": "web:2"}, 30, status="FAILED", reason=SECRET),)
    role = "arn:aws:iam::111111111111:role/deploy"
    batch = Batch(Kind.SERVICE, "111111111111", "us-west-2", role, items, Mode.CHECK, Next.DONE)
    state = Work(LedgerBucket.of_environment(), RELEASE).begin_stage(Stage((batch,), (), Mode.CHECK), 0)

    done = validate_deploy.handler({"stage": state}, None)  # type: ignore[arg-type]

    # THEN the report is made, and one line of JSON is what the log gets
    assert (done["next"], done["status"]) == ("REPORT", "FAILED")
    (line,) = capsys.readouterr().out.splitlines()
    made = check(json.loads(line))
    assert (made["Releases"], made["FailedReleases"], made["FailedItems"]) == (1, 1, 1)


def test_a_release_that_could_not_be_planned_counts_as_failed(capsys):
    error = {"Error": "InvalidManifest", "Cause": json.dumps({"errorMessage": "services[0]: image is missing"})}
    state = {"error": error, "deployment": {"release": "4.0"}, "execution": {"id": EXECUTION, "name": "run-1"}}

    validate_deploy.handler({"stage": state}, None)  # type: ignore[arg-type]

    (line,) = capsys.readouterr().out.splitlines()
    made = check(json.loads(line))
    assert (made["Releases"], made["FailedReleases"]) == (1, 1)
    assert "Duration" not in made


def test_a_release_is_counted_once_however_many_stages_it_has(machine, ecs, capsys):
    # GIVEN a release of two waves, each a stage after the check
    for name in ("db", "web"):
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")))
    services = [
        {"service": name, "clusterName": "shop", "serviceName": name, "image": f"{name}:2"} for name in ("db", "web")
    ]
    services[1]["dependsOn"] = ["db"]

    machine.run({"release": "4.0", "services": services})

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert check(json.loads(lines[0]))["Deployed"] == 2


def test_metrics_that_are_switched_off_are_not_written(monkeypatch, capsys):
    monkeypatch.setenv("ECS_GITOPS_METRICS", "false")
    write_metrics(RELEASE, outcome("DEPLOYED"))
    assert capsys.readouterr().out == ""


def test_the_documents_tell_the_cost_of_the_metrics_that_there_are():
    # GIVEN CloudWatch's list price, by the hours in which a metric got a value
    dimensions = metrics.document(RELEASE, outcome("DEPLOYED"), NOW)["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    month = len(metrics.UNITS) * len(dimensions) * 0.30
    docs = Path(__file__).parents[2]
    for file, amounts in (
        ("docs/metrics.md", (f"{month:.2f} USD", f"{month * 300 / 730:.2f} USD", f"{month * 20 / 730:.2f} USD")),
        ("docs/metrics.md", (f"| {len(metrics.UNITS)} metrics of one state machine", f"{month / 730:.4f} dollars")),
        ("docs/cost.md", (f"at most ${month:.2f}", f"about ${month * 300 / 730:.1f}0 with ten releases a day")),
    ):
        text = (docs / file).read_text()
        assert [amount for amount in amounts if amount not in text] == []
