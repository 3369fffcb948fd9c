"""Read manifests for the commands, and write files."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ecs_gitops import manifest
from ecs_gitops.hosts import manifest_file
from ecs_gitops.hosts.codebuild import build_checkout, build_source
from ecs_gitops.hosts.git_checkout import git_source
from ecs_gitops.hosts.manifest_file import NotAManifest
from ecs_gitops.manifest import Manifest
from ecs_gitops.manifest.execution_input import Rendered, render
from ecs_gitops.model import sanitize
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.source import Source

STDIN = STDOUT = Path("-")


def display_name(file: Path) -> str:
    """The file's name for output: on one line, with escapes for control characters."""
    return "<stdin>" if file == STDIN else sanitize.escaped(str(file))


def load(file: Path, environment: Mapping[str, str]) -> tuple[Manifest, Rendered]:
    """The manifest, checked and rendered. Every command uses this, so what `validate` accepts can be rendered.

    Raises :class:`ecs_gitops.model.errors.InvalidManifest`, and OSError for a file that cannot be read."""
    checked = manifest.load(_read(file, environment), display_name(file))
    return checked, render(checked, build_source(environment) or _source(file), display_name(file))


def _read(file: Path, environment: Mapping[str, str]) -> bytes:
    """The file's bytes, at most one more than a manifest may have, because a device or pipe can be endless.

    In the build a file that cannot be a manifest is a problem of the commit, not of the machine, so it is reported as
    an invalid manifest."""
    if file == STDIN:
        return sys.stdin.buffer.read(manifest.MAX_BYTES + 1)
    try:
        return manifest_file.read(file, build_checkout(environment))
    except NotAManifest as error:
        if build_source(environment) is None:
            raise
        raise InvalidManifest(display_name(file), [Problem(0, 0, "", error.message, error.accepted)]) from None


def _source(file: Path) -> Source:
    """The commit of the file's checkout. Input from a pipe has none."""
    return Source() if file == STDIN else git_source(file)


def write(target: Path, text: str | bytes) -> None:
    """Replace the file in one step, so that no reader sees half of it. A device (``/dev/stdout``) is written to."""
    content = text.encode() if isinstance(text, str) else text
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    target = target.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        error.filename = str(target)
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
