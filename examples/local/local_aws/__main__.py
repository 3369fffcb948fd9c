"""`python -m local_aws serve --port P --state-dir DIR [--ready-file F]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .serve import serve


def main() -> None:
    """Parse the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description="A local AWS on 127.0.0.1.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("serve", help="serve until SIGTERM or Ctrl-C")
    run.add_argument("--port", type=int, required=True)
    run.add_argument("--state-dir", type=Path, required=True, help="repositories, builds, traces and logs go here")
    run.add_argument("--ready-file", type=Path, help="written with the endpoint when requests are answered")
    run.add_argument("--rollout-seconds", type=float, default=3.0, help="time of a task from start to RUNNING")
    run.add_argument("--wait-scale", type=float, default=1.0, help="factor on Step Functions' waits")
    run.add_argument("--lambda-site-packages", action="store_true", help="let functions see this Python's packages")
    args = parser.parse_args()
    serve(
        args.port,
        args.state_dir,
        ready_file=args.ready_file,
        settings={
            "rollout_seconds": args.rollout_seconds,
            "wait_scale": args.wait_scale,
            "lambda_isolated": not args.lambda_site_packages,
        },
    )


if __name__ == "__main__":
    main()
