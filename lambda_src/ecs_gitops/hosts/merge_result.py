"""The manifest as it will be when a branch is merged, from Git's objects alone: nothing is checked out.

So no filter, link, attribute, submodule or hook of the repository acts, and nothing in it is executed. Git merges two
commits without a working tree from version 2.38 on: https://git-scm.com/docs/git-merge-tree
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecs_gitops.hosts.manifest_file import NotAManifest
from ecs_gitops.manifest import MAX_BYTES

_REGULAR = "a regular file of the commit"
# Of `git ls-tree`: mode, type, object and path.
_ENTRY = re.compile(rb"(?P<mode>[0-7]{6}) (?P<type>\w+) (?P<id>[0-9a-f]{40,64})\t")
_KINDS = {b"120000": "is a link", b"160000": "is a submodule", b"040000": "is a folder"}
# What git allows in a branch's name, and no more: https://git-scm.com/docs/git-check-ref-format. No shell reads it.
_REFERENCE = re.compile(r"refs/heads/(?!-)[^\x00-\x20\x7f~^:?*\[\\]{1,250}")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
# Neither the machine's settings nor the repository's may name a program. A password is never asked for.
_SETTINGS = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never",
    "-c", "protocol.https.allow=always", "-c", "protocol.http.allow=always", "-c", "http.followRedirects=false",
    "-c", "fetch.recurseSubmodules=false", "-c", "gc.auto=0", "-c", "fetch.unpackLimit=1",
)  # fmt: skip
_NO_BRANCH = "find remote ref"
# Seconds. A repository of manifests is small.
_PATIENCE = 240
_CONFLICTS_SHOWN = 20


class NoMergeResult(Exception):
    """The two commits cannot be merged; the text says why, for people."""


class GitFailed(Exception):
    """Git failed, for a reason that is not the commits'."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Git's objects in a bare repository. ``environment``: variables of the process, for the credentials of fetches.
    ``credentials`` are options of git that name the helper which signs in."""

    folder: Path
    environment: Mapping[str, str]
    credentials: tuple[str, ...] = ()

    def fetch(self, address: str, references: Mapping[str, str]) -> None:
        """Fetch branches: ``references`` has the names under which they are kept, with the branches' own. Raises
        :class:`NoMergeResult` for a branch that is gone or whose name cannot be used, and :class:`GitFailed`."""
        for reference in references.values():
            if not _REFERENCE.fullmatch(reference) or ".." in reference or "@{" in reference:
                raise NoMergeResult(f"the branch's name is not one that can be fetched: {reference[:100]!r}")
        self._git("init", "--quiet", "--bare", str(self.folder), at=None)
        specifications = [f"+{reference}:refs/review/{name}" for name, reference in references.items()]
        try:
            self._git(*self.credentials, "fetch", "--quiet", "--no-tags", "--", address, *specifications)
        except GitFailed as error:
            if _NO_BRANCH in str(error):
                # Trying again does not help: the branch was deleted, and the request is still open.
                raise NoMergeResult("one of the two branches is no longer there") from None
            raise

    def merged(self, destination: str, source: str) -> str:
        """The tree of the merge of two commits. Raises :class:`NoMergeResult` where they conflict."""
        for commit in (destination, source):
            if not _COMMIT.fullmatch(commit):
                raise NoMergeResult(f"{commit[:100]!r} is no commit")
        command = ("merge-tree", "--write-tree", "--name-only", "--no-messages", destination, source)
        done = self._run(command, self.folder)
        lines = done.stdout.decode(errors="replace").splitlines()
        if done.returncode == 0 and lines and _COMMIT.fullmatch(lines[0]):
            return lines[0]
        if done.returncode == 1 and len(lines) > 1:
            more = len(lines) - 1 - _CONFLICTS_SHOWN
            names = ", ".join(lines[1 : _CONFLICTS_SHOWN + 1]) + (f" and {more} more" if more > 0 else "")
            raise NoMergeResult(f"the branches conflict in {names}")
        raise NoMergeResult(f"the branches could not be merged: {_why(done)}")

    def manifest(self, tree: str, path: str) -> bytes:
        """The bytes of a regular file in a tree, at most one more than a manifest may have. Raises
        :class:`NotAManifest`."""
        file = Path(path)
        listed = self._git("ls-tree", "-z", "--full-tree", tree, "--", f":(literal){path}")
        entry = _ENTRY.match(listed)
        if entry is None:
            accepted = "the path of a file that is in the commit"
            raise NotAManifest(file, "there is no such file in the repository", accepted)
        if entry["mode"] not in (b"100644", b"100755"):
            raise NotAManifest(file, _KINDS.get(entry["mode"], "is of an unknown kind"), _REGULAR)
        name = entry["id"].decode()
        if int(self._git("cat-file", "-s", name)) > MAX_BYTES:
            raise NotAManifest(file, f"has more than {MAX_BYTES:,} bytes", f"at most {MAX_BYTES:,} bytes")
        return self._git("cat-file", "blob", name)

    def _git(self, *arguments: str, at: Path | None = Path()) -> bytes:
        done = self._run(arguments, self.folder if at is not None else None)
        if done.returncode:
            raise GitFailed(f"git {_verb(arguments)} failed: {_why(done)}")
        return done.stdout

    def _run(self, arguments: tuple[str, ...], at: Path | None) -> subprocess.CompletedProcess[bytes]:
        where = ("-C", str(at)) if at is not None else ()
        quiet = {
            **self.environment,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            # Its texts are read here.
            "LC_ALL": "C.UTF-8",
        }
        command = ["git", *where, *_SETTINGS, *arguments]
        try:
            return subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False, env=quiet)
        except subprocess.TimeoutExpired:
            raise GitFailed(f"git {_verb(arguments)} took longer than {_PATIENCE} s") from None


def _verb(arguments: tuple[str, ...]) -> str:
    verbs = (each for each in arguments if each in ("init", "fetch", "merge-tree", "ls-tree", "cat-file"))
    return next(verbs, "")


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    """The last line of what git said."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return (lines[-1] if lines else f"exit code {done.returncode}")[:300]
