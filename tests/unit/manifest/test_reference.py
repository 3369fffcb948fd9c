"""docs/manifest.md says what the code does: every field, and the very output of its examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecs_gitops import manifest
from ecs_gitops.cli import main
from ecs_gitops.manifest.deployment import CONFIGURATION
from ecs_gitops.manifest.field_types import ListOf, Object
from ecs_gitops.manifest.fields import CONTAINER, HOOK, HOOKS, MANIFEST, SERVICE, TASK
from ecs_gitops.model.errors import InvalidManifest

REFERENCE = (Path(__file__).parents[3] / "docs" / "manifest.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", REFERENCE, re.DOTALL | re.MULTILINE)
OUTPUTS = re.findall(r"^```text\n(.*?)^```", REFERENCE, re.DOTALL | re.MULTILINE)
ITEM = "service: web\n    clusterName: shop\n    image: web:1\n"
MESSAGES = {
    "depend on each other": (
        f"services:\n  - serviceName: web\n    {ITEM}    dependsOn:\n      - api\n"
        f"  - serviceName: api\n    {ITEM}    dependsOn: [web]\n"
    ),
    "bakes 70 minutes": (
        f"services:\n  - serviceName: web\n    {ITEM}    timeoutMinutes: 30\n"
        "    deployment: {strategy: BLUE_GREEN, bakeTimeInMinutes: 70}\n"
    ),
}


def all_names(table, path=""):
    for field in table.fields:
        yield path + field.name
        kind = field.type.element if isinstance(field.type, ListOf) else field.type
        if isinstance(kind, Object):
            yield from all_names(kind, f"{path}{field.name}.")


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Top level", MANIFEST.names),
        ("`services`", SERVICE.names),
        ("`tasks`", TASK.names),
        ("Several containers", CONTAINER.names),
        ("Hooks", HOOKS.names + HOOK.names),
        ("Strategies (`deployment`)", tuple(all_names(CONFIGURATION))),
        ("When something fails (`onFailure`)", ("stop", "rollback", "rollbackRelease")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_table_has_each_field(heading, names):
    section = REFERENCE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)
    assert sorted(rows) == sorted(names)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_examples_give_the_documented_output(example, tmp_path, monkeypatch, capsys):
    (tmp_path / "deployment.yaml").write_text(example)
    monkeypatch.chdir(tmp_path)
    code = main(["validate", "deployment.yaml"], {})
    expected = (1, next(output for output in OUTPUTS if "imge" in output)) if "imge" in example else (0, "")
    assert (code, capsys.readouterr().err) == expected


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_without_their_file_are_those_of_the_code(message):
    output = next(output for output in OUTPUTS if message in output)
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(MESSAGES[message].encode(), "deployment.yaml")
    # The line and the column are those of the reader's own file.
    assert str(caught.value).split(" ", 1)[1] == output.rstrip("\n").split(" ", 1)[1]
