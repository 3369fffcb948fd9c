"""Terraform for the demo and the tests: the provider from a local folder when there is one, else from the registry."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

_PROVIDER = "registry.terraform.io/hashicorp/aws"
_CONVENTIONAL = ("~/.terraform.d/plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")


_DECORATION = re.compile(r"\x1b\[[0-9;]*m|^[│╷╵] ?", re.MULTILINE)


class TerraformError(Exception):
    """Terraform did not succeed. The text is what it wrote, and last its first error."""

    def __init__(self, what: str, output: str) -> None:
        text = _DECORATION.sub("", output).strip()
        errors = [line.strip() for line in text.splitlines() if line.startswith("Error: ")]
        super().__init__("\n".join([f"{what}:", text, *errors[:1]]))


def plugin_folder() -> Path | None:
    """The first folder that holds the AWS provider: ``TF_PLUGIN_DIR``, the usual ones, or one below ``/opt``."""
    return next((folder for folder in _candidates() if (folder / _PROVIDER).is_dir()), None)


def _candidates() -> Iterator[Path]:
    if os.environ.get("TF_PLUGIN_DIR"):
        yield Path(os.environ["TF_PLUGIN_DIR"])
    yield from (Path(name).expanduser() for name in _CONVENTIONAL)
    yield from sorted(Path("/opt").glob("*"))


class Terraform:
    """Terraform in one configuration's folder, with its data and state in ``data``. ``tell`` gets the lines of an apply
    and a destroy as they come."""

    def __init__(
        self,
        folder: Path,
        data: Path,
        variables: Mapping[str, str] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.folder, self.data, self._tell = folder, data, tell
        data.mkdir(parents=True, exist_ok=True)
        # An empty settings file: what the user's own one says must not matter, nor that it is missing.
        settings = data / "terraform.rc"
        settings.touch()
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_CLI_ARGS"))},
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_DATA_DIR": str(data / "terraform"),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            # The provider is started anew for each step, and collects garbage for a third of its time otherwise.
            "GOGC": os.environ.get("GOGC", "400"),
            **{f"TF_VAR_{name}": value for name, value in (variables or {}).items()},
        }
        self._state = f"-state={data / 'terraform.tfstate'}"

    def with_variables(self, **variables: str) -> Terraform:
        """The same configuration and state, with other values of some variables."""
        return self._with({f"TF_VAR_{name}": value for name, value in variables.items()})

    def with_provider(self, address: str) -> Terraform:
        """The same configuration and state, with a provider that runs already: see :mod:`playground.provider`."""
        return self._with({"TF_REATTACH_PROVIDERS": address})

    def _with(self, environment: Mapping[str, str]) -> Terraform:
        other = copy.copy(self)
        other._environment = {**self._environment, **environment}
        return other

    def provider_binary(self) -> Path:
        """The program of the AWS provider that ``init`` installed."""
        return next((self.data / "terraform" / "providers" / _PROVIDER).glob("*/*/terraform-provider-aws*"))

    def init(self) -> None:
        folder = plugin_folder()
        self.run("init", *([f"-plugin-dir={folder}"] if folder else []), "-backend=false")

    def apply(self) -> None:
        self.run("apply", "-auto-approve", self._state)

    def destroy(self) -> None:
        self.run("destroy", "-auto-approve", self._state)

    def planned_changes(self) -> str:
        """What a plan would change, as Terraform tells it; empty when nothing would."""
        done = self._run("plan", "-detailed-exitcode", self._state)
        if done.returncode not in (0, 2):
            raise TerraformError("terraform plan", done.stdout)
        return done.stdout if done.returncode == 2 else ""

    def outputs(self) -> dict[str, Any]:
        # Not by `terraform output`, which starts the provider for seconds.
        state = self.data / "terraform.tfstate"
        found = json.loads(state.read_text())["outputs"] if state.exists() else {}
        return {name: output["value"] for name, output in found.items()}

    def resources(self) -> list[str]:
        """Addresses of what Terraform's state holds."""
        return self.run("state", "list", self._state).split() if (self.data / "terraform.tfstate").exists() else []

    def run(self, command: str, *arguments: str) -> str:
        """What Terraform prints. Raises :class:`TerraformError`."""
        done = self._run(command, *arguments)
        if done.returncode != 0:
            raise TerraformError(f"terraform {command} in {self.folder.name}", done.stdout)
        return done.stdout

    def _run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        colour = [] if command in ("output", "state") else ["-no-color"]
        process = subprocess.Popen(
            ["terraform", command, *colour, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if self._tell and command in ("apply", "destroy"):
                self._tell(line.rstrip())
        return subprocess.CompletedProcess(process.args, process.wait(), "".join(lines))
