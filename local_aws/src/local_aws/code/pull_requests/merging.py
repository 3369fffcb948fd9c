"""Merges of two commits in a bare repository, with AWS's idea of a conflict.

AWS looks for conflicts by file unless the call asks for lines: then two changes of one file are a conflict even where
Git would merge them. https://docs.aws.amazon.com/codecommit/latest/APIReference/API_MergePullRequestByThreeWay.html
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from local_aws.code import codecommit
from local_aws.code.codecommit import Repository
from local_aws.control.protocol import Data, Place, ServiceError

FAST_FORWARD, SQUASH, THREE_WAY = "FAST_FORWARD_MERGE", "SQUASH_MERGE", "THREE_WAY_MERGE"


@dataclass(frozen=True, slots=True)
class Author:
    """Who a merge commit is by, and its message."""

    name: str
    email: str
    message: str


def conflicts(repository: Repository, source: str, destination: str, option: str, level: str) -> list[str]:
    """The files in conflict. A fast forward that is none has the conflict ``""``."""
    base = repository.merge_base(source, destination)
    if option == FAST_FORWARD:
        return [] if base == destination else [""]
    _, clashing = _tree(repository, source, destination)
    if level == "LINE_LEVEL":
        return clashing
    ours, theirs = _changed(repository, base, destination), _changed(repository, base, source)
    both = {path for path in ours.keys() & theirs.keys() if ours[path] != theirs[path]}
    return sorted(both | set(clashing))


def merge(repository: Repository, source: str, destination: str, option: str, author: Author) -> str:
    """The commit that the destination goes to; there are no conflicts."""
    if option == FAST_FORWARD:
        return source
    tree, _ = _tree(repository, source, destination)
    parents = [destination] if option == SQUASH else [destination, source]
    return commit_tree(repository, tree, parents, author)


def commit_tree(repository: Repository, tree: str, parents: list[str], author: Author) -> str:
    """Write a commit; its id."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", author.name), ("EMAIL", author.email))
    }
    options = [word for parent in parents for word in ("-p", parent)]
    command = ["git", "--git-dir", str(repository.folder), "commit-tree", tree, *options, "-m", author.message]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **who})
    return done.stdout.strip()


def merge_conflicts(place: Place, data: Data) -> Data:
    """GetMergeConflicts, without the sizes and kinds of the files."""
    repository = codecommit.find(place, data["repositoryName"])
    source, destination = (
        repository.commit_of(data[name]) for name in ("sourceCommitSpecifier", "destinationCommitSpecifier")
    )
    level = data.get("conflictDetailLevel") or "FILE_LEVEL"
    found = conflicts(repository, source, destination, data["mergeOption"], level)
    return {
        "mergeable": not found,
        "sourceCommitId": source,
        "destinationCommitId": destination,
        "baseCommitId": repository.merge_base(source, destination),
        "conflictMetadataList": [
            {"filePath": path, "numberOfConflicts": 1, "contentConflict": True} for path in found if path
        ],
    }


def _tree(repository: Repository, source: str, destination: str) -> tuple[str, list[str]]:
    """Git's own merge: the tree, and the files in conflict."""
    command = ["git", "--git-dir", str(repository.folder), "-c", "core.quotePath=false", "merge-tree", "--write-tree"]
    command += ["--name-only", "--no-messages", "--allow-unrelated-histories", destination, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise ServiceError("ManualMergeRequiredException", done.stderr.strip())
    tree, *clashing = done.stdout.strip().splitlines()
    return tree, [path for path in clashing if path]


def _changed(repository: Repository, before: str, after: str) -> dict[str, str]:
    """Each path that differs, with mode and blob as they are in ``after``."""
    if not before:
        listed = repository.git("ls-tree", "-r", after).splitlines()
        return {path: fields for fields, _, path in (line.partition("\t") for line in listed)}
    lines = repository.git("diff-tree", "-r", "--no-renames", before, after).splitlines()
    found = {}
    for line in lines:
        fields, _, path = line.partition("\t")
        _, mode, _, blob, _ = fields.split(" ")
        found[path] = f"{mode} {blob}"
    return found
