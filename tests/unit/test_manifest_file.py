"""What is read as a manifest, and what is not: links that lead out, pipes, folders, devices, other paths."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from ecs_gitops.hosts.git_checkout import git_source
from ecs_gitops.hosts.manifest_file import NotAManifest, read
from ecs_gitops.manifest import MAX_BYTES
from ecs_gitops.model.source import Source


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a manifest, and a file beside the checkout."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "deployment.yaml").write_text("release: 1\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "deployment.yaml").write_text("secret")
    return folder


def test_a_file_of_the_checkout_is_read_also_through_links_inside(checkout):
    (checkout / "prod").mkdir()
    (checkout / "prod" / "deployment.yaml").symlink_to("../deployment.yaml")
    (checkout / "live").symlink_to("prod")
    for path in ("deployment.yaml", "prod/deployment.yaml", "live/deployment.yaml", "./deployment.yaml"):
        assert read(Path(path), checkout) == b"release: 1\n"


def test_a_checkout_that_is_reached_by_a_link_is_the_folder_that_it_leads_to(checkout, tmp_path):
    (tmp_path / "link").symlink_to("checkout")
    assert read(Path("deployment.yaml"), tmp_path / "link") == b"release: 1\n"


@pytest.mark.parametrize(
    ("path", "link", "target"),
    [
        ("x.yaml", "x.yaml", "/etc/passwd"),
        ("x.yaml", "x.yaml", "../outside/deployment.yaml"),
        ("prod/deployment.yaml", "prod", "../outside"),
        ("a/b/deployment.yaml", "a", "../outside/.."),
        ("x.yaml", "x.yaml", "/dev/zero"),
        ("x.yaml", "x.yaml", "/proc/self/environ"),
        ("prod/hostname", "prod", "/etc"),
    ],
)
def test_what_leads_out_of_the_checkout_is_refused(checkout, tmp_path, path, link, target):
    (tmp_path / "b").symlink_to("outside")
    (checkout / link).symlink_to(target)
    with pytest.raises(NotAManifest, match="leads out of the repository through a link"):
        read(Path(path), checkout)


def test_a_link_of_a_link_that_leads_out_is_refused(checkout):
    (checkout / "one.yaml").symlink_to("two.yaml")
    (checkout / "two.yaml").symlink_to("../outside/deployment.yaml")
    with pytest.raises(NotAManifest, match="leads out of the repository"):
        read(Path("one.yaml"), checkout)


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside/deployment.yaml", "prod/../deployment.yaml", ".."])
def test_a_path_that_is_no_path_in_the_repository_is_refused(checkout, path):
    with pytest.raises(NotAManifest, match="leads out of the repository"):
        read(Path(path), checkout)


def test_a_folder_whose_name_begins_like_the_checkouts_is_outside(checkout, tmp_path):
    (tmp_path / "checkout-2").mkdir()
    (tmp_path / "checkout-2" / "deployment.yaml").write_text("secret")
    (checkout / "x.yaml").symlink_to("../checkout-2/deployment.yaml")
    with pytest.raises(NotAManifest, match="leads out"):
        read(Path("x.yaml"), checkout)


def test_gits_own_files_are_no_manifest(checkout):
    (checkout / ".git").mkdir()
    (checkout / ".git" / "config").write_text("password")
    (checkout / "x.yaml").symlink_to(".git/config")
    for path in ("x.yaml", ".git/config"):
        with pytest.raises(NotAManifest, match="leads into git's own folder"):
            read(Path(path), checkout)


def test_what_is_no_regular_file_is_refused_and_never_blocks(checkout):
    os.mkfifo(checkout / "pipe.yaml")
    (checkout / "folder.yaml").mkdir()
    (checkout / "to-pipe.yaml").symlink_to("pipe.yaml")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(checkout / "s.yaml"))
        for name, kind in {"pipe": "named pipe", "to-pipe": "named pipe", "folder": "folder", "s": "socket"}.items():
            with pytest.raises(NotAManifest, match=f"is a {kind}; accepted: a regular file"):
                read(Path(f"{name}.yaml"), checkout)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("absent.yaml", lambda path: None, "no such file in the repository"),
        ("deployment.yaml/x.yaml", lambda path: None, "no such file in the repository"),
        ("dangling.yaml", lambda path: path.symlink_to("absent"), "no such file in the repository"),
        ("loop.yaml", lambda path: path.symlink_to("loop.yaml"), "leads nowhere|leads to itself"),
        ("y" * 300 + ".yaml", lambda path: None, "too long"),
        ("nul\0.yaml", lambda path: None, "leads nowhere"),
    ],
    ids=["absent", "below a file", "dangling", "loop", "long", "nul"],
)
def test_a_manifest_that_the_commit_does_not_have_is_an_error_of_the_commit(checkout, name, make, message):
    make(checkout / name)
    with pytest.raises(NotAManifest, match=message):
        read(Path(name), checkout)


def test_at_most_one_byte_more_than_a_manifest_may_have_is_read(checkout):
    (checkout / "large.yaml").write_bytes(b"x" * (2 * MAX_BYTES))
    assert len(read(Path("large.yaml"), checkout)) == MAX_BYTES + 1


def test_an_error_of_the_machine_is_not_one_of_the_commit(checkout, monkeypatch):
    def fail(*_arguments: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OSError, match="Too many open files") as caught:
        read(Path("deployment.yaml"), checkout)
    assert not isinstance(caught.value, NotAManifest)


def test_on_a_laptop_the_git_checkout_that_the_file_is_in_is_not_left_by_a_link(checkout, tmp_path):
    (checkout / "x.yaml").symlink_to("../outside/deployment.yaml")
    # GIVEN no checkout, a link is a link; what is named by its own path is always read
    assert read(checkout / "x.yaml") == b"secret"
    (checkout / ".git").mkdir()
    with pytest.raises(NotAManifest, match="leads out of the repository through a link"):
        read(checkout / "x.yaml")
    assert read(checkout / ".." / "outside" / "deployment.yaml") == b"secret"
    assert read(checkout / "deployment.yaml") == b"release: 1\n"


def test_a_bare_repository_among_the_files_names_no_program_for_git_to_run(tmp_path):
    # GIVEN a folder of a checkout that looks like a repository, with a program in its settings
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    evil = tmp_path / "prod"
    evil.mkdir()
    git("init", "-q", "--bare", str(evil))
    (evil / "deployment.yaml").write_text("release: 1\n")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/was-run'\n")
    program.chmod(0o755)
    for name, value in {"core.bare": "false", "core.worktree": str(evil), "core.fsmonitor": str(program)}.items():
        git("config", "--file", str(evil / "config"), name, value)
    # WHEN the source of a manifest in there is read
    assert git_source(evil / "deployment.yaml") == Source()
    # THEN nothing was run
    assert not (tmp_path / "was-run").exists()
