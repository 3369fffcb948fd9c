"""The command line: exit codes, what it writes where, and where a release comes from."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_gitops import __version__, cli
from ecs_gitops.cli import main
from ecs_gitops.manifest import MAX_BYTES
from ecs_gitops.manifest.execution_input import INPUT_AT_MOST
from ecs_gitops.manifest.json_schema import schema
from unit.shop import GOOD


def test_a_good_file_is_rendered_with_the_source_of_the_build(file, tmp_path):
    commit = tmp_path / "commit.json"
    commit.write_text(json.dumps({"commit": {"author": {"name": "Ada"}, "message": "Ship it\n\nAll of it"}}))
    build = {"ECS_GITOPS_COMMIT_ID": "abc", "ECS_GITOPS_REPOSITORY": "config", "ECS_GITOPS_BRANCH": "main"}
    output = tmp_path / "deployment.json"
    code = main(["render", str(file), "-o", str(output)], {**build, "ECS_GITOPS_COMMIT_FILE": str(commit)})
    assert code == 0
    assert json.loads(output.read_text()) == {
        "schemaVersion": 1,
        "release": "4.0",
        "services": [{"service": "web", "clusterName": "shop", "serviceName": "web", "image": "web:1"}],
        "source": {"repository": "config", "branch": "main", "commitId": "abc", "author": "Ada", "subject": "Ship it"},
    }


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"commit": 3}'])
def test_a_commit_that_cannot_be_read_costs_only_author_and_subject(file, tmp_path, capsys, content):
    commit = tmp_path / "commit.json"
    if content is not None:
        commit.write_text(content)
    assert main(["render", str(file)], {"ECS_GITOPS_COMMIT_ID": "abc", "ECS_GITOPS_COMMIT_FILE": str(commit)}) == 0
    assert json.loads(capsys.readouterr().out)["source"] == {"commitId": "abc"}


def test_outside_a_build_the_source_comes_from_git(file, capsys):
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        command = ["git", "-C", str(file.parent), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-qb", "main")
    git("add", ".")
    git("commit", "-qm", "First\n\nbody")
    assert main(["render", str(file)], {}) == 0
    source = json.loads(capsys.readouterr().out)["source"]
    assert source == {
        "repository": file.parent.name,
        "branch": "main",
        "commitId": git("rev-parse", "HEAD"),
        "author": "Ada",
        "subject": "First",
    }


def test_without_git_nothing_is_known_and_nothing_fails(file, capsys):
    assert main(["render", str(file)], {}) == 0
    assert "source" not in json.loads(capsys.readouterr().out)


def test_an_invalid_file_is_reported_on_stderr_and_writes_nothing(file, tmp_path, capsys):
    file.write_text("services:\n  - {service: web}\n")
    output = tmp_path / "deployment.json"
    output.write_text("before")
    assert main(["render", str(file), "-o", str(output)], {}) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{file}:2:5: services[0]: clusterName is missing" in captured.err
    assert "3 problems; nothing was written" in captured.err
    assert output.read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deployment.json", "deployment.yaml"]


def test_machines_get_problems_as_json(file, capsys):
    file.write_text("services: 3\n")
    assert main(["validate", str(file), "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["valid"] is False
    assert data["problems"] == [
        {
            "line": 1,
            "column": 11,
            "path": "services",
            "message": "'3' is not a list",
            "accepted": "a list of items, each beginning with `-`",
        }
    ]
    file.write_text(GOOD)
    assert main(["validate", str(file), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True


def test_validate_counts_the_items(file, capsys):
    assert main(["validate", str(file)]) == 0
    assert "good: 1 service, 0 scheduled tasks" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["deploy"], ["validate"], ["render", "x", "--what"]])
def test_wrong_usage_is_two(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path, capsys):
    assert main(["validate", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml: No such file or directory" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_wrong_usage(file, tmp_path):
    assert main(["render", str(file), "-o", str(tmp_path / "absent" / "x.json")], {}) == 2


def services_of(count: int, size: int = 0) -> str:
    """So many services, of this many bytes together if that is more. Their JSON has some bytes more for each."""
    item = "- {{service: w, clusterName: s, serviceName: w{:05}, image: w, hooks: {{preDeploy: {{command: [{}]}}}}}}\n"
    word = "x" * max(1, size // count - len(item.format(0, "")))
    return "services:\n" + "".join(item.format(n, word) for n in range(count))


def test_a_manifest_near_the_limit_warns_and_one_beyond_is_refused(file, capsys):
    file.write_text(services_of(1_100, MAX_BYTES * 9 // 10))
    assert main(["validate", str(file)], {}) == 0
    assert f"of the {MAX_BYTES:,} bytes" in capsys.readouterr().err
    # GIVEN a file whose JSON alone is too large
    beyond = services_of(1_100, MAX_BYTES - 5_000)
    file.write_text(beyond)
    assert len(beyond) < MAX_BYTES
    for command in ("validate", "render"):
        assert main([command, str(file)], {}) == 1
        assert "fewer items" in capsys.readouterr().err


def test_an_input_that_is_too_large_for_an_execution_needs_the_option(file, tmp_path, capsys):
    # GIVEN a manifest that is good, of which an execution's input has no room
    file.write_text(services_of(3_100))
    output, large = tmp_path / "deployment.json", tmp_path / "input.json"
    assert main(["validate", str(file)], {}) == 0
    # WHEN it is rendered without the option, THEN nothing is written
    assert main(["render", str(file), "-o", str(output)], {}) == 1
    assert f"of the {INPUT_AT_MOST:,} bytes that an execution's input can have" in capsys.readouterr().err
    assert not output.exists()
    # WHEN with it, THEN the output points to the input, which is in the file
    assert main(["render", str(file), "-o", str(output), "--large", str(large)], {}) == 0
    pointer = json.loads(output.read_text())["input"]
    assert pointer["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()
    assert pointer["bytes"] == large.stat().st_size
    assert len(json.loads(large.read_text())["services"]) == 3_100


def test_an_input_that_fits_is_the_output_whatever_the_option_says(file, tmp_path):
    output, large = tmp_path / "deployment.json", tmp_path / "input.json"
    assert main(["render", str(file), "-o", str(output), "--large", str(large)], {}) == 0
    assert "services" in json.loads(output.read_text())
    assert not large.exists()


def test_an_input_that_cannot_be_written_leaves_no_pointer_to_it(file, tmp_path):
    file.write_text(services_of(3_100))
    output = tmp_path / "deployment.json"
    assert main(["render", str(file), "-o", str(output), "--large", str(tmp_path / "absent" / "input.json")], {}) == 2
    assert not output.exists()


def test_version_and_schema_are_printed(capsys):
    assert main(["version"]) == 0
    assert capsys.readouterr().out.strip() == __version__
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_the_published_schema_is_that_of_the_package():
    published = Path(__file__).parents[2] / "docs" / "deployment.schema.json"
    assert json.loads(published.read_text()) == schema()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "is a device; accepted: a regular file"),
        (os.mkfifo, "is a named pipe; accepted: a regular file"),
        (os.mkdir, "is a folder; accepted: a regular file"),
    ],
    ids=["device", "pipe", "folder"],
)
@pytest.mark.parametrize("command", ["validate", "render"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path, capsys, command, make, message):
    make(tmp_path / "deployment.yaml")
    assert main([command, str(tmp_path / "deployment.yaml")], {}) == 2
    assert f"deployment.yaml: {message}" in capsys.readouterr().err


def test_a_file_is_read_only_as_far_as_a_manifest_goes(file, capsys):
    with file.open("wb") as endless:
        endless.truncate(10 * 2**30)
    assert main(["validate", str(file)], {}) == 1
    assert "more than 8,388,608 bytes" in capsys.readouterr().err


def test_machines_get_warnings_errors_and_at_most_a_hundred_problems_as_json(file, capsys):
    file.write_text(services_of(1_100, MAX_BYTES * 9 // 10))
    assert main(["validate", str(file), "--format", "json"], {}) == 0
    assert "bytes" in json.loads(capsys.readouterr().out)["warnings"][0]
    large = str(file.parent / "input.json")
    assert main(["render", str(file), "--format", "json", "--large", large], {}) == 0
    assert "bytes" in json.loads(capsys.readouterr().err)["warnings"][0]
    file.write_text("".join(f"k{n}: 1\n" for n in range(300)))
    assert main(["render", str(file), "--format", "json"], {}) == 1
    data = json.loads(capsys.readouterr().err)
    assert (len(data["problems"]), data["total"]) == (100, 301)
    file.unlink()
    assert main(["render", str(file), "--format", "json"], {}) == 2
    assert "No such file" in json.loads(capsys.readouterr().err)["error"]


def test_an_output_that_is_a_link_or_no_file_stays_what_it_is(file, tmp_path):
    (tmp_path / "real.json").write_text("")
    link = tmp_path / "link.json"
    link.symlink_to("real.json")
    assert main(["render", str(file), "-o", str(link)], {}) == 0
    assert link.is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["schemaVersion"] == 1
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    assert main(["render", str(file), "-o", str(pipe)], {}) == 0
    assert json.loads(os.read(reader, 65536))["schemaVersion"] == 1
    os.close(reader)
    assert pipe.is_fifo()


def test_an_output_that_fails_midway_leaves_the_old_one(file, tmp_path, monkeypatch):
    output = tmp_path / "deployment.json"
    output.write_text("before")

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert main(["render", str(file), "-o", str(output)], {}) == 2
    assert output.read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deployment.json", "deployment.yaml"]


def test_a_reader_that_stops_early_is_no_traceback():
    command = f"{sys.executable} -m ecs_gitops schema | true"
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True, env=environment)  # noqa: S602
    assert done.stderr == ""


def test_validate_writes_one_json_document_to_stdout_for_all_files_also_for_invalid_ones(file, tmp_path, capsys):
    # GIVEN a good file, a wrong one, and one that is not there
    wrong, absent = tmp_path / "wrong.yaml", tmp_path / "absent.yaml"
    wrong.write_text("services: 3\n")
    for files, code, valid in (
        ([file], 0, [True]),
        ([wrong], 1, [False]),
        ([absent], 2, [False]),
        ([file, wrong], 1, [True, False]),
        ([absent, wrong, file], 2, [False, False, True]),
    ):
        # WHEN they are validated for machines
        assert main(["validate", "--format", "json", *map(str, files)], {}) == code
        # THEN stdout is one document, stderr is empty, and the exit code is the worst of all
        captured = capsys.readouterr()
        document = json.loads(captured.out)
        results = document["files"] if len(files) > 1 else [document]
        assert (captured.err, document["valid"]) == ("", code == 0)
        assert [(each["file"], each["valid"]) for each in results] == list(zip(map(str, files), valid, strict=True))
        assert [each for each in results if "error" in each] == [
            each for each in results if each["file"] == str(absent)
        ]


def test_every_file_is_validated_also_after_a_wrong_one(file, tmp_path, capsys):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("services: 3\n")
    assert main(["validate", str(tmp_path / "absent.yaml"), str(wrong), str(file)], {}) == 2
    captured = capsys.readouterr()
    assert f"{file}: good: 1 service" in captured.out
    assert "absent.yaml: No such file or directory" in captured.err
    assert f"{wrong}: 1 problem\n" in captured.err


@pytest.mark.parametrize("command", ["validate", "render"])
def test_a_dash_is_stdin(command, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert main([command, "-"], {}) == 0
    captured = capsys.readouterr()
    assert ("<stdin>: good" in captured.out) if command == "validate" else ("source" not in json.loads(captured.out))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"services: 3\n")))
    assert main([command, "-"], {}) == 1
    assert "<stdin>:1:11: services: '3' is not a list" in capsys.readouterr().err
    if command == "validate":
        assert main([command, "-", "-"], {}) == 2
        assert "stdin can be read once" in capsys.readouterr().err


def test_no_message_on_a_laptop_mentions_deploying(file, tmp_path, capsys):
    file.write_text("services: 3\n")
    for arguments in (["validate", str(file)], ["render", str(file), "-o", str(tmp_path / "out")]):
        assert main(arguments, {}) == 1
        assert "deployed" not in "".join(capsys.readouterr())


def test_the_version_is_an_option_too(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"ecs-gitops {__version__}\n"
