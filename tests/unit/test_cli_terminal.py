"""The command line on a terminal: colours, names with escapes in them, and what completes its words."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_gitops import cli
from ecs_gitops.cli import main


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("arguments", "environment", "is_terminal", "is_colored"),
    [
        ([], {}, True, True),
        ([], {}, False, False),
        ([], {"NO_COLOR": "1"}, True, False),
        ([], {"NO_COLOR": ""}, True, True),
        ([], {"TERM": "dumb"}, True, False),
        (["--color", "never"], {}, True, False),
        (["--color=always"], {"NO_COLOR": "1"}, False, True),
        (["--color", "auto"], {"NO_COLOR": "1"}, True, False),
        (["--format", "json", "--color", "always"], {}, True, False),
    ],
)
def test_colours_are_for_terminals_and_whoever_asks(file, monkeypatch, arguments, environment, is_terminal, is_colored):
    for content in (file.read_text(), "services: 3\n"):
        file.write_text(content)
        out, err = (Terminal() if is_terminal else io.StringIO() for _ in range(2))
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setattr("sys.stderr", err)
        main(["validate", str(file), *arguments], environment)
        assert ("\x1b[" in out.getvalue() + err.getvalue()) is is_colored


def test_the_colour_may_be_chosen_before_the_command(file, capsys):
    file.write_text("services: 3\n")
    assert main(["--color", "always", "validate", str(file)], {}) == 1
    colored = capsys.readouterr().err
    assert main(["validate", str(file)], {}) == 1
    # THEN colours change no word
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == capsys.readouterr().err
    assert colored.startswith("\x1b[1m")


def test_a_name_that_would_move_the_cursor_is_shown_with_escapes(tmp_path, capsys):
    odd = tmp_path / "a\x1b[2Jb.yaml"
    odd.write_text("services: 3\n")
    for arguments in (["validate", str(odd)], ["render", str(odd)], ["validate", str(odd) + "\x1b"]):
        assert main(arguments, {}) in (1, 2)
        captured = capsys.readouterr()
        assert "\x1b" not in captured.out + captured.err
        assert "a\\x1b[2Jb.yaml" in captured.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_shells_complete_commands_options_and_files(shell, capsys):
    assert main(["completion", shell], {}) == 0
    script = capsys.readouterr().out
    assert "validate" in script
    assert "no-such-command" not in script


def test_bash_takes_its_completions(tmp_path, capsys):
    assert main(["completion", "bash"], {}) == 0
    (tmp_path / "completion").write_text(capsys.readouterr().out)
    (tmp_path / "deployment.yaml").write_text("")

    def completed(*words: str) -> list[str]:
        typed = " ".join(f"'{word}'" for word in words)
        script = f"""
            source completion
            COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1}
            $(complete -p ecs-gitops | sed 's/.*-F \\([^ ]*\\).*/\\1/') ecs-gitops '{words[-1]}' '{words[-2]}'
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        return [line.strip() for line in done.stdout.splitlines()]

    assert completed("ecs-gitops", "val") == ["validate"]
    assert "--format" in completed("ecs-gitops", "validate", "--f")
    assert completed("ecs-gitops", "validate", "--format", "j") == ["json"]
    assert completed("ecs-gitops", "validate", "depl") == ["deployment.yaml"]


def test_completion_without_its_library_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"], {}) == 2
    assert "pip install shtab" in capsys.readouterr().err


def test_no_other_command_loads_the_library_of_completions(file):
    code = (
        f"import sys; from ecs_gitops.cli import main; main(['validate', {str(file)!r}]); print('shtab' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "False"
