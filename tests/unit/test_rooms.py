"""The import contracts hold, and break where a room uses what it must not: pyproject.toml, docs/adr/0012-rooms.md."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("model", "ecs", "manifest", "desired", "verdict", "plan", "flow", "notify")


def broken(folder: Path) -> list[str]:
    """Names of the contracts that the package in ``folder`` breaks."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-logo", "--no-cache"],
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(folder / "lambda_src"), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    found = [line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")]
    assert (done.returncode == 0) == (not found), done.stdout + done.stderr
    return found


@pytest.fixture
def package(tmp_path):
    """A copy of the package with its contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lambda_src" / "ecs_gitops", tmp_path / "lambda_src" / "ecs_gitops", ignore=ignored)
    return tmp_path


def add(package: Path, room: str, line: str) -> None:
    (package / "lambda_src" / "ecs_gitops" / room / "added.py").write_text(f"{line}\n")


def test_the_package_keeps_its_contracts(package):
    assert broken(package) == []


def test_a_pure_room_that_imports_a_clock_or_a_file_breaks_the_contract(package):
    # GIVEN a module in each pure room that imports what is not pure
    for room in PURE:
        for module in ("time", "os", "botocore"):
            add(package, room, f"import {module}")
            # THEN that is seen, each time
            assert "What decides is pure: no AWS, clock, file, process, thread or chance" in broken(package)
            (package / "lambda_src" / "ecs_gitops" / room / "added.py").unlink()


@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("plan", "from ecs_gitops import aws", "A room uses only the rooms below it"),
        ("plan", "from ecs_gitops.live import services", "A room uses only the rooms below it"),
        ("watch", "from ecs_gitops.apply import rollback", "A room uses only the rooms below it"),
        ("ledger", "from ecs_gitops.hosts import codebuild", "A room uses only the rooms below it"),
        ("aws", "from ecs_gitops.plan import decision", "aws makes calls and decides nothing"),
        ("watch", "import botocore", "Only aws knows AWS's libraries"),
    ],
)
def test_a_room_that_uses_what_it_must_not_breaks_a_contract(package, room, line, contract):
    add(package, room, line)
    assert contract in broken(package)


def test_a_room_that_nobody_named_breaks_a_contract(package):
    (package / "lambda_src" / "ecs_gitops" / "attic").mkdir()
    add(package, "attic", "")
    (package / "lambda_src" / "ecs_gitops" / "attic" / "__init__.py").write_text("")
    assert broken(package) == ["A room uses only the rooms below it"]
