"""Sessions of deploy roles: what they may do, how they are named, and how many a warm sandbox keeps."""

from __future__ import annotations

import gc
import json
import re
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecs_gitops import aws as edge
from ecs_gitops.aws import MAX_SESSIONS, Target, connect, session_policy
from ecs_gitops.aws.answer_cache import AnswerCache
from ecs_gitops.lambdas import batch_run as deploying
from ecs_gitops.lambdas import deploy_ecs, deploy_task, validate_deploy
from ecs_gitops.model.batch import Batch
from unit.aws_sessions import hour
from unit.fake_aws import FakeAws
from unit.ledgers import event

ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::111111111111:role/deploy"
# Actions that change something or pass a role. The session policy allows none of them.
WRITES = {
    "ecs:DeregisterTaskDefinition",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:StopServiceDeployment",
    "ecs:UpdateService",
    "events:PutTargets",
    "iam:PassRole",
    "scheduler:UpdateSchedule",
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What STS was asked, in a sandbox that has no session yet."""
    seen: list[dict[str, Any]] = []
    hour(seen, monkeypatch)
    monkeypatch.setattr(edge, "_sessions", {})
    return seen


def place(number: int, release: str = "run-1") -> Target:
    return Target(f"{number:012d}", "us-west-2", f"arn:aws:iam::{number:012d}:role/deploy", release)


# --- what a session may do --------------------------------------------------------------------------------------------


def test_only_a_session_of_the_check_has_a_policy(asked):
    whole, looks = (Target("1", "us-west-2", ROLE, "run-1", is_read_only) for is_read_only in (False, True))
    assert connect(whole) is not connect(looks)
    assert "Policy" not in asked[0]
    assert asked[1]["Policy"] == session_policy.POLICY
    # Each is kept for itself.
    connect(whole), connect(looks)
    assert len(asked) == 2


def test_every_action_of_the_deploy_role_is_in_the_session_policy_or_writes():
    """A new action of the role has to be added to one of the two lists."""
    text = (ROOT / "modules" / "deploy_role" / "main.tf").read_text()
    given = re.findall(r"\bAction\s+= (\[[^\]]*\]|.*)", text)
    role = set(re.findall(r'"((?!sts:)[a-z]+:[A-Z][A-Za-z]+)"', "\n".join(given)))
    assert role == {*session_policy.ACTIONS, "ecs:TagResource"} | WRITES
    assert not {*session_policy.ACTIONS} & WRITES


def test_the_session_policy_is_one_that_sts_takes():
    assert len(session_policy.POLICY) <= 2048
    allowed = json.loads(session_policy.POLICY)["Statement"]
    assert [statement["Effect"] for statement in allowed] == ["Allow", "Allow"]
    assert allowed[1]["Action"] == "ecs:TagResource"
    assert allowed[1]["Condition"]["ForAllValues:StringLike"] == {"aws:TagKeys": "ecs-gitops:*"}
    assert "*" not in "".join(session_policy.ACTIONS)


@pytest.mark.parametrize(
    ("handler", "kind", "mode", "is_read_only"),
    [
        (deploy_ecs.handler, "service", "CHECK", True),
        (deploy_ecs.handler, "service", "DEPLOY", False),
        (deploy_ecs.handler, "service", "CLEAN", False),
        (deploy_task.handler, "task", "CLEAN", False),
        (deploy_task.handler, "task", "CHECK", True),
        (deploy_task.handler, "task", "DEPLOY", False),
        (validate_deploy.handler, "service", "DEPLOY", True),
    ],
)
def test_only_a_deployment_has_all_rights_of_the_role(handler, kind, mode, is_read_only, release, monkeypatch):
    seen: list[Target] = []

    def connected(target: Target) -> FakeAws:
        seen.append(target)
        return FakeAws()

    for module in (deploying, validate_deploy):
        monkeypatch.setattr(module, "connect", connected)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    handler(event(release, Batch(kind, "111111111111", "us-west-2", ROLE, (), mode)), context)
    assert [(target.is_read_only, target.session_name) for target in seen] == [(is_read_only, release.execution_name)]


@pytest.mark.parametrize("name", ["r", "release(4.0)!", "freigabe-März", "x" * 80])
def test_a_session_is_named_after_any_execution(asked, name):
    connect(Target("1", "us-west-2", ROLE, name))
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", asked[0]["RoleSessionName"], re.ASCII)


# --- what a warm sandbox keeps ----------------------------------------------------------------------------------------


def test_a_warm_sandbox_keeps_the_sessions_that_were_used_last(asked):
    # GIVEN as many places as are kept, the first of them used again
    for number in range(MAX_SESSIONS):
        connect(place(number))
    first = connect(place(0))
    # WHEN there is one more
    connect(place(MAX_SESSIONS))
    # THEN some of those that were not used for longest are gone
    assert len(edge._sessions) <= MAX_SESSIONS
    assert place(1) not in edge._sessions
    assert place(MAX_SESSIONS - 1) in edge._sessions
    assert connect(place(0)) is first
    assert len(asked) == MAX_SESSIONS + 1
    # AND however many come, there are never more
    for number in range(MAX_SESSIONS):
        connect(place(number, "run-2"))
        assert len(edge._sessions) <= MAX_SESSIONS


def test_the_memory_of_a_dropped_session_is_freed(asked):
    # GIVEN a session of an earlier release whose credentials are about to end
    old = connect(place(1))
    client = weakref.ref(old._client("ecs"))
    edge._sessions[place(1)].expires = 0.0
    del old
    # WHEN the next release begins, and nothing else looks for garbage
    gc.disable()
    try:
        connect(place(1, "run-2"))
    finally:
        gc.enable()
    # THEN it is gone with its clients
    assert list(edge._sessions) == [place(1, "run-2")]
    assert client() is None


def test_sessions_share_botocores_data_and_the_rate_limiter_of_their_account_and_region(asked):
    here, there = connect(place(1)), connect(place(2))
    model = here._client("ecs").meta.service_model._service_description
    assert there._client("ecs").meta.service_model._service_description is model
    # ECS counts the calls of an account and Region, whoever makes them.
    assert connect(place(1, "run-2")).rate_limiter is here.rate_limiter
    assert there.rate_limiter is not here.rate_limiter


def test_what_the_check_has_read_is_not_read_again_by_the_deployment_of_the_same_release(asked, monkeypatch):
    # GIVEN a session that may only read, and has read a revision
    read: list[str] = []

    def call(_self: object, _api: str, _method: str, **parameters: object) -> dict[str, object]:
        read.append(str(parameters["taskDefinition"]))
        return {"raw": {"taskDefinition": {"family": "web"}, "tags": []}}

    monkeypatch.setattr(edge.EcsCalls, "_call", call)
    checking = connect(replace(place(1), is_read_only=True))
    checking.describe_task_definition("web:1")
    # WHEN the deployment describes it, and tags it
    deploying = connect(place(1))
    deploying.describe_task_definition("web:1")
    assert read == ["web:1"]
    monkeypatch.setattr(edge.EcsCalls, "_call", lambda *_, **__: {})
    deploying.tag_task_definition("web:1", "a", "b")
    monkeypatch.setattr(edge.EcsCalls, "_call", call)
    # THEN the other session reads it again, and so does another place, and the next release
    checking.describe_task_definition("web:1")
    assert read == ["web:1"] * 2
    connect(place(2)).describe_task_definition("web:1")
    connect(place(1, "run-2")).describe_task_definition("web:1")
    assert read == ["web:1"] * 4


def test_the_cache_drops_the_least_recently_used_answers():
    cache = AnswerCache(10)
    cache.put("a", "aaaa")
    cache.put("b", "bbbb")
    assert cache.get("a") == "aaaa"
    cache.put("c", "cccc")
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == ("aaaa", None, "cccc", 8)
    # A text that is longer than the limit is not kept.
    cache.put("d", "d" * 11)
    assert (cache.get("d"), len(cache)) == (None, 0)
    cache.put("e", "e")
    cache.put("e", "ee")
    assert len(cache) == 2
    cache.drop("e")
    cache.drop("e")
    assert (cache.get("e"), len(cache)) == (None, 0)


def test_a_revision_is_read_once_by_a_session_and_again_by_another(wired):
    revision = {"taskDefinition": {"family": "web", "novelty": 1}, "tags": [{"key": "team", "value": "shop"}]}
    aws, wire = wired(revision)
    other, other_wire = wired({"taskDefinition": {"family": "web", "novelty": 2}})
    assert aws.describe_task_definition("web:1") == aws.describe_task_definition("web:1")
    assert aws.describe_task_definition("web:1") == ({"family": "web", "novelty": 1}, {"team": "shop"})
    assert other.describe_task_definition("web:1")[0]["novelty"] == 2
    assert (len(wire.sent), len(other_wire.sent)) == (1, 1)
