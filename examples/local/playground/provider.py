"""One process of the AWS provider for many Terraform commands.

Without it Terraform starts the provider several times for each command, and each computes its schema for seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playground.terraform import Terraform

# Some seconds on an idle machine; a busy one may take long.
_STARTS_WITHIN = 120.0
_ADDRESS = re.compile(r"TF_REATTACH_PROVIDERS='(\{.*\})'")


class ProviderNotStarted(RuntimeError):
    """The provider did not come up. The text is the end of what it wrote."""


@contextmanager
def running_provider(initialized: Terraform) -> Iterator[str]:
    """The provider that ``terraform init`` installed; the value of ``TF_REATTACH_PROVIDERS``, for
    :meth:`Terraform.with_provider`. It is ended by its pid. Raises :class:`ProviderNotStarted`.

    It keeps one configuration. So it is for mocked providers, and for configurations with one provider block.
    https://developer.hashicorp.com/terraform/plugin/debugging
    """
    log = initialized.data / "provider.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(initialized.provider_binary()), "-debug"],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment | {"TF_LOG": "OFF"},
        )
    try:
        until = time.monotonic() + _STARTS_WITHIN
        while (found := _ADDRESS.search(log.read_text(errors="replace"))) is None:
            if process.poll() is not None or time.monotonic() > until:
                raise ProviderNotStarted(f"{log}: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield found[1]
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
