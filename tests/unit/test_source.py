"""Where a manifest comes from: what its source has, and what it leaves out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ecs_gitops.hosts.codebuild import build_source
from ecs_gitops.hosts.git_checkout import git_source
from ecs_gitops.model.source import Source


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    manifest = tmp_path / "deployment.yaml"
    manifest.write_text("x")
    git(tmp_path, "init", "-qb", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=Ada", "-c", "user.email=a@example.com", "commit", "-qm", "First")
    return manifest


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    "remote",
    [
        "https://user:secret@example.com/team/config.git",
        "git@example.com:config.git",
        "codecommit::us-west-2://profile@config",
        "codecommit::us-west-2://config/",
    ],
)
def test_of_a_remote_only_the_name_is_used(checkout, remote):
    git(checkout.parent, "remote", "add", "origin", remote)
    assert git_source(checkout).repository == "config"


def test_a_detached_head_is_no_branch(checkout):
    git(checkout.parent, "checkout", "-q", "--detach")
    assert git_source(checkout).branch is None
    assert git_source(checkout).commit_id


def test_a_file_that_git_does_not_have_comes_from_no_commit(checkout):
    other = checkout.with_name("other.yaml")
    other.write_text("x")
    assert git_source(other) == Source()


def test_git_that_is_not_installed_is_no_error(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_source(checkout) == Source()


def test_a_subject_keeps_its_words_and_loses_control_characters(tmp_path):
    commit = tmp_path / "commit.json"
    commit.write_text('{"commit": {"message": "\\n 修正\\u3000二\\u001b[31m\\nbody", "author": {"name": 3}}}')
    source = build_source({"ECS_GITOPS_COMMIT_ID": "c" * 300, "ECS_GITOPS_COMMIT_FILE": str(commit)})
    assert source == Source(commit_id="c" * 200, subject="修正 二")


def test_a_commit_file_nested_too_deeply_is_no_error(tmp_path):
    commit = tmp_path / "commit.json"
    commit.write_text("[" * 200_000)
    assert build_source({"ECS_GITOPS_COMMIT_ID": "c", "ECS_GITOPS_COMMIT_FILE": str(commit)}) == Source(commit_id="c")
