"""Manifests as the command line reads them, and files as it writes them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ecs_gitops import manifest
from ecs_gitops.hosts import manifest_file
from ecs_gitops.hosts.codebuild import checkout_of_build, of_build
from ecs_gitops.hosts.git_checkout import of_checkout
from ecs_gitops.hosts.manifest_file import NotAManifest
from ecs_gitops.manifest import Manifest
from ecs_gitops.manifest.execution_input import Rendered, render
from ecs_gitops.model import sanitize
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.source import Source

STDIN = STDOUT = Path("-")


def shown(file: Path) -> str:
    """The file's name for people and machines: on one line, whatever is in it."""
    return "<stdin>" if file == STDIN else sanitize.escaped(str(file))


def load(file: Path, environment: Mapping[str, str]) -> tuple[Manifest, Rendered]:
    """The same for every command: what `validate` calls good can be rendered.

    Raises :class:`ecs_gitops.model.errors.InvalidManifest`, and OSError for a file that cannot be read."""
    checked = manifest.load(_read(file, environment), shown(file))
    return checked, render(checked, of_build(environment) or _source(file), shown(file))


def _read(file: Path, environment: Mapping[str, str]) -> bytes:
    """One byte more than a manifest may have, so that the rest of an endless file is not waited for. In the build, a
    file that cannot be a manifest is what is wrong with the commit's manifest."""
    if file == STDIN:
        return sys.stdin.buffer.read(manifest.MAX_BYTES + 1)
    try:
        return manifest_file.read(file, checkout_of_build(environment))
    except NotAManifest as error:
        if of_build(environment) is None:
            raise
        raise InvalidManifest(shown(file), [Problem(0, 0, "", error.message, error.accepted)]) from None


def _source(file: Path) -> Source:
    """What comes by a pipe has no checkout."""
    return Source() if file == STDIN else of_checkout(file)


def write(target: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file. What is no file (``/dev/stdout``) is written to."""
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    target = target.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        error.filename = str(target)
        raise
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
