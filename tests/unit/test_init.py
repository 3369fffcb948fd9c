"""`ecs-gitops init` as a person uses it: options, files, exit codes, what it says."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecs_gitops.aws import caller as calls
from ecs_gitops.aws.caller import Caller, Connections
from ecs_gitops.cli import init, main
from ecs_gitops.desired.batches import Settings
from ecs_gitops.manifest import execution_input
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.release import instance
from ecs_gitops.release.preview import Instance
from unit.fake_aws import ACCOUNT, REGION, FakeAws
from unit.imports import schedule, target
from unit.machine import ReadOnly

DENIED = AwsRefused("any", "AccessDeniedException", "not authorized")
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/web:1"
OTHER = "eu-central-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """A service with roles, and the caller's way to it."""
    aws = FakeAws()
    roles = {"taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/task", "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/run"}
    aws.registry["team/web:1"] = "sha256:" + "a" * 64
    aws.serve("web", aws.define("web", ("web", IMAGE), **roles))
    connected_to(monkeypatch, {REGION: aws})
    return aws


def connected_to(
    monkeypatch: pytest.MonkeyPatch, regions: dict[str, FakeAws], environment: str | None = REGION
) -> None:
    def identity(region: str | None = None) -> Caller:
        if region is None and environment is None:
            raise AwsRefused("configuration", "NoRegion", "no AWS Region is set")
        return Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me", region or str(environment))

    def connect(_self: object, _account: str, region: str) -> Any:
        return ReadOnly(regions[region])

    def find(caller: Caller, _name: str) -> Instance:
        return Instance(Settings({}, caller.account, caller.region, 30), False, lambda *_: None)

    monkeypatch.setattr(calls, "identity", identity)
    monkeypatch.setattr(Connections, "connect", connect)
    monkeypatch.setattr(instance, "find", find)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command: exit code, stdout and stderr."""

    def call(*options: str | Path) -> tuple[int, str, str]:
        code = main(["init", *map(str, options)], {})
        streams = capsys.readouterr()
        return code, streams.out, streams.err

    return call


def test_the_manifest_goes_to_stdout_and_the_rest_to_stderr(aws, run):
    code, out, err = run("--all-clusters")
    assert code == 0
    assert out.endswith(
        f'services:\n  - service: web\n    clusterName: shop\n    serviceName: web\n    image: "{IMAGE}"\n'
    )
    assert "Plan of 1 service and 0 scheduled tasks: 0 changes, 1 unchanged\n" in err
    assert "scheduled tasks were not read; --tasks imports them\n" in err
    assert 'cluster_names = ["shop"]' in err


def test_with_a_file_the_modules_inputs_go_to_stdout(aws, run, tmp_path):
    job = aws.define("job", ("job", "job:1"))
    aws.rules["orders", "nightly"] = [target(job, RoleArn="arn:aws:iam::111111111111:role/service-role/events")]
    schedule(aws, "hourly", job)
    file = tmp_path / "deployment.yaml"
    code, out, err = run("--cluster", "shop", "--tasks", "-o", file)
    assert code == 0
    assert file.read_text().count("  - service: ") == 3
    assert (
        out
        == """\
cluster_names = ["shop"]

pass_role_arns = [
  "arn:aws:iam::111111111111:role/role",
  "arn:aws:iam::111111111111:role/run",
  "arn:aws:iam::111111111111:role/service-role/events",
  "arn:aws:iam::111111111111:role/task",
]

task_definition_families = [
  "job",
  "web",
]

rule_names = ["nightly"]

event_bus_names = ["orders"]

schedule_names = ["hourly"]

ecr_repository_arns = ["arn:aws:ecr:us-west-2:111111111111:repository/team/web"]
"""
    )
    assert f"{file}: 1 service and 2 scheduled tasks written\n" in err


def test_a_file_that_exists_is_not_overwritten(aws, run, tmp_path):
    file = tmp_path / "deployment.yaml"
    file.write_text("mine")
    code, _, err = run("--all-clusters", "-o", file)
    assert (code, file.read_text()) == (64, "mine")
    assert f"`ecs-gitops init --update {file}` adds what is new" in err


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--cluster",),
        ("--all-clusters", "--cluster", "shop"),
        ("--all-clusters", "-o", "a", "--update", "b"),
        ("x",),
    ],
)
def test_wrong_usage_is_64(options, run):
    with pytest.raises(SystemExit) as stopped:
        run(*options)
    assert stopped.value.code == 64


def test_a_cluster_that_is_not_there_is_named_and_nothing_is_written(aws, run, tmp_path):
    file = tmp_path / "deployment.yaml"
    code, _, err = run("--cluster", "shop", "shp", "-o", file)
    assert (code, file.exists()) == (1, False)
    assert "there is no cluster shp in us-west-2 of account 111111111111; nothing was written" in err


@pytest.mark.parametrize("call", ["list_clusters", "describe_task_definition", "batch_get_image"])
def test_when_reading_fails_in_the_middle_nothing_is_written(aws, run, tmp_path, monkeypatch, call):
    # GIVEN AWS that stops to answer at some call, of the import or of the plan of it
    monkeypatch.setattr(init, "_TIMEOUT", 0)
    aws.refuse[call] = AwsUnavailable("throttled")  # type: ignore[assignment]
    file = tmp_path / "deployment.yaml"
    code, out, err = run("--all-clusters", "-o", file)
    assert (code, out, file.exists()) == (1, "", False)
    assert "AWS did not answer in time, and nothing was written" in err


def test_without_rights_the_reasons_are_told_and_nothing_is_written(aws, run, tmp_path):
    file = tmp_path / "deployment.yaml"
    aws.refuse["list_services"] = DENIED
    code, _, err = run("--all-clusters", "-o", file)
    assert (code, file.exists()) == (1, False)
    assert "not read: services of cluster shop: the deploy role may not read it (ecs:ListServices)" in err
    aws.refuse["list_clusters"] = DENIED
    code, _, err = run("--all-clusters")
    assert (code, "may not list clusters (ecs:ListClusters): name them with --cluster; nothing was written" in err) == (
        1,
        True,
    )


def test_with_some_rights_the_rest_is_written_and_what_was_not_read_is_in_the_file(aws, run, tmp_path):
    file = tmp_path / "deployment.yaml"
    aws.refuse["list_rules"] = DENIED
    code, _, err = run("--all-clusters", "--tasks", "-o", file)
    assert code == 0
    assert (
        "# - not read: rules of event bus default: the deploy role may not read it (events:ListRules)\n"
        in file.read_text()
    )
    assert "\nnot read: rules of event bus default" in f"\n{err}"


def test_without_rights_of_the_plan_the_file_is_written(aws, run):
    aws.refuse["batch_get_image"] = DENIED
    code, _, err = run("--all-clusters")
    assert (code, "0 changes, 1 unchanged" in err) == (0, True)


def test_a_service_whose_deployment_failed_makes_the_exit_code_1(aws, run):
    aws.services["web"]["deployments"][0] |= {"rolloutState": "FAILED", "rolloutStateReason": "tasks stopped"}
    code, out, err = run("--all-clusters")
    assert code == 1
    assert "service shop/web: its last deployment failed: tasks stopped\n" in err
    assert "# its last deployment failed: tasks stopped\n" in out
    assert "UPDATE service shop/web" in err
    assert "0 scheduled tasks: 1 change\n" in err


def test_several_regions_are_read_and_named(monkeypatch, run):
    here, there = FakeAws(), FakeAws()
    for aws in (here, there):
        aws.serve("web", aws.define("web", ("web", "web:1")))
    there.serve("blue", there.define("b", ("b", "b:1")), deploymentController={"type": "EXTERNAL"})
    connected_to(monkeypatch, {REGION: here, OTHER: there})
    code, out, err = run("--all-clusters", "--region", REGION, "--region", OTHER)
    assert code == 0
    assert out.count("region: eu-central-1") == 1
    assert "service shop/blue in eu-central-1: deployment controller EXTERNAL" in err
    assert 'deploy_regions = [\n  "eu-central-1",\n  "us-west-2",\n]' in err


def test_without_a_region_of_the_environment_the_first_named_one_is_the_deployers(monkeypatch, run):
    aws = FakeAws()
    aws.serve("web", aws.define("web", ("web", "web:1")))
    connected_to(monkeypatch, {OTHER: aws}, environment=None)
    code, out, _ = run("--all-clusters", "--region", OTHER)
    assert (code, "region:" in out) == (0, False)
    code, _, err = run("--all-clusters")
    assert (code, "no AWS Region is set; nothing was written" in err) == (1, True)


# --- --update --------------------------------------------------------------------------------------------------------

MINE = f"""\
# ours
defaults: {{clusterName: shop, account: "{ACCOUNT}"}}
services:
- service: web   # the shop
  serviceName: web
  image: "web:9"
"""


def test_an_update_adds_what_is_new_and_keeps_the_rest(aws, run, tmp_path):
    # GIVEN a file with a service that is ahead of what is live, and a new service
    file = tmp_path / "deployment.yaml"
    file.write_text(MINE)
    aws.serve("api", aws.define("api", ("api", "api:1"), ("envoy", "envoy:1")))
    # WHEN the file is updated
    code, _, err = run("--all-clusters", "--update", file)
    # THEN the new one is there, without what it inherits, and its plan is no change
    new = '- service: api\n  serviceName: api\n  image: "api:1"\n  # not managed, a sidecar: envoy (envoy:1)\n'
    assert (code, file.read_text()) == (0, MINE + new)
    assert f"{file}: 1 service and 0 scheduled tasks added\n" in err
    assert "0 changes, 1 unchanged" in err
    # AND once more nothing is new
    code, _, err = run("--all-clusters", "--update", file)
    assert (code, file.read_text()) == (0, MINE + new)
    assert "nothing is new" in err


def test_an_update_writes_out_what_defaults_would_change(aws, run, tmp_path):
    file = tmp_path / "deployment.yaml"
    file.write_text(
        f"defaults: {{clusterName: other, region: {OTHER}, eventBusName: orders, scheduleGroup: jobs}}\n"
        "tasks: [{service: a, cwRuleName: a, image: 'a:1'}]\n"
    )
    job = aws.define("job", ("job", "job:1"))
    aws.rules["default", "nightly"] = [target(job)]
    schedule(aws, "hourly", job)
    code, _, _ = run("--all-clusters", "--tasks", "--update", file)
    assert code == 0
    assert "cwRuleName: nightly, region: us-west-2" not in file.read_text()
    loaded = manifest_of(file)
    assert [(each.event_bus_name, each.schedule_group, each.region) for each in loaded.tasks[1:]] == [
        ("default", None, REGION),
        (None, "default", REGION),
    ]
    assert (loaded.services[0].cluster_name, loaded.services[0].region) == ("shop", REGION)


def manifest_of(file: Path) -> Any:
    from ecs_gitops import manifest

    return manifest.load(file.read_bytes(), "deployment.yaml").with_defaults()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("services: 1\n", "1 problem; nothing was written"),
        ("x: &a [{service: a, clusterName: c, serviceName: a, image: a}]\nservices: *a\n", "alias"),
        (None, "No such file or directory; nothing was written"),
    ],
)
def test_a_file_that_cannot_be_updated_stays_as_it_is(aws, run, tmp_path, content, message):
    file = tmp_path / "deployment.yaml"
    if content is not None:
        content = content.replace("x:", "x-all:")
        file.write_text(content)
    code, _, err = run("--all-clusters", "--update", file)
    assert code == 1
    assert message in err
    assert (file.read_text() if file.exists() else None) == content


def test_a_default_that_would_change_what_is_live_is_switched_off_in_new_items(aws, run, tmp_path):
    file = tmp_path / "deployment.yaml"
    file.write_text(
        "defaults: {clusterName: shop, pinDigest: true, forceNewDeployment: true}\n"
        f"services:\n- service: old\n  serviceName: old\n  image: '{IMAGE}'\n"
    )
    job = aws.define("job", ("job", "job:1"))
    aws.rules["default", "nightly"] = [target(job)]
    code, _, err = run("--all-clusters", "--tasks", "--update", file)
    assert (code, "0 changes, 2 unchanged" in err) == (0, True)
    loaded = manifest_of(file)
    assert (loaded.services[1].pin_digest, loaded.services[1].force_new_deployment) == (False, False)
    assert loaded.tasks[0].pin_digest is False


def test_what_does_not_fit_into_one_manifest_is_not_written(aws, run, tmp_path, monkeypatch):
    # GIVEN a manifest that may have less than it may otherwise: nine hundred services are quicker than ten thousand
    monkeypatch.setattr(execution_input, "MAX_BYTES", 200_000)
    file = tmp_path / "deployment.yaml"
    arn = aws.define("web", ("web", f"example.com/{'long/' * 40}web:1"))
    for number in range(900):
        aws.serve(f"service-{number}", arn)
    code, _, err = run("--all-clusters", "-o", file)
    assert (code, file.exists()) == (1, False)
    assert "import fewer clusters into each file" in err
    assert "; nothing was written" in err


def test_a_file_that_somebody_makes_meanwhile_is_not_overwritten(aws, run, tmp_path, monkeypatch):
    file = tmp_path / "deployment.yaml"
    listed = aws.list_services

    def slowly(cluster: str) -> list[str]:
        file.write_text("theirs")
        return listed(cluster)

    monkeypatch.setattr(aws, "list_services", slowly)
    code, _, err = run("--all-clusters", "-o", file)
    assert (code, file.read_text()) == (1, "theirs")
    assert "File exists; nothing was written" in err


def test_a_file_that_somebody_changes_meanwhile_is_not_updated(aws, run, tmp_path, monkeypatch):
    file = tmp_path / "deployment.yaml"
    file.write_text(MINE)
    aws.serve("api", aws.define("api", ("api", "api:1")))
    listed = aws.list_services

    def slowly(cluster: str) -> list[str]:
        file.write_text(f"{MINE}# and more\n")
        return listed(cluster)

    monkeypatch.setattr(aws, "list_services", slowly)
    code, _, err = run("--all-clusters", "--update", file)
    assert (code, file.read_text()) == (1, f"{MINE}# and more\n")
    assert "somebody changed the file meanwhile; nothing was written" in err


def test_progress_is_shown_on_a_terminal_and_taken_away(aws, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr", terminal)
    main(["init", "--all-clusters", "--color", "never"], {})
    shown = terminal.getvalue()
    assert "\r\x1b[Kread 2 of 2" in shown
    assert "\r\x1b[Kplanned 1 of 1\r\x1b[K" in shown
