"""A buildspec of version 0.2, as CodeBuild reads it.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")


class BuildspecError(Exception):
    """The buildspec cannot be used."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Commands of one phase; ``on_failure`` is empty, ABORT or CONTINUE."""

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: str = ""


@dataclass(frozen=True, slots=True)
class Buildspec:
    """What a build does."""

    phases: dict[str, Phase]
    variables: dict[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    base_directory: str = "."
    discard_paths: bool = False
    has_credential_helper: bool = False


def parse(text: str) -> Buildspec:
    """Read a buildspec. Raises :class:`BuildspecError`."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"YAML_FILE_ERROR: {error}") from error
    if not isinstance(document, dict) or str(document.get("version")) != "0.2":
        raise BuildspecError("YAML_FILE_ERROR: the local AWS runs buildspecs of version 0.2")
    phases = document.get("phases") or {}
    environment, artifacts = document.get("env") or {}, document.get("artifacts") or {}
    return Buildspec(
        phases={name: _phase(name, phases.get(name) or {}) for name in PHASES},
        variables={name: str(value) for name, value in (environment.get("variables") or {}).items()},
        exported=tuple(environment.get("exported-variables") or ()),
        files=tuple(artifacts.get("files") or ()),
        base_directory=str(artifacts.get("base-directory", ".")),
        discard_paths=str(artifacts.get("discard-paths", "no")) in ("yes", "True"),
        has_credential_helper=str(environment.get("git-credential-helper", "no")) in ("yes", "True"),
    )


def _phase(name: str, found: dict[str, Any]) -> Phase:
    commands, last = found.get("commands") or [], found.get("finally") or []
    for number, command in enumerate([*commands, *last]):
        if not isinstance(command, str):
            kind = type(command).__name__
            raise BuildspecError(
                f"YAML_FILE_ERROR: Expected Commands[{number}] in phase {name} to be of string type: "
                f"found {kind} instead"
            )
    return Phase(tuple(commands), tuple(last), str(found.get("on-failure", "")))
