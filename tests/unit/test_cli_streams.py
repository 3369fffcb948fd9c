"""The command line where its streams are closed, full or pipes, and with arguments that a shell filled in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_gitops import cli
from ecs_gitops.cli import main, plan

GOOD = "services:\n  - {service: web, clusterName: shop, serviceName: web, image: 'web:1'}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text("services: 3\n")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("validate - <&-", 1, "<stdin>: 1 problem"),
        ("validate good.yaml <&-", 0, ""),
        ("validate good.yaml 2>&-", 0, ""),
        ("validate bad.yaml 2>&-", 1, ""),
        ("validate nobody.yaml 2>&-", 2, ""),
        ("render bad.yaml 2>&-", 1, ""),
        ("validate good.yaml >&-", 2, "output: stdout is closed"),
        ("render good.yaml >&-", 2, "output: stdout is closed"),
        ("render good.yaml >&- 2>&-", 2, ""),
        ("validate good.yaml >/dev/full", 2, "output: "),
        # 2 means changes there.
        ("plan --exit-code good.yaml >&-", 1, "output: stdout is closed"),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_traceback(folder, command, code, message):
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    line = ["sh", "-c", f"{sys.executable} -m ecs_gitops {command}"]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert message in done.stderr
    assert sorted(each.name for each in folder.iterdir()) == ["bad.yaml", "good.yaml"]


def test_an_output_called_dash_is_stdout(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert main(["render", "good.yaml", "--output", "-"], {}) == 0
    assert json.loads(capsys.readouterr().out)["services"]
    assert not (folder / "-").exists()


@pytest.mark.parametrize("odd", ["--\x1b[2J", "\x1b]0;title\x07", "\u202egnp", "https://evil.example/"])
def test_arguments_that_a_shell_filled_in_are_shown_with_escapes(folder, capsys, odd):
    with pytest.raises(SystemExit) as wrong:
        main(["render", str(folder / "good.yaml"), odd], {})
    errors = capsys.readouterr().err
    assert wrong.value.code == 2
    assert "unrecognized arguments" in errors
    assert all(each.isprintable() for each in errors.splitlines())
    assert "https:" not in errors


@pytest.mark.parametrize(("error", "code"), [(BrokenPipeError(), 1), (OSError(28, "No space left on device"), 1)])
def test_a_plan_that_cannot_be_written_does_not_look_like_changes(monkeypatch, error, code):
    def fails(*_):
        raise error

    monkeypatch.setattr(plan, "run", fails)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert main(["plan", "--exit-code"], {}) == code


def test_ctrl_c_is_no_traceback(monkeypatch, capsys):
    def stops(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(plan, "run", stops)
    assert main(["plan"], {}) == 130
    assert capsys.readouterr().err == "ecs-gitops: interrupted\n"
