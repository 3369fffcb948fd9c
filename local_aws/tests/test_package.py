"""The package depends on nothing around it: it could be a repository of its own."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

_PACKAGE = Path(__file__).resolve().parents[1]
# What pyproject.toml depends on, as it is imported; boto3 brings botocore.
_NEEDS = {"boto3", "botocore", "docker", "ministack", "yaml"}
_TESTS_NEED = {"_pytest", "pytest", "support"}


def _imported(file: Path) -> set[str]:
    """The packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize(("folder", "more"), [("src", set()), ("tests", _TESTS_NEED)])
def test_nothing_else_is_imported(folder: str, more: set[str]) -> None:
    allowed = {"local_aws", *_NEEDS, *more, *sys.stdlib_module_names}
    foreign = {
        str(file.relative_to(_PACKAGE)): names
        for file in sorted((_PACKAGE / folder).rglob("*.py"))
        if (names := _imported(file) - allowed)
    }
    assert foreign == {}
