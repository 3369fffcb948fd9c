"""Run ministack, mended, in this process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from .settings import PLACE, SETTINGS

HOST = "127.0.0.1"
ACCOUNT = "111111111111"
REGION = "us-west-2"


def serve(port: int, state_dir: Path, *, ready_file: Path | None, settings: dict[str, object]) -> None:
    """Serve on `port` until SIGTERM or SIGINT; print one line, and write `ready_file`, when ready."""
    state_dir = state_dir.resolve()
    state_dir.mkdir(parents=True, exist_ok=True)
    SETTINGS.update(settings)
    PLACE.endpoint, PLACE.state_dir = f"http://{HOST}:{port}", state_dir
    _set_environment(port, state_dir)
    # ministack reads its environment when it is imported.
    from . import control, mends

    mends.apply_all()
    asyncio.run(_run(control.application(), port, ready_file))
    # Threads of unfinished executions, rollouts and functions end with the process.
    sys.stdout.flush()
    os._exit(0)


def _set_environment(port: int, state_dir: Path) -> None:
    temp = state_dir / "tmp"
    temp.mkdir(exist_ok=True)
    for name in [name for name in os.environ if name.startswith("AWS_")] + ["PYTHONPATH"]:
        os.environ.pop(name, None)
    os.environ.update(
        AUTH="true",
        BIND_HOST=HOST,
        GATEWAY_PORT=str(port),
        MINISTACK_HOST="localhost",
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        MINISTACK_REGION=REGION,
        AWS_ENDPOINT_URL=PLACE.endpoint,
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL=os.environ.get("LOCAL_AWS_LOG_LEVEL", "WARNING"),
        TMPDIR=str(temp),
        HOME=str(temp),
    )
    tempfile.tempdir = str(temp)


async def _run(app: Any, port: int, ready_file: Path | None) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.shutdown_timeout = 2.0
    config.loglevel = "WARNING"
    server = asyncio.create_task(hypercorn_serve(app, config, shutdown_trigger=stop.wait))
    while not server.done():
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        print(f"local AWS ready at {PLACE.endpoint} (pid {os.getpid()})", flush=True)
        if ready_file:
            ready_file.write_text(f"{PLACE.endpoint}\n", encoding="utf-8")
        break
    await server
