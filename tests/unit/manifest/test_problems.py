"""Problems: all of them at once, each only once, at its place, and safe to print."""

from __future__ import annotations

import time

import pytest
import yaml

from ecs_gitops import manifest
from ecs_gitops.model.errors import InvalidManifest

WEB = "  - {service: web, clusterName: shop, serviceName: web, image: 'web:1'}\n"
JOB = "  - {service: job, cwRuleName: nightly, image: 'job:1'}\n"


def problem_lines(text: str | bytes) -> list[str]:
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(text if isinstance(text, bytes) else text.encode(), "f")
    return str(caught.value).splitlines()


def test_a_wrong_default_is_reported_once_and_not_as_missing_in_every_item():
    items = "".join(f"  - {{service: w, serviceName: w{n}, image: i}}\n" for n in range(3))
    assert len(problem_lines("defaults: {clusterName: 'a b'}\nservices:\n" + items)) == 1


def test_an_empty_release_is_reported_beside_other_problems():
    lines = problem_lines("releas: 4.0\n")
    assert ["neither" in line for line in lines] == [True, False]


def test_a_list_that_is_wrong_is_not_also_empty():
    assert len(problem_lines("services: 3\n")) == 1


def test_a_duplicate_is_reported_although_its_item_has_another_problem():
    lines = problem_lines("services:\n" + WEB + WEB.replace("web:1", "a b"))
    assert "the same service as services[0] in line 2" in lines[0]
    assert "'a b' is not accepted" in lines[1]


def test_items_whose_target_is_not_known_are_not_called_duplicates():
    lines = problem_lines("services:\n" + WEB.replace("}", ", account: 1}") + WEB.replace("}", ", account: 2}"))
    assert ["is not accepted" in line for line in lines] == [True, True]


def test_no_bus_and_the_default_bus_are_the_same_bus():
    lines = problem_lines("tasks:\n" + JOB + JOB.replace("}", ", eventBusName: default}"))
    assert "the same scheduled task as tasks[0] in line 2" in lines[0]
    other = "tasks:\n" + JOB + JOB.replace("}", ", eventBusName: orders}")
    assert len(manifest.load(other.encode(), "f").tasks) == 2


@pytest.mark.parametrize("key", [r"\e[31mred", r"a\nb", r"\u202eleft", "x" * 900])
@pytest.mark.parametrize("twice", [False, True])
def test_a_key_cannot_write_to_the_terminal(key, twice):
    lines = problem_lines(f'"{key}": 1\n' * (1 + twice) + "services:\n" + WEB)
    assert len(lines) == 1 + twice
    assert all(line.isprintable() and len(line) < 400 for line in lines)


@pytest.mark.parametrize("loader", ["C", "Python"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("# é\nrelease: 'é\x07'", "f:2:12: '\\x07' is a character"),
        ("# é\r\nrelease: \ufffe", "f:2:10: "),
        ('release: "\\ud800"', "f:1:"),
        ('release: "\\UFFFFFFFF"', "f:1:"),
        ("services:\n\t- a: b", "f:2:1: "),
        ("services: *nothing", "f:1:11: "),
    ],
)
def test_either_loader_reports_the_place(monkeypatch, loader, text, place):
    if loader == "Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert problem_lines(text)[0].startswith(place)


def test_a_tab_is_reported_as_a_tab():
    assert "accepted: spaces, not tabs" in problem_lines("services:\n\t- a: b")[0]


def test_what_is_not_utf8_is_counted_in_characters_not_bytes():
    assert problem_lines("é: ".encode() + b"\xff")[0].startswith("f:1:4: not UTF-8")


@pytest.mark.parametrize("release", ["リリース\u30004", "v1 \U0001f469\u200d\U0001f680", "1.0\u00a0rc"])
def test_a_release_may_be_written_in_any_language(release):
    assert manifest.load(f"release: {release}\nservices:\n{WEB}".encode(), "f").release == release


@pytest.mark.parametrize("release", [r"a\u202eb", r"a\x85b", r"a\tb", r" a", ""])
def test_a_release_is_one_visible_line(release):
    assert "one line of text" in problem_lines(f'release: "{release}"\nservices:\n{WEB}')[0]


def test_a_file_of_unknown_keys_and_aliases_is_refused_in_bounded_time():
    keys = ",".join(f"k{n}: " for n in range(190))
    began = time.monotonic()
    lines = problem_lines(f"x: &a {{{keys}}}\nservices: [{'*a,' * 999}]")
    assert time.monotonic() - began < 20
    assert lines[-1].startswith("f: ... and ")
    assert len(lines) == 101


@pytest.mark.parametrize(
    "number", [float("inf"), float("-inf"), float("nan"), 10**5000], ids=["inf", "-inf", "nan", "long"]
)
def test_numbers_that_json_does_not_have_are_refused_in_the_execution_input(number):
    with pytest.raises(InvalidManifest):
        manifest.from_json({"release": number, "services": []})


def test_the_source_of_the_execution_input_is_checked_too():
    item = {"service": "w", "clusterName": "c", "serviceName": "s", "image": "i"}
    with pytest.raises(InvalidManifest, match="source: '3' is not a mapping"):
        manifest.from_json({"services": [item], "source": 3})
    with pytest.raises(InvalidManifest, match="did you mean commitId"):
        manifest.from_json({"services": [item], "source": {"commitid": "x"}})
