"""The manifest of a merge comes from Git's objects: nothing of a branch acts, and what is no manifest is refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ecs_gitops.hosts.manifest_file import NotAManifest
from ecs_gitops.hosts.merge_result import GitFailed, NoMergeResult, Objects
from ecs_gitops.manifest import MAX_BYTES
from unit.git_remote import FOLDERS, Remote, remote_in
from unit.shop import GOOD


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return remote_in(tmp_path)


@pytest.fixture
def objects(tmp_path: Path, remote: Remote) -> Callable[[str], bytes]:
    """`objects(commit of change)` -> the manifest of its merge into main."""

    def read(change: str, path: str = "deployment.yaml") -> bytes:
        found = Objects(tmp_path / "objects.git", {"PATH": os.environ["PATH"]}, FOLDERS)
        found.fetch(str(remote.folder), {"destination": "refs/heads/main", "source": "refs/heads/change"})
        return found.manifest(found.merged(remote.git("rev-parse", "main"), change), path)

    return read


def test_the_manifest_is_that_of_the_merge(remote: Remote, objects: Callable[[str], bytes]) -> None:
    # GIVEN a change on a branch, and another one on main in the meantime
    change = remote.commit("change", GOOD + "# added\n", base="main")
    remote.commit("main", GOOD.replace("4.0", "5.0"))
    # THEN the merge has both
    assert objects(change) == (GOOD.replace("4.0", "5.0") + "# added\n").encode()


def test_a_conflict_names_its_files(remote: Remote, objects: Callable[[str], bytes]) -> None:
    change = remote.commit("change", GOOD.replace("4.0", "6.0"), base="main")
    remote.commit("main", GOOD.replace("4.0", "5.0"))
    with pytest.raises(NoMergeResult, match=r"conflict in deployment\.yaml"):
        objects(change)


def _link(folder: Path) -> None:
    (folder / "deployment.yaml").unlink()
    (folder / "deployment.yaml").symlink_to("/etc/passwd")


def _folder(folder: Path) -> None:
    (folder / "deployment.yaml").unlink()
    (folder / "deployment.yaml").mkdir()
    (folder / "deployment.yaml" / "x").write_text("x")


def _submodule(folder: Path) -> None:
    head = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, check=True)
    (folder / "deployment.yaml").unlink()
    entry = f"160000,{head.stdout.decode().strip()},deployment.yaml"
    subprocess.run(["git", "-C", str(folder), "update-index", "--add", "--cacheinfo", entry], check=True)
    (folder / "deployment.yaml").mkdir()
    subprocess.run(["git", "clone", "--quiet", str(folder), str(folder / "deployment.yaml")], check=True)


@pytest.mark.parametrize(
    ("change", "tells"),
    [
        (_link, "is a link"),
        (_folder, "is a folder"),
        (_submodule, "is a submodule"),
        (lambda folder: (folder / "deployment.yaml").unlink(), "there is no such file"),
        (lambda folder: (folder / "deployment.yaml").write_text("#" * (MAX_BYTES + 1)), "has more than"),
    ],
    ids=["link", "folder", "submodule", "gone", "large"],
)
def test_what_is_no_regular_file_is_refused(
    remote: Remote, objects: Callable[[str], bytes], change: Callable[[Path], None], tells: str
) -> None:
    made = remote.commit("change", change, base="main")
    with pytest.raises(NotAManifest, match=tells):
        objects(made)


def test_nothing_of_the_branch_acts(remote: Remote, objects: Callable[[str], bytes], tmp_path: Path) -> None:
    # GIVEN a branch with filters, drivers and line ends in its attributes, hooks, and code under well-known names
    def hostile(folder: Path) -> None:
        (folder / ".gitattributes").write_text("* filter=evil merge=evil eol=crlf ident\n")
        (folder / "hooks").mkdir()
        (folder / "hooks" / "post-checkout").write_text(f"touch {tmp_path}/owned")
        (folder / "yaml.py").write_text("raise SystemExit('run')")
        (folder / "deployment.yaml").write_text(GOOD + "# $Id$\n")

    change = remote.commit("change", hostile, base="main")
    # THEN its bytes are those of the commit
    assert objects(change) == (GOOD + "# $Id$\n").encode()
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "name",
    [
        "refs/heads/--upload-pack=x",
        "refs/heads/a..b",
        "refs/tags/x",
        "refs/heads/x:y",
        "+x",
        "refs/heads/*",
        "refs/heads/a@{1}",
    ],
)
def test_a_branch_whose_name_could_be_more_than_a_name_is_not_fetched(tmp_path: Path, name: str) -> None:
    objects = Objects(tmp_path / "objects.git", {})
    with pytest.raises(NoMergeResult, match="not one that can be fetched"):
        objects.fetch("https://127.0.0.1:1/x", {"source": name})
    assert not (tmp_path / "objects.git").exists()


@pytest.mark.parametrize("name", ["feature/#123", "größe", "a,b(c)!", "$(id);`id`'\"|&<>{}"])
def test_a_branch_may_have_any_name_that_git_allows(remote: Remote, tmp_path: Path, name: str) -> None:
    # GIVEN a branch with such a name
    remote.git("branch", name)
    # THEN it is fetched, as a name
    objects = Objects(tmp_path / "objects.git", {"PATH": os.environ["PATH"]}, FOLDERS)
    objects.fetch(str(remote.folder), {"source": f"refs/heads/{name}"})
    assert objects.merged(*[remote.git("rev-parse", "main")] * 2)


def test_an_address_that_runs_a_program_is_refused(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects.git", {"PATH": os.environ["PATH"]})
    with pytest.raises(GitFailed, match="not allowed"):
        objects.fetch(f"ext::touch {tmp_path}/owned", {"source": "refs/heads/x"})
    assert not (tmp_path / "owned").exists()
