"""``make local-up``, ``local-watch``, ``local-down``: the local AWS with the module applied, to play with by hand."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from local_aws import LocalAws
from local_aws.control.client import is_free
from local_aws.samples import create_service, wait_until_steady
from playground import output
from playground.output import Unexpected, console, step
from playground.stack import CLUSTER, ROOT, SERVICES, Clone, Stack, build_shop

HOME = ROOT / ".local"
ROLLOUT_SECONDS = 4.0
OLD, NEW = "1.0.0", "2.0.0"

_PORT = 4566
_ENDS_WITHIN = 15.0


def set_up(stack: Stack, folder: Path) -> tuple[Clone, str]:
    """ECS services to deploy to; a clone of the config repository, and the queue that gets the notices."""
    with step(f"ECS cluster {CLUSTER!r}: services {', '.join(SERVICES)} and a scheduled task, on {OLD}"):
        queue = stack.listen()
        build_shop(stack.aws)
        ecs = stack.aws.client("ecs")
        ecs.create_cluster(clusterName="vtj-poc")
        container = {"name": "echoserver", "image": "gcr.io/google_containers/echoserver:1.2", "memory": 64}
        ecs.register_task_definition(family="echoserver", containerDefinitions=[container])
        create_service(stack.aws, "vtj-poc", "vtj-poc", "echoserver", 1)
        wait_until_steady(stack.aws, CLUSTER, SERVICES)
        wait_until_steady(stack.aws, "vtj-poc", ("vtj-poc",))
    with step("git clone of the config repository"):
        clone = stack.clone(folder / "config")
    return clone, queue


def up() -> None:
    """Start everything and leave it running; its process id and the variables to use it stand in ``.local/up``."""
    folder = HOME / "up"
    down()
    shutil.rmtree(folder, ignore_errors=True)
    aws = LocalAws(folder / "aws", rollout_seconds=ROLLOUT_SECONDS, port=_PORT)
    with step("local AWS with IAM enforcement, on 127.0.0.1"):
        aws.start()
    assert aws.process is not None  # noqa: S101 - it was just started
    (folder / "pid").write_text(str(aws.process.pid))
    with step("terraform apply of the real module"):
        stack = Stack.apply(aws, folder / "terraform", output.resource)
    _, queue = set_up(stack, folder)
    (folder / "env").write_text(_variables(aws))
    _explain(stack, folder, queue)


def _variables(aws: LocalAws) -> str:
    """What a shell sources: what the caller has set for a real account must not get in between."""
    lines = ["unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_CA_BUNDLE"]
    wanted = {**aws.environment(), "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}
    lines += [f"export {name}={value}" for name, value in wanted.items()]
    return "\n".join([*lines, f'export PATH="{ROOT / ".venv" / "bin"}:$PATH"']) + "\n"


def _explain(stack: Stack, folder: Path, queue: str) -> None:
    environment = (folder / "env").relative_to(ROOT)
    aws, pipeline = stack.aws, stack.outputs["pipeline_name"]
    lines = (
        ("Push", f"edit {folder.relative_to(ROOT) / 'config'}/deployment.yaml, commit, git push origin HEAD:main"),
        ("", f"or clone it: git clone {aws.clone_url(stack.outputs['repository_name'])}"),
        ("Watch", "make local-watch    follows each release, and shows its notices"),
        ("AWS CLI", f"source {environment}    endpoint, credentials and Region of the local AWS, for every call"),
        ("", f"aws ecs describe-services --cluster {CLUSTER} --services web"),
        ("", f"aws codepipeline list-pipeline-executions --pipeline-name {pipeline}"),
        ("Notices", f"aws sqs receive-message --queue-url {queue}"),
        ("Log", str(aws.log.relative_to(ROOT))),
        ("End", "make local-down"),
    )
    console.print()
    for name, text in lines:
        console.print(f"{name + ':' if name else '':<9}{text}", markup=False)
    console.print("\nImages with a tag that contains broken, crash or never fail.")


def watch() -> None:
    """Follow the releases of what ``up`` started, one after another, until Ctrl-C."""
    folder = HOME / "up"
    if not (folder / "env").exists():
        raise Unexpected("nothing is running; start it with make local-up")
    stack = Stack.running(LocalAws(folder / "aws", port=_PORT), folder / "terraform")
    queue = str(stack.aws.client("sqs").get_queue_url(QueueName="notices")["QueueUrl"])
    console.print("waiting for a push; end with Ctrl-C")
    while True:
        if stack.is_release_new():
            _, result = output.follow(stack, queue)
            output.items(result)
            console.print("\nwaiting for a push; end with Ctrl-C")
        time.sleep(0.5)


def down() -> None:
    """End what ``up`` started, by its process id, and wait until it has ended."""
    file = HOME / "up" / "pid"
    if not file.exists():
        console.print("nothing is running")
        return
    pid = int(file.read_text())
    if not _ends(pid, signal.SIGTERM) and not _ends(pid, signal.SIGKILL):
        raise Unexpected(f"process {pid} does not end")
    file.unlink()
    console.print("ended; what it wrote is in .local, which `make clean` removes")


def _ends(pid: int, how: signal.Signals) -> bool:
    """Whether the server has ended some seconds after the signal, and its port is free."""
    until = time.monotonic() + _ENDS_WITHIN
    with suppress(ProcessLookupError):
        os.kill(pid, how)
    while not is_free(_PORT):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
