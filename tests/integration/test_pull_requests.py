"""A pull request is planned, commented on once, and approved or not; its merge does what the plan said."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from integration.reviews import Desk, person
from local_aws import LocalAws
from local_aws.samples import create_service, register_app, wait_until_steady
from playground.stack import CLUSTER, Stack

WEB = "reviewed"


@pytest.fixture(scope="module")
def desk(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A service that main has in its manifest, on image ``app:1``, released; and somebody who opens requests."""
    aws = stack.aws
    aws.client("ecs").create_cluster(clusterName=CLUSTER)
    register_app(aws, WEB)
    create_service(aws, CLUSTER, WEB, WEB, 1)
    wait_until_steady(aws, CLUSTER, (WEB,))
    folder = tmp_path_factory.mktemp("desk") / "clone"
    stack.clone(folder)
    made = Desk(stack, folder, person(stack, "author"))
    made.git("checkout", "--quiet", "-B", "main")
    made.push(_manifest("app:1"), "main")
    assert stack.release() == "Succeeded"
    return made


@pytest.fixture(autouse=True)
def _alone(desk: Desk) -> Iterator[None]:
    """No request of another test is open."""
    yield
    desk.close_all()


def _manifest(image: str, more: str = "") -> str:
    return f"services:\n  - {{service: app, clusterName: {CLUSTER}, serviceName: {WEB}, image: '{image}'}}\n{more}"


def test_what_would_fail_is_not_approved_until_it_is_mended(desk: Desk) -> None:
    # GIVEN a request with a service that does not exist
    nope = f"  - {{service: app, clusterName: {CLUSTER}, serviceName: nope, image: 'app:1'}}\n"
    branch = desk.branch(_manifest("app:1", more=nope))
    number = desk.open(branch)
    # THEN the comment says that the release would fail, and the request cannot be merged
    assert "service 'nope' does not exist" in desk.planned(number, "BLOCKED")
    assert not desk.approved(number)
    with pytest.raises(ClientError, match="PullRequestApprovalRulesNotSatisfied"):
        desk.author.codecommit.merge_pull_request_by_fast_forward(pullRequestId=number, repositoryName=desk.repository)
    # WHEN it is mended, THEN it can be; WHEN the manifest becomes invalid, THEN it cannot
    desk.push(_manifest("app:1"), branch)
    desk.planned(number, "1 unchanged")
    desk.until_approved(number)
    desk.push(_manifest("app:1", more="nonsense: 1\n"), branch)
    assert "nonsense" in desk.planned(number, "the manifest is not valid")
    assert not desk.approved(number)


def _link(folder: Path) -> None:
    (folder / "deployment.yaml").unlink()
    (folder / "deployment.yaml").symlink_to("/etc/passwd")


def _filters(folder: Path) -> None:
    (folder / ".gitattributes").write_text("* filter=evil merge=evil diff=evil eol=crlf\n")
    url = 'url = ext::sh -c "touch /tmp/ecs-gitops-owned"'
    (folder / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\t{url}\n')
    (folder / "ecs_gitops").mkdir(exist_ok=True)
    (folder / "ecs_gitops" / "__init__.py").write_text("raise SystemExit('run from the repository')\n")
    (folder / "buildspec.yml").write_text("version: 0.2\nphases: {build: {commands: [touch /tmp/ecs-gitops-owned]}}\n")


@pytest.mark.parametrize(
    ("attack", "tells"),
    [(_link, "is a link"), (_filters, "1 unchanged")],
    ids=["a link to a file of the machine", "filters, attributes, a submodule and code"],
)
def test_a_hostile_branch_runs_nothing_and_learns_nothing(
    desk: Desk, attack: Callable[[Path], None], tells: str
) -> None:
    # GIVEN a branch that tries to be more than data
    owned = Path("/tmp/ecs-gitops-owned")
    number = desk.open(desk.branch(attack))
    # THEN it is planned, or refused with the reason, and nothing of it was run or read
    comment = desk.planned(number, tells)
    assert "root:" not in comment
    assert not owned.exists()
    assert "run from the repository" not in desk.log()


def test_nobody_goes_around_the_request_with_the_policy_for_people(desk: Desk, stack: Stack, tmp_path: Path) -> None:
    # GIVEN somebody with the policy that protects the branch
    somebody = person(stack, "somebody", stack.outputs["protect_branch_policy_json"])
    address = stack.aws.clone_url(desk.repository, somebody.credentials)
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", address, str(folder)], check=True, capture_output=True)
    theirs = Desk(stack, folder, somebody)
    # THEN a push to the branch is denied, by Git and by the API
    with pytest.raises(subprocess.CalledProcessError) as caught:
        theirs.push(_manifest("app:9"), "main")
    assert "403" in caught.value.stderr
    with pytest.raises(ClientError, match="AccessDenied"):
        somebody.codecommit.put_file(
            repositoryName=desk.repository, branchName="main", filePath="x", fileContent=b"x",
            parentCommitId=theirs.git("rev-parse", "origin/main"),
        )  # fmt: skip
    # AND a branch of their own and a request are not, but overriding its rules is
    number = theirs.open(theirs.branch(_manifest("app:5")))
    theirs.planned(number)
    revision = theirs.read(number)["revisionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        somebody.codecommit.override_pull_request_approval_rules(
            pullRequestId=number, revisionId=revision, overrideStatus="OVERRIDE"
        )


def test_a_push_to_the_branch_plans_open_requests_again(desk: Desk) -> None:
    # GIVEN a planned request
    branch = desk.branch(_manifest("app:2"))
    number = desk.open(branch)
    desk.planned(number, "1 to update")
    desk.until_approved(number)
    # WHEN main gets a change of the same lines, THEN the comment tells of the conflict, and the approval is taken back
    desk.git("fetch", "--quiet", "origin")
    desk.git("checkout", "--quiet", "-B", "main", "origin/main")
    desk.push(_manifest("app:4"), "main")
    assert "conflict in deployment.yaml" in desk.planned(number, "cannot be merged")
    desk.until_approved(number, is_so=False)
    assert desk.stack.release() == "Succeeded"


def test_a_request_is_planned_approved_merged_and_released_as_planned(desk: Desk, aws: LocalAws) -> None:
    # GIVEN main with app:4, and a request that changes the image
    branch = desk.branch(_manifest("app:2"))
    number = desk.open(branch, title="Ship 2; $(touch /tmp/x) `id`")
    # THEN one comment says what its merge would do, and names both commits
    comment = desk.planned(number)
    assert "1 to update" in comment
    assert "app:4 → app:2" in comment
    assert desk.git("rev-parse", "HEAD")[:12] in comment
    assert desk.git("rev-parse", "origin/main")[:12] in comment
    desk.until_approved(number)
    # WHEN its branch is pushed to, THEN the same comment has the new plan
    desk.push(_manifest("app:3"), branch)
    assert "app:4 → app:3" in desk.planned(number, "app:3")
    desk.until_approved(number)
    # WHEN it is merged, THEN the release does what the plan said
    desk.author.codecommit.merge_pull_request_by_fast_forward(pullRequestId=number, repositoryName=desk.repository)
    assert desk.stack.release() == "Succeeded"
    (live,) = aws.client("ecs").describe_services(cluster=CLUSTER, services=[WEB])["services"]
    definition = aws.client("ecs").describe_task_definition(taskDefinition=live["taskDefinition"])["taskDefinition"]
    assert [each["image"] for each in definition["containerDefinitions"]] == ["app:3"]
