"""An input that is too large for an execution: the ledger has it, and InitConfig reads it from there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ecs_gitops import manifest
from ecs_gitops.lambdas import init_config
from ecs_gitops.manifest.execution_input import Rendered, render
from ecs_gitops.model.errors import InvalidEvent, InvalidManifest, LedgerRefused, LedgerUnavailable
from ecs_gitops.model.source import Source
from unit.fake_bucket import FakeBucket
from unit.fake_ecs import FakeEcs
from unit.machine import Machine

SOURCE = Source(repository="config", branch="main", commit_id="abc", author="Ada", subject="Ship it")
EXECUTION = {
    "id": "arn:aws:states:us-west-2:111111111111:execution:ecs-gitops:run-1",
    "name": "run-1",
    "startTime": "2026-11-24T10:00:00Z",
}
# Of each name.
LONGEST = 255


def name(number: int) -> str:
    return f"{number:05}".ljust(LONGEST, "s")


def rendered(count: int, changed: int = 0) -> Rendered:
    """What a build makes of so many services, of which the first ones are to get another image."""
    services = [
        {"service": name(n), "serviceName": name(n), "image": f"app:{2 if n < changed else 1}"} for n in range(count)
    ]
    text = json.dumps({"release": "4.0", "defaults": {"clusterName": "shop"}, "services": services})
    return render(manifest.load(text.encode(), "f"), SOURCE, "f")


def stored(bucket: FakeBucket, made: Rendered) -> dict[str, Any]:
    """The execution's input, whose items are in the ledger."""
    assert made.stored is not None
    assert made.large is not None
    bucket.put(made.stored.key, made.large.encode())
    return dict(json.loads(made.text))


def of(content: bytes, **members: Any) -> dict[str, Any]:
    """A pointer to an object of this content."""
    digest = hashlib.sha256(content).hexdigest()
    known = {"key": f"work/inputs/{digest}.json", "sha256": digest, "bytes": len(content)}
    return {"schemaVersion": 1, "input": {**known, **members}}


@pytest.fixture
def served(ecs: FakeEcs) -> FakeEcs:
    for number in range(5_000):
        ecs.serve(name(number), ecs.define(f"family-{number}", (name(number), "app:1")))
    return ecs


def test_a_release_of_a_stored_input_is_that_of_its_items(served, machine):
    # GIVEN five thousand services with the longest names, of which two are to change
    deployment = stored(machine.ledger, rendered(5_000, changed=2))
    assert len(json.dumps(deployment)) < 1_000
    # WHEN they are released
    done = machine.run(deployment)
    # THEN each has its result, and the notice says whose release it was
    assert (done["status"], done["result"]["counts"]) == ("SUCCEEDED", {"DEPLOYED": 2, "UNCHANGED": 4_998})
    assert done["result"]["release"]["commitId"] == "abc"
    assert "abc Ship it" in done["notice"]["message"]
    # AND the record has what was asked for, whole
    (asked,) = (key for key in machine.ledger.objects if key.endswith("/release.json"))
    record = json.loads(machine.ledger.objects[asked].content)
    assert len(record["deployment"]["services"]) == 5_000
    assert record["release"]["release"] == "4.0"


def refused(machine: Machine, deployment: dict[str, Any]) -> str:
    """Why a release ended before anything was changed, as its notice says it."""
    done = machine.run(deployment)
    assert (done["status"], done["error"]) == ("FAILED", "InvalidRelease")
    assert not [key for key in machine.ledger.objects if key.startswith("releases/")]
    assert done["cause"] in done["notice"]["message"]
    return str(done["cause"])


def test_an_input_that_has_expired_is_told_with_what_to_do_and_whose_release_it_was(machine):
    deployment = json.loads(rendered(1_000).text)
    cause = refused(machine, deployment)
    assert f"s3://ledger/{deployment['input']['key']}, the release's input, does not exist" in cause
    assert "expires 30 days after its build" in cause
    assert "start the pipeline again" in cause
    assert "abc Ship it" in machine.run(deployment)["notice"]["message"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"services": []}', b"x" * 10**6])
def test_another_object_in_its_place_is_not_released(machine, content):
    made = rendered(1_000)
    deployment = stored(machine.ledger, made)
    machine.ledger.put(deployment["input"]["key"], content)
    cause = refused(machine, deployment)
    assert "is not the input that the build stored: it does not have the" in cause
    # AND neither is one of the same size
    assert made.large is not None
    machine.ledger.put(deployment["input"]["key"], made.large.replace("app:1", "app:2").encode())
    assert "its SHA-256 is" in refused(machine, deployment)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"[]", LedgerRefused, "is not an input: .*accepted: an object"),
        (b"{", LedgerRefused, "is not an input"),
        (b"\xff", LedgerRefused, "is not an input"),
        (b"[" * 10**6, LedgerRefused, "is not an input"),
        (b"{}", InvalidManifest, "neither tasks nor services"),
        (b'{"services": [{}]}', InvalidManifest, r"services\[0\]: clusterName is missing"),
        (b'{"problems": []}', InvalidManifest, "does not have the format that a build writes"),
        (json.dumps(of(b"{}")).encode(), InvalidManifest, "input: input: not managed by this manifest"),
        (b'{"release": 3.5, "services": [], "source": 4}', InvalidManifest, "source"),
    ],
)
def test_what_is_stored_is_checked_as_an_inline_input_is(machine, content, error, message):
    deployment = of(content)
    machine.ledger.put(deployment["input"]["key"], content)
    with pytest.raises(error, match=message):
        _init(deployment)


@pytest.mark.parametrize("members", [{"bytes": 10**9}, {"sha256": "x"}, {"key": "settings/instance.json"}])
def test_a_pointer_that_no_build_writes_is_refused_before_anything_is_read(machine, members):
    with pytest.raises(InvalidEvent, match="the pointer to the input is not one of a build: input"):
        _init(of(b"{}", **members))
    assert machine.ledger.calls == []


def test_a_ledger_that_does_not_answer_is_no_input_that_is_gone(machine):
    deployment = stored(machine.ledger, rendered(1_000))
    machine.ledger.is_down("work/inputs/")
    with pytest.raises(LedgerUnavailable):
        _init(deployment)


def _init(deployment: dict[str, Any]) -> Any:
    return init_config.handler({"deployment": deployment, "execution": EXECUTION}, None)  # type: ignore[arg-type]
