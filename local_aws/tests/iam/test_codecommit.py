"""IAM on CodeCommit: what calls are authorized on, and a branch that is protected against all but merges."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local_aws import LocalAws
from support.callers import Caller
from support.git import commit, git
from support.policies import allow, denied
from support.queues import Events
from support.reviews import EVERYTHING, Review, rule

_PLACE = "us-west-2:111111111111"
SignIn = Callable[..., Caller]
_MERGES = ["FastForward", "Squash", "ThreeWay"]


def _denied_on(branch: str, actions: list[str], repository: str) -> dict[str, object]:
    """AWS's own example of a protected branch.

    https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-conditional-branch.html"""
    return {
        "Effect": "Deny",
        "Action": [f"codecommit:{action}" for action in actions],
        "Resource": f"arn:aws:codecommit:{_PLACE}:{repository}",
        "Condition": {
            "StringEqualsIfExists": {"codecommit:References": [f"refs/heads/{branch}"]},
            "Null": {"codecommit:References": "false"},
        },
    }


def test_calls_on_a_request_are_authorized_on_its_repository(review: Review, sign_in: SignIn) -> None:
    # GIVEN a request with a comment
    made = review.open()
    target, number = made["pullRequestTargets"][0], made["pullRequestId"]
    on = {"pullRequestId": number, "revisionId": made["revisionId"]}
    comment = review.codecommit.post_comment_for_pull_request(
        pullRequestId=number,
        repositoryName=review.name,
        beforeCommitId=target["destinationCommit"],
        afterCommitId=target["sourceCommit"],
        content="x",
    )["comment"]["commentId"]

    # WHEN roles with rights on this and on another repository call
    actions = [
        "GetPullRequest",
        "GetComment",
        "GetCommentsForPullRequest",
        "EvaluatePullRequestApprovalRules",
        "UpdatePullRequestApprovalState",
    ]
    granted = [f"codecommit:{action}" for action in actions]
    right = sign_in(allow(granted, f"arn:aws:codecommit:{_PLACE}:{review.name}")).client("codecommit")
    wrong = sign_in(allow(granted, f"arn:aws:codecommit:{_PLACE}:other")).client("codecommit")
    calls: list[Callable[..., object]] = [
        lambda client: client.get_pull_request(pullRequestId=number),
        lambda client: client.get_comment(commentId=comment),
        lambda client: client.get_comments_for_pull_request(pullRequestId=number),
        lambda client: client.evaluate_pull_request_approval_rules(**on),
        lambda client: client.update_pull_request_approval_state(**on, approvalState="APPROVE"),
    ]

    # THEN the ARN of the request's repository decides
    for call, action in zip(calls, actions, strict=True):
        call(right)
        error = denied(lambda call=call: call(wrong))  # type: ignore[misc]
        assert f"codecommit:{action} on resource: arn:aws:codecommit:{_PLACE}:{review.name}" in error
    denied(lambda: right.update_pull_request_title(pullRequestId=number, title="x"))


def test_a_request_is_opened_on_its_targets_repository(review: Review, sign_in: SignIn) -> None:
    target = {"repositoryName": review.name, "sourceReference": "change"}
    here = allow("codecommit:CreatePullRequest", f"arn:aws:codecommit:{_PLACE}:{review.name}")
    sign_in(here).client("codecommit").create_pull_request(title="x", targets=[target])
    other = sign_in(allow("codecommit:CreatePullRequest", f"arn:aws:codecommit:{_PLACE}:other")).client("codecommit")
    denied(lambda: other.create_pull_request(title="x", targets=[target]))


def test_templates_are_authorized_on_star(review: Review, sign_in: SignIn, name: str) -> None:
    on = {"approvalRuleTemplateName": name}
    narrow = allow("codecommit:*", f"arn:aws:codecommit:{_PLACE}:{name}")
    create = sign_in(narrow).client("codecommit").create_approval_rule_template
    assert "on resource: *" in denied(lambda: create(**on, approvalRuleTemplateContent=rule()))
    wide = sign_in(allow("codecommit:CreateApprovalRuleTemplate", "*"), narrow).client("codecommit")
    wide.create_approval_rule_template(**on, approvalRuleTemplateContent=rule())
    # An association is one of the repository.
    wide.associate_approval_rule_template_with_repository(**on, repositoryName=name)
    wide.disassociate_approval_rule_template_from_repository(**on, repositoryName=name)


def test_a_branch_is_protected_against_calls(review: Review, sign_in: SignIn) -> None:
    # GIVEN a role that may not change main
    changes = [
        "CreateBranch",
        "CreateCommit",
        "PutFile",
        "DeleteFile",
        "DeleteBranch",
        *(f"MergePullRequestBy{m}" for m in _MERGES),
    ]
    client = sign_in(EVERYTHING, _denied_on("main", changes, review.name)).client("codecommit")
    made = review.open()

    # WHEN it changes main, THEN each way is refused
    main = {"repositoryName": review.name, "branchName": "main", "parentCommitId": review.tip("main")}
    content = {"filePath": "a", "fileContent": b"1"}
    denied(lambda: client.create_commit(**main, putFiles=[content]))
    denied(lambda: client.put_file(**main, **content))
    denied(lambda: client.delete_file(**main, filePath="services.yaml"))
    denied(lambda: client.create_branch(repositoryName=review.name, branchName="main", commitId=review.tip("change")))
    denied(lambda: client.delete_branch(repositoryName=review.name, branchName="main"))
    on = {"pullRequestId": made["pullRequestId"], "repositoryName": review.name}
    for merge in ("fast_forward", "squash", "three_way"):
        denied(lambda merge=merge: getattr(client, f"merge_pull_request_by_{merge}")(**on))  # type: ignore[misc]

    # AND another branch is free
    client.put_file(**{**main, "branchName": "change", "parentCommitId": review.tip("change")}, **content)


def test_a_branch_is_protected_against_pushes(aws: LocalAws, review: Review, sign_in: SignIn, tmp_path: Path) -> None:
    # GIVEN a clone as a role that may push, but not to main
    caller = sign_in(EVERYTHING, _denied_on("main", ["GitPush"], review.name), session="pusher")
    git(tmp_path, "clone", "--quiet", aws.clone_url(review.name, caller.credentials), "own")
    own = tmp_path / "own"
    tip = review.tip("main")
    commit(own, {"new.yaml": "n: 1\n"}, "New")

    # WHEN it pushes to main, alone and with another branch, THEN that is refused as a whole
    for references in (["HEAD:main"], ["HEAD:refs/heads/other", "HEAD:main"]):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            git(own, "push", "origin", *references)
        assert "403" in caught.value.stderr
    assert review.tip("main") == tip
    assert review.codecommit.list_branches(repositoryName=review.name)["branches"] == ["change", "main"]

    # AND another branch is free
    git(own, "push", "--quiet", "origin", "HEAD:other")
    assert review.tip("other") == git(own, "rev-parse", "HEAD")


def test_git_needs_its_permissions(aws: LocalAws, review: Review, sign_in: SignIn, tmp_path: Path) -> None:
    arn = f"arn:aws:codecommit:{_PLACE}:{review.name}"
    reader = sign_in(allow("codecommit:GitPull", arn))
    git(tmp_path, "clone", "--quiet", aws.clone_url(review.name, reader.credentials), "own")
    commit(tmp_path / "own", {"new.yaml": "n: 1\n"}, "New")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        git(tmp_path / "own", "push", "origin", "HEAD:other")
    assert "403" in caught.value.stderr
    pusher = sign_in(allow("codecommit:GitPush", arn))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        git(tmp_path, "clone", aws.clone_url(review.name, pusher.credentials), "refused")
    assert "403" in caught.value.stderr
    assert {"codecommit:GitPull", "codecommit:GitPush"} <= {call[3] for call in aws.control("calls")}


def test_a_signature_is_for_one_repository_and_one_key(
    aws: LocalAws, review: Review, sign_in: SignIn, tmp_path: Path
) -> None:
    caller = sign_in(EVERYTHING)
    wrong_path = aws.clone_url("other", caller.credentials).replace("/other", f"/{review.name}")
    wrong_key = aws.clone_url(review.name, {**caller.credentials, "SecretAccessKey": "guess"})
    wrong_token = aws.clone_url(review.name, {**caller.credentials, "SessionToken": "guess"})
    for url in (wrong_path, wrong_key, wrong_token):
        with pytest.raises(subprocess.CalledProcessError):
            git(tmp_path, "clone", "--quiet", url, "refused")


def test_a_push_of_a_role_is_an_event_with_its_arn(review: Review, sign_in: SignIn, aws: LocalAws, name: str) -> None:
    pattern = {"source": ["aws.codecommit"], "detail": {"repositoryName": [name], "event": ["referenceUpdated"]}}
    events = Events(aws, name, pattern)
    caller = sign_in(EVERYTHING, session="pusher")
    git(review.clone, "remote", "set-url", "origin", aws.clone_url(name, caller.credentials))
    review.push({"more.yaml": "b: 3\n"})
    assert [event["detail"]["callerUserArn"] for event in events.receive(1)] == [caller.arn]


def test_the_credential_helper_of_the_aws_cli_signs_for_git(
    aws: LocalAws, review: Review, sign_in: SignIn, tmp_path: Path
) -> None:
    # GIVEN git with AWS's credential helper, and the credentials of a role
    caller = sign_in(EVERYTHING)
    helper = f"!{sys.executable} -m awscli codecommit credential-helper --ignore-host-check $@"
    environment = {
        **os.environ,
        **aws.environment(),
        "AWS_ACCESS_KEY_ID": caller.credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": caller.credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": caller.credentials["SessionToken"],
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    url = f"{aws.endpoint}/v1/repos/{review.name}"
    options = ["-c", f"credential.helper={helper}", "-c", "credential.useHttpPath=true"]

    # WHEN it clones, THEN the signature is taken
    command = ["git", *options, "clone", "--quiet", url, "own"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (tmp_path / "own" / "services.yaml").exists()
