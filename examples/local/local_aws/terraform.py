"""Run Terraform against the local AWS, with the AWS provider from this machine where it is there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_PROVIDER = Path("registry.terraform.io/hashicorp/aws")


def _candidates() -> Iterator[Path]:
    if os.environ.get("TF_PLUGIN_DIR"):
        yield Path(os.environ["TF_PLUGIN_DIR"])
    yield Path.home() / ".terraform.d/plugins"
    yield Path("/usr/local/share/terraform/plugins")
    yield Path("/usr/share/terraform/plugins")
    yield from sorted(Path("/opt").glob("*"))


def plugin_dir() -> Path | None:
    """The first conventional directory that holds the AWS provider; None means the registry."""
    return next((folder for folder in _candidates() if (folder / _PROVIDER).is_dir()), None)


def init_arguments() -> list[str]:
    """Arguments after `terraform init` for a run that asks nothing and takes a local provider when there is one."""
    folder = plugin_dir()
    return ["-input=false", "-no-color", *([f"-plugin-dir={folder}"] if folder else [])]


class TerraformError(Exception):
    """Terraform ended with an error; the message is what it wrote."""


class Terraform:
    """One configuration directory. `environment`: e.g. `LocalAws.environ()`. `variables`: values of variables.

    work_dir: Terraform keeps its state and its plugins there.
    """

    def __init__(
        self, directory: Path, *, environment: Mapping[str, str], variables: Mapping[str, object], work_dir: Path
    ) -> None:
        work_dir.mkdir(parents=True, exist_ok=True)
        self._directory, self._work = directory, work_dir
        kept = {name: value for name, value in environment.items() if not name.startswith("TF_CLI_ARGS")}
        self._environment = {
            **kept,
            "TF_DATA_DIR": str(work_dir / "data"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        self._environment.pop("TF_CLI_CONFIG_FILE", None)
        self._variables = work_dir / "local.tfvars.json"
        self._variables.write_text(json.dumps(dict(variables), indent=2), encoding="utf-8")
        self._state = [f"-state={work_dir / 'terraform.tfstate'}"]

    def init(self) -> str:
        """`terraform init`; what it wrote."""
        return self.run("init", *init_arguments())

    def apply(self) -> str:
        """`terraform apply` without a question; what it wrote."""
        return self.run("apply", "-auto-approve", *self._options(), *self._state)

    def destroy(self) -> str:
        """`terraform destroy` without a question; what it wrote."""
        return self.run("destroy", "-auto-approve", *self._options(), *self._state)

    def has_changes(self) -> tuple[bool, str]:
        """Whether a plan would change anything, and the plan's text."""
        done = self._start("plan", "-detailed-exitcode", *self._options(), *self._state)
        if done.returncode not in (0, 2):
            raise TerraformError(done.stdout)
        return done.returncode == 2, done.stdout  # noqa: PLR2004 - Terraform's exit code for changes

    def outputs(self) -> dict[str, Any]:
        """The root module's outputs by name."""
        found = json.loads(self.run("output", "-json", *self._state))
        return {name: output["value"] for name, output in found.items()}

    def run(self, *arguments: str) -> str:
        """Any command; what it wrote to both streams. Raises TerraformError when it fails."""
        done = self._start(*arguments)
        if done.returncode:
            raise TerraformError(done.stdout)
        return done.stdout

    def _options(self) -> list[str]:
        return ["-input=false", "-no-color", f"-var-file={self._variables}"]

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["terraform", f"-chdir={self._directory}", *[argument for argument in arguments if argument]]
        return subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
