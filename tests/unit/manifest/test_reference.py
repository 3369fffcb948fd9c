"""docs/manifest.md says what the code does: every field, and the very output of its examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecs_gitops.cli import main
from ecs_gitops.manifest.fields import MANIFEST, SERVICE, TASK

REFERENCE = (Path(__file__).parents[3] / "docs" / "manifest.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", REFERENCE, re.DOTALL | re.MULTILINE)
OUTPUTS = re.findall(r"^```text\n(.*?)^```", REFERENCE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("heading", "table"), [("Top level", MANIFEST), ("`services`", SERVICE), ("`tasks`", TASK)])
def test_each_table_has_each_field(heading, table):
    section = REFERENCE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(rows) == sorted(table.names)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_examples_give_the_output_that_stands_there(example, tmp_path, monkeypatch, capsys):
    (tmp_path / "deployment.yaml").write_text(example)
    monkeypatch.chdir(tmp_path)
    code = main(["validate", "deployment.yaml"], {})
    expected = (1, OUTPUTS[0]) if "imge" in example else (0, "")
    assert (code, capsys.readouterr().err) == expected
