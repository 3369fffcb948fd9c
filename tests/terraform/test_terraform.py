"""Terraform's own tests of the entry module, each module and each example, in a copy of the tree.

Nothing of AWS is reached: the tests run with a mocked provider (``mocks/aws.tfmock.hcl``) and plan or apply in memory.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.provider import running_provider
from playground.terraform import Terraform, TerraformError, plugin_folder

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(
    str(folder.relative_to(ROOT))
    for pattern in ("terraform", "modules/*", "examples/*")
    for folder in ROOT.glob(pattern)
    if list(folder.glob("*.tf"))
)
TESTED = [folder for folder in FOLDERS if list((ROOT / folder).glob("tests/*.tftest.hcl"))]

# The argument that names a resource of each type, and what is unique: a name within its type.
NAMES = ("name", "bucket", "function_name", "layer_name", "repository_name")
# These have names within a resource that is compared itself.
WITHIN = ("aws_iam_role_policy", "aws_lambda_permission")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of all that is Terraform, with stand-ins for what ``make layer`` builds."""
    copy = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "playground", "__pycache__", "*.py")
    for name in ("terraform", "modules", "examples", "tests/terraform"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    _build(copy)
    with pytest.MonkeyPatch.context() as patch:
        if plugin_folder() is None:
            (copy / "plugins").mkdir()
            patch.setenv("TF_PLUGIN_CACHE_DIR", str(copy / "plugins"))
            patch.setenv("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE", "1")
        yield copy


def _build(copy: Path) -> None:
    build = copy / "build"
    build.mkdir()
    for name in ("layer-arm64", "layer-x86_64"):
        (build / f"ecs_gitops-{name}.zip").write_bytes(b"hashed, and sent nowhere")


@pytest.fixture(scope="module")
def initialized(tree: Path) -> Iterator[Callable[[str], Terraform]]:
    """Call it with a folder: Terraform in the copy of it, initialized once. All of them use one provider."""
    # Every folder in one: whether the provider's version is one that all of them take. To look for each alone would be
    # to hash the provider each time, for seconds.
    everything = tree / "everything"
    everything.mkdir()
    modules = (f'module "m{number}" {{\n  source = "../{folder}"\n}}\n' for number, folder in enumerate(FOLDERS))
    (everything / "main.tf").write_text("".join(modules))
    whole = Terraform(everything, tree / "data" / "everything")
    whole.init()

    def new(folder: str) -> Terraform:
        terraform = Terraform(tree / folder, tree / "data" / folder).with_provider(provider)
        terraform.init()
        return terraform

    with running_provider(whole) as provider:
        yield functools.cache(new)


# `terraform test` validates what it tests.
@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder not in TESTED])
def test_is_valid(initialized: Callable[[str], Terraform], folder: str) -> None:
    initialized(folder).run("validate")


@pytest.mark.parametrize("folder", TESTED)
def test_does_what_its_tests_say(initialized: Callable[[str], Terraform], folder: str) -> None:
    told = initialized(folder).run("test")

    assert "Success!" in told
    assert "Success! 0 passed" not in told


def test_every_module_and_every_example_has_tests() -> None:
    # examples/local has the end-to-end test.
    assert set(FOLDERS) - set(TESTED) <= {"examples/local"}
    assert len(TESTED) >= 11


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if not folder.startswith("examples/")])
def test_readme_lists_every_input_and_output(folder: str) -> None:
    declared = re.findall(
        r'^(?:variable|output) "(\w+)"',
        "".join(file.read_text() for file in (ROOT / folder).glob("*.tf")),
        re.MULTILINE,
    )
    tables = (ROOT / folder / "README.md").read_text().partition("## Inputs")[2]

    assert sorted(re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE)) == sorted(declared)


def test_is_formatted() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", str(ROOT)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_layer_says_how_to_build_it(tree: Path, initialized: Callable[[str], Terraform]) -> None:
    terraform = initialized("examples/minimal")
    shutil.rmtree(tree / "build")
    try:
        with pytest.raises(TerraformError) as caught:
            terraform.run("test")
    finally:
        _build(tree)

    told = " ".join(str(caught.value).replace("│", " ").split())
    assert f"run `make layer ARCHITECTURE=arm64` in {tree}" in told
    assert "or set layer_zip" in told
    assert "ecs_gitops-layer-arm64.zip does not exist" in told
    assert "no such file" not in told.lower()


def test_two_instances_in_one_account_do_not_collide(initialized: Callable[[str], Terraform]) -> None:
    told = initialized("tests/terraform/two_instances").run("test", "-json", "-verbose")
    states = [json.loads(line) for line in told.splitlines() if '"test_state"' in line]

    names = Counter(
        (resource["type"], resource["values"][key])
        for state in states
        for resource in _resources(state["test_state"]["root_module"])
        for key in NAMES
        if resource["mode"] == "managed" and resource["type"] not in WITHIN and resource["values"].get(key)
    )

    assert len(names) >= 2 * 20, names
    assert [name for name, count in names.items() if count > 1] == []


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
