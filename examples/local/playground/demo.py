"""``make demo``: the main job on this machine, shown as it goes; and ``up``, ``watch`` and ``down``.

Exit code 0 when everything was as it should be. ``VERBOSE=1`` shows Terraform's resources and the state machine's
states as well.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time

from local_aws import LocalAws, NotStarted
from playground import before_the_push, output, session
from playground.output import Unexpected, console, heading, step
from playground.scene import Scene, World, expect, running, unchanged
from playground.session import HOME, NEW, OLD, ROLLOUT_SECONDS
from playground.stack import RULE, SERVICES, Stack, manifest
from playground.terraform import TerraformError

_NEXT = "3.0.0"


def main(arguments: list[str]) -> int:
    command = arguments[0] if arguments else "demo"
    commands = {"demo": demo, "up": session.up, "watch": session.watch, "down": session.down}
    try:
        commands[command]()
    except Unexpected as error:
        console.print(f"\n[bold red]not as it should be:[/] {error}", markup=True)
        console.print(f"What the local AWS wrote: {HOME / command / 'aws' / 'server.log'}", markup=False)
        return 1
    except (NotStarted, TerraformError, TimeoutError) as error:
        return _failed(command, str(error))
    except subprocess.CalledProcessError as error:
        said = str(error.stderr or "").strip()
        return _failed(
            command, f"{said}\n{shlex.join(map(str, error.cmd[:2]))} ended with exit code {error.returncode}"
        )
    except KeyboardInterrupt:
        return 130
    return 0


def _failed(command: str, why: str) -> int:
    """The reason comes last: it is what a reader of a long log sees."""
    console.print(f"\n{why}", markup=False)
    console.print(f"make {_target(command)} failed: {why.strip().splitlines()[-1]}", markup=False)
    console.print(f"What the local AWS wrote: {HOME / command / 'aws' / 'server.log'}", markup=False)
    return 1


def _target(command: str) -> str:
    return command if command == "demo" else f"local-{command}"


def demo() -> None:
    """Apply, push, watch; break a service, a canary, a migration, a whole release; destroy."""
    began, folder = time.monotonic(), HOME / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    with LocalAws(folder / "aws", rollout_seconds=ROLLOUT_SECONDS) as aws:
        with step("local AWS with IAM enforcement, on 127.0.0.1"):
            console.print(f"  endpoint {aws.endpoint}, account 111111111111, Region us-west-2")
        with step("terraform apply of the real module"):
            stack = Stack.apply(aws, folder / "terraform", output.resource)
            console.print(f"  {len(stack.terraform.resources())} resources")
        world = World(stack, *session.set_up(stack, folder))
        for number, scene in enumerate(_SCENES, 1):
            heading(number, len(_SCENES), scene.title, scene.why)
            scene.play(world)
        console.print()
        with step("terraform destroy"):
            stack.terraform.destroy()
            if left := stack.terraform.resources():
                raise Unexpected(f"left in the state: {left}")
    console.print("\n[bold green]Everything was as it should be.[/] Seen in this run:")
    for proves in (*(scene.proves for scene in _SCENES), "terraform destroy leaves nothing behind"):
        console.print(f"  [green]✓[/] {proves}")
    console.print(f"\n{time.monotonic() - began:.0f} s. Keep it running and play with it: make local-up")


def plain_release(world: World) -> None:
    text = manifest({"web": NEW, "api": NEW, "worker": OLD}, "2.0", NEW)
    status, result = world.release(text, "Ship web and cleanup 2.0.0")
    deployed = {RULE: "DEPLOYED", "web": "DEPLOYED", "api": "UNCHANGED", "worker": "UNCHANGED"}
    expect(status, result, "Succeeded", **deployed)


def nothing_changed(world: World) -> None:
    began = time.monotonic()
    text = manifest({"web": NEW, "api": NEW, "worker": OLD}, "2.1", NEW)
    status, result = world.release(text, "Change nothing but the release's name")
    expect(status, result, "Succeeded", **dict.fromkeys((RULE, *SERVICES), "UNCHANGED"))
    if (took := time.monotonic() - began) > 30:
        raise Unexpected(f"nothing changed, and the release took {took:.1f} s")


def smallest_manifest(world: World) -> None:
    text = (
        "release: 4.0\nservices:\n  - service: echoserver\n    clusterName: vtj-poc\n    serviceName: vtj-poc\n"
        '    image: "gcr.io/google_containers/echoserver:1.3"\n'
    )
    status, result = world.release(text, "Ship echoserver 1.3")
    expect(status, result, "Succeeded", **{"vtj-poc": "DEPLOYED"})


def broken_release(world: World) -> None:
    text = manifest({"web": _NEXT, "api": f"broken-{_NEXT}", "worker": _NEXT}, "3.0")
    status, result = world.release(text, "Ship 3.0.0, with a broken api")
    expect(status, result, "Failed", web="DEPLOYED", api="ROLLED_BACK", worker="DEPLOYED")
    reason = next((item.get("reason", "") for item in result["items"] if item["name"] == "api"), "")
    if "CannotPullContainerError" not in reason:
        raise Unexpected(f"the reason does not name the image: {reason}")


_CANARY = """\
deployment:
  strategy: CANARY
  canaryConfiguration:
    canaryPercent: 10.0
    canaryBakeTimeInMinutes: 2
  bakeTimeInMinutes: 1
"""


def canary(world: World) -> None:
    # A minute of bake time takes two seconds here.
    world.stack.aws.control("settings", {"minuteSeconds": 2.0})
    text = manifest({"web": "4.0.0"}, "4.0", more={"web": _CANARY})
    status, result = world.release(text, "Ship web 4.0.0 as a canary")
    expect(status, result, "Succeeded", web="DEPLOYED")


def broken_canary(world: World) -> None:
    before = running(world.stack)
    text = manifest({"web": "broken-5.0.0"}, "5.0", more={"web": _CANARY})
    status, result = world.release(text, "Ship a broken canary of web")
    expect(status, result, "Failed", web="ROLLED_BACK")
    unchanged(before, running(world.stack))


def failed_migration(world: World) -> None:
    before = running(world.stack)
    hook = 'hooks:\n  preDeploy:\n    command: ["migrate", "exit-1"]\n'
    text = manifest({"api": "5.0.0"}, "5.1", more={"api": hook})
    status, result = world.release(text, "Ship api 5.0.0 with a migration that fails")
    expect(status, result, "Failed", api="FAILED")
    unchanged(before, running(world.stack))


def all_or_nothing(world: World) -> None:
    before = running(world.stack)
    tags = {"web": "5.0.0", "api": "5.0.0", "worker": "broken-5.0.0"}
    text = manifest(tags, "5.2", "5.0.0", top="onFailure: rollbackRelease")
    status, result = world.release(text, "Ship 5.0.0, all or nothing")
    expect(status, result, "Failed", **dict.fromkeys((RULE, "web", "api", "worker"), "ROLLED_BACK"))
    unchanged(before, running(world.stack))


_SCENES = (
    Scene(
        "A whole cluster, imported",
        "ecs-gitops init writes the manifest of what runs, and plans it: nothing would change.",
        "a cluster is in Git in a minute, and its first release changes nothing",
        before_the_push.imported,
    ),
    Scene(
        "A pull request",
        "A branch ships api 2.0.0. A comment says what its merge would do, before anybody merges it.",
        "a pull request shows what its merge does, and the merge does that",
        before_the_push.pull_request,
    ),
    Scene(
        "A push deploys what differs",
        "A service and a scheduled task get a new image; two services stay. Only what differs is rolled out.",
        "a push rolls out what differs, services and scheduled tasks, and nothing else",
        plain_release,
    ),
    Scene(
        "A push that changes nothing",
        "Another release name, the same images: nothing is rolled out, and nothing is waited for.",
        "a push that changes nothing touches nothing, and ends in seconds",
        nothing_changed,
    ),
    Scene(
        "The smallest manifest",
        "One service, one image: the least that a team has to write.",
        "four lines are a whole manifest",
        smallest_manifest,
    ),
    Scene(
        "A broken image",
        "api gets an image that cannot be pulled. It is rolled back by itself, with the reason; its siblings go on.",
        "a broken service is rolled back by itself, with ECS's own reason, and its siblings are deployed",
        broken_release,
    ),
    Scene(
        "A canary",
        "ECS shifts ten percent of the traffic first. The release waits for ECS's own verdict.",
        "a canary is watched until ECS is done with it",
        canary,
    ),
    Scene(
        "A canary that does not come up",
        "web must go on as it was, settings included.",
        "a broken canary is rolled back, settings included",
        broken_canary,
    ),
    Scene(
        "A migration that fails",
        "A task with the new image runs before the rollout and exits with 1. Nothing of the service may change.",
        "a failed migration stops its service before anything is changed",
        failed_migration,
    ),
    Scene(
        "All or nothing",
        "With onFailure: rollbackRelease, one broken service rolls back everything, the scheduled task too.",
        "one broken service can roll back the whole release",
        all_or_nothing,
    ),
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
