"""CodeCommit: real Git over HTTP, and the event of a push."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.git import commit, git


def test_what_is_pushed_can_be_read(aws: LocalAws, name: str, clone: Path, tmp_path: Path) -> None:
    # WHEN a commit is pushed
    commit_id = commit(clone, {"deployment.yaml": "services: []\n"}, "First release\n\nWith a body.")
    git(clone, "push", "--quiet", "origin", "main")

    # THEN CodeCommit's calls and a second clone show it
    codecommit = aws.client("codecommit")
    assert codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"] == commit_id
    told = codecommit.get_commit(repositoryName=name, commitId=commit_id)["commit"]
    assert told["message"].startswith("First release")
    assert (told["author"]["name"], told["author"]["email"]) == ("A Person", "person@example.com")
    git(tmp_path, "clone", "--quiet", aws.clone_url(name), "again")
    assert (tmp_path / "again" / "deployment.yaml").read_text() == "services: []\n"


def test_a_wrong_password_is_refused(aws: LocalAws, name: str, clone: Path, tmp_path: Path) -> None:
    url = aws.clone_url(name)
    right = url.split("//")[1].split("@")[0]
    for wrong in (url.replace(right, f"{right.split(':')[0]}:guess"), url.replace(f"{right}@", "")):
        with pytest.raises(subprocess.CalledProcessError):
            git(tmp_path, "clone", "--quiet", wrong, "refused")


def test_a_push_is_told_as_codecommit_tells_it(
    aws: LocalAws, name: str, clone: Path, until: Callable[..., Any]
) -> None:
    # GIVEN a queue that gets the repository's events
    arn = aws.client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]["Arn"]
    sqs, events = aws.client("sqs"), aws.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    pattern = {"source": ["aws.codecommit"], "resources": [arn]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-west-2:111111111111:{name}"}])

    # WHEN a branch is created, and updated
    first = commit(clone, {"a": "1"}, "one")
    git(clone, "push", "--quiet", "origin", "main")
    second = commit(clone, {"a": "2"}, "two")
    git(clone, "push", "--quiet", "origin", "main")

    # THEN both are told, in AWS's shape
    got: list[dict[str, Any]] = []

    def receive() -> int:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            got.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(got)

    until(receive, lambda count: count == 2)
    created, updated = (event["detail"] for event in got)
    assert got[0]["detail-type"] == "CodeCommit Repository State Change"
    assert got[0]["resources"] == [arn]
    assert (created["event"], created["commitId"], "oldCommitId" in created) == ("referenceCreated", first, False)
    assert (updated["event"], updated["commitId"], updated["oldCommitId"]) == ("referenceUpdated", second, first)
    assert {name: updated[name] for name in ("referenceType", "referenceName", "referenceFullName")} == {
        "referenceType": "branch",
        "referenceName": "main",
        "referenceFullName": "refs/heads/main",
    }
    assert updated["repositoryName"] == name


def test_unknown_branches_and_repositories_are_errors(aws: LocalAws, name: str, clone: Path) -> None:
    codecommit = aws.client("codecommit")
    with pytest.raises(ClientError) as caught:
        codecommit.get_branch(repositoryName=name, branchName="nothing")
    assert caught.value.response["Error"]["Code"] == "BranchDoesNotExistException"
    codecommit.delete_repository(repositoryName=name)
    with pytest.raises(ClientError) as caught:
        codecommit.get_repository(repositoryName=name)
    assert caught.value.response["Error"]["Code"] == "RepositoryDoesNotExistException"
