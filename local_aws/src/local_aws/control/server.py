"""The server: ministack in this process, mended, with the Code services and a control address, on 127.0.0.1."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from local_aws.control import clock, repeated
from local_aws.control.settings import ACCOUNT, REGION, settings


def main(arguments: list[str]) -> int:
    """``serve --port PORT --state-dir DIR``: answers until it is terminated."""
    parser = argparse.ArgumentParser(prog="local_aws")
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--second-seconds", type=float, default=1.0, help="how long a simulated second takes")
    parser.add_argument("--wait-scale", type=float, default=1.0, help="a factor on Step Functions' pauses, beside that")
    parser.add_argument("--rollout-seconds", type=float, default=2.0, help="how long an image takes until it runs")
    options = parser.parse_args(arguments)
    folder = options.state_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    settings.folder, settings.endpoint = folder, f"http://127.0.0.1:{options.port}"
    settings.rollout_seconds = options.rollout_seconds
    settings.wait_scale = options.wait_scale
    clock.set_second(options.second_seconds)
    _set_up(folder, options.port)

    from ministack import app as ministack

    _mend()
    ministack.app = repeated.answered_once(_with_own_addresses(ministack.app))
    sys.argv = ["ministack"]
    ministack.main()
    return 0


def _set_up(folder: Path, port: int) -> None:
    """ministack reads its settings from the environment when it is imported."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith("AWS_") or name == "PYTHONPATH"]:
        del os.environ[name]
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL=os.environ.get("LOCAL_AWS_LOG_LEVEL", "WARNING"),
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        MINISTACK_REGION=REGION,
        TMPDIR=str(temporary),
        AWS_ACCESS_KEY_ID=ACCOUNT,
        AWS_SECRET_ACCESS_KEY="local",
    )


def _mend() -> None:
    from local_aws.code import codebuild, codecommit, codepipeline
    from local_aws.control import calls, simulated_time
    from local_aws.ecs import deployments, scalable_targets, services, throttling
    from local_aws.events import bus, scheduler
    from local_aws.functions import isolation, layers, runtime, versions
    from local_aws.iam import denials, enforcement, roles, s3, simulation
    from local_aws.states import language, machine
    from local_aws.stores import ecr, parameters

    codecommit.start()
    codepipeline.serve_codepipeline()
    codebuild.start()
    scalable_targets.start()
    for part in (services, deployments, runtime, isolation, layers, versions, language, machine, bus, enforcement):
        part.mend()
    for part in (s3, ecr, parameters, roles, scheduler, simulation, simulated_time, denials, throttling, calls):
        part.mend()


def _with_own_addresses(app: Any) -> Any:
    from local_aws.code import git_http
    from local_aws.control import addresses

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(git_http.PREFIX):
            await git_http.answer(scope, receive, send)
        elif scope["type"] == "http" and path.startswith(addresses.PREFIX):
            await addresses.answer(scope, receive, send)
        else:
            await app(scope, receive, send)

    return answer
